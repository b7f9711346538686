/** A node for gateways under test: device actors that are a few lines, whose commits can be held. */
import { Result } from "effect"
import type { Host } from "../../src/actors/Host.ts"
import type { FrameOutcome, Links, Offer, ToGateway } from "../../src/actors/Links.ts"
import type { AttachPorts, Evidence } from "../../src/gateways/link/Attacher.ts"
import { fromTokens, type Tokens } from "../../src/gateways/link/Credentials.ts"
import { Presence } from "../../src/gateways/link/Presence.ts"
import { Publications } from "../../src/gateways/link/Publications.ts"
import type { PayloadOf } from "../../src/protocol/Contract.ts"
import type { Device } from "../../src/protocol/Device.ts"
import type { DownFrame, UpFrame } from "../../src/protocol/Frame.ts"
import { encodeDown } from "../../src/protocol/FrameCodec.ts"

/** Time and turns of the test's process. */
export const processHost = (failures: Array<unknown> = []): Host => ({
  now: Date.now,
  monotonic: () => performance.now(),
  random: Math.random,
  schedule: (delayMillis, run) => {
    const timer = setTimeout(run, delayMillis)
    return () => clearTimeout(timer)
  },
  defer: (run) => {
    setImmediate(run)
  },
  report: (what, cause) => {
    failures.push([what, cause])
  }
})

/** Open to everybody on loopback. */
export const openTokens: Tokens = { boards: new Map(), operators: new Map(), isOpenOnLoopback: true }

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

interface Cell {
  epoch: number
  connection: number
  last: number
  readonly frames: Array<UpFrame>
}

export class FakeNode {
  /** Bugs the gateway reported. */
  readonly failures: Array<unknown> = []
  readonly host = processHost(this.failures)
  readonly cells = new Map<string, Cell>()
  readonly evidence: Array<Evidence> = []
  readonly losses: Array<PayloadOf<Device, "Lost"> & { readonly id: string }> = []
  readonly presence = new Presence()
  readonly publications = new Publications()
  /** While it holds, frames reach their cell and are not committed. */
  isHolding = false
  readonly held: Array<() => void> = []
  readonly #listeners = new Map<number, (message: ToGateway) => void>()
  #connections = 0
  readonly #changed = new Set<() => void>()

  readonly #links: Links = {
    node: "node-1",
    offer: (_, offer, done) => this.#offer(offer, done),
    listen: (connection, receive) => {
      this.#listeners.set(connection, receive)
      return () => this.#listeners.delete(connection)
    }
  }

  readonly ports: AttachPorts = {
    host: this.host,
    links: this.#links,
    attach: (id, request, done) => {
      const cell = this.cellOf(id)
      const older = this.#listeners.get(cell.connection)
      if (cell.connection !== request.connection)
        older?.({ _tag: "Close", connection: cell.connection, epoch: cell.epoch, reason: 6 })
      cell.epoch++
      cell.connection = request.connection
      done(Result.succeed({ owner: "node-1", epoch: cell.epoch, last: cell.last, desired: 0, sync: 0 }))
      this.#notify()
    },
    lost: (id, payload) => {
      this.losses.push({ id, ...payload })
      this.#notify()
    },
    evidence: (evidence) => {
      this.evidence.push(evidence)
      this.#notify()
    },
    presence: this.presence,
    publications: this.publications,
    nextConnection: () => ++this.#connections
  }

  credentials(tokens: Tokens = openTokens) {
    return fromTokens(tokens)
  }

  cellOf(id: string): Cell {
    const cell = this.cells.get(id) ?? { epoch: 0, connection: 0, last: 0, frames: [] }
    this.cells.set(id, cell)
    return cell
  }

  /** Sends frames from the cell of `id` to its board. */
  down(id: string, ...frames: ReadonlyArray<DistributiveOmit<DownFrame, "epoch">>): void {
    const { epoch, connection } = this.cellOf(id)
    const encoded = frames.map((frame) => encodeDown({ ...frame, epoch }))
    this.#listeners.get(connection)?.({ _tag: "Frames", connection, epoch, frames: encoded })
  }

  /** Sends large frames to the board of `id` until its connection is given up. */
  flood(id: string): Promise<void> {
    const state = { texts: Array.from({ length: 12 }, () => "x".repeat(4_000)) }
    return new Promise((resolve) => {
      const pour = (): void => {
        if (this.losses.length > 0) return resolve()
        for (let count = 0; count < 20; count++) this.down(id, { type: "desired", version: 1, state })
        setImmediate(pour)
      }
      pour()
    })
  }

  /** Commits the first `count` frames that are held. */
  commit(count = this.held.length): void {
    for (const release of this.held.splice(0, count)) release()
  }

  /** Resolves as soon as `isSo` holds; looked at whenever something reached the node. */
  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isSo()) return
        this.#changed.delete(look)
        resolve()
      }
      this.#changed.add(look)
      look()
    })
  }

  #notify(): void {
    for (const look of [...this.#changed]) look()
  }

  #offer({ id, epoch, frame }: Offer, done: (outcome: FrameOutcome) => void): void {
    const cell = this.cellOf(id)
    if (epoch !== cell.epoch) return done({ _tag: "Superseded" })
    const commit = (): void => {
      cell.last = Math.max(cell.last, frame.seq)
      done({ _tag: "Consumed" })
    }
    if (frame.type === "heartbeat") return done({ _tag: "Consumed" })
    cell.frames.push(frame)
    if (this.isHolding) this.held.push(commit)
    else this.host.defer(commit)
    this.#notify()
  }
}
