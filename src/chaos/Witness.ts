/**
 * What one board has seen with its own eyes: which reports were acknowledged, what it executed, who spoke under which
 * epoch. It listens on the wire, beside the agent, and decodes for itself.
 */
import type { Transport } from "../../devices/agent/Transport.ts"
import { decodeDown, decodeUp } from "../protocol/FrameCodec.ts"

const bytesMax = 262_144

/** Facts about one board, over all its boots. */
export class Witness {
  readonly id: string
  /** Highest `count` of a report whose number was acknowledged. */
  acknowledged = 0
  reportsAcknowledged = 0
  /** Command id to how often it ran. */
  readonly executed = new Map<string, number>()
  /** Epoch to the nodes that welcomed under it. */
  readonly speakers = new Map<string, Set<string>>()
  #counts = new Map<number, number>()

  constructor(id: string) {
    this.id = id
  }

  execute(commandId: string): void {
    this.executed.set(commandId, (this.executed.get(commandId) ?? 0) + 1)
  }

  /** A new boot counts its frames from 1 again. */
  restarted(): void {
    this.#counts = new Map()
  }

  /** The same transport, overheard. */
  over(transport: Transport): Transport {
    return {
      open: (opening, events) => {
        const connection = transport.open(opening, {
          ...events,
          received: (bytes) => {
            this.#down(bytes)
            events.received(bytes)
          },
          acknowledged: (seq) => {
            this.#consumed(seq)
            events.acknowledged(seq)
          }
        })
        return {
          ...connection,
          close: (orderly) => connection.close(orderly),
          send: (bytes, carriage) => {
            this.#up(bytes)
            connection.send(bytes, carriage)
          }
        }
      }
    }
  }

  #up(bytes: Uint8Array): void {
    const decoded = decodeUp(bytes, bytesMax)
    if (decoded._tag === "Failure") return
    const frame = decoded.success
    const count = frame.type === "report" ? frame.state?.count : undefined
    if (typeof count === "number" && frame.seq > 0) this.#counts.set(frame.seq, count)
  }

  #down(bytes: Uint8Array): void {
    const decoded = decodeDown(bytes, bytesMax)
    if (decoded._tag === "Failure") return
    const frame = decoded.success
    if (frame.type === "ack") for (const seq of [...this.#counts.keys()]) if (seq <= frame.last) this.#consumed(seq)
    if (frame.type !== "welcome") return
    for (const seq of [...this.#counts.keys()]) if (seq <= frame.last) this.#consumed(seq)
    const nodes = this.speakers.get(String(frame.epoch)) ?? new Set()
    if (frame.node !== undefined) nodes.add(frame.node)
    this.speakers.set(String(frame.epoch), nodes)
  }

  #consumed(seq: number): void {
    const count = this.#counts.get(seq)
    if (count === undefined) return
    this.#counts.delete(seq)
    this.reportsAcknowledged++
    this.acknowledged = Math.max(this.acknowledged, count)
  }
}
