/** A board with its own line for tools, on virtual time, and clients of it that are connected without a network. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Result } from "effect"
import { build } from "../../../../devices/hxe/assembler/Build.ts"
import type { BoardEvent } from "../../../../devices/hxe/rpc/EventLog.ts"
import type { RpcConnection } from "../../../../devices/hxe/rpc/RpcConnection.ts"
import type { RpcService } from "../../../../devices/hxe/rpc/RpcService.ts"
import { MemoryNvDevice } from "../../../../devices/nv/MemoryNvDevice.ts"
import { hostShape } from "../../../../devices/nv/NvMap.ts"
import { FieldBoard, type FieldBoardParts } from "../../../../devices/provisioning/FieldBoard.ts"
import { VirtualTime } from "../../VirtualTime.ts"

/** A reply or an event, as the client reads it. */
export type Said = Readonly<Record<string, unknown>>

/** An image of this source text. */
export const imageOf = (name: string, text: string): Uint8Array =>
  Result.getOrThrow(build([{ file: `${name}.mvasm`, text }], () => undefined, { name, requiredCaps: 0 }))

/** The time at which a board under test is switched on, ms since 1970. */
export const switchedOnAt = 1_700_000_000_000

/** One client, and all lines that it got. */
export class RpcClient {
  readonly lines: Array<string> = []
  readonly connection: RpcConnection
  isClosed = false
  isPaused = false
  hasRoom = true

  constructor(service: RpcService, port: number, address = "127.0.0.1") {
    this.connection = service.connect({
      write: (text) => this.lines.push(...text.trimEnd().split("\n")),
      hasRoom: () => this.hasRoom,
      pause: () => {
        this.isPaused = true
      },
      resume: () => {
        this.isPaused = false
      },
      close: () => {
        this.isClosed = true
      },
      name: `${address}:${port}`,
      address
    })
  }

  /** Sends this text as it is. */
  write(text: string): void {
    this.connection.receive(new TextEncoder().encode(text))
  }

  /** All that was said since the last look. */
  take(): ReadonlyArray<Said> {
    return this.lines.splice(0).map((line) => JSON.parse(line) as Said)
  }

  /** Asks, and reads the answer that came at once. */
  ask(cmd: string, fields: Said = {}): Said {
    this.write(`${JSON.stringify({ version: 1, cmd, ...fields })}\n`)
    const reply = this.lines.shift()
    if (reply === undefined) throw new Error(`${cmd}: no answer`)
    return JSON.parse(reply) as Said
  }

  /** Asks for what must not be refused. */
  did(cmd: string, fields: Said = {}): Said {
    const reply = this.ask(cmd, fields)
    if (reply.status !== "ok") throw new Error(`${cmd}: ${JSON.stringify(reply)}`)
    return reply
  }

  /** Code and detail of what must be refused. */
  refusal(cmd: string, fields: Said = {}): ReadonlyArray<unknown> {
    const reply = this.ask(cmd, fields)
    if (reply.status !== "error") throw new Error(`${cmd}: not refused`)
    return [reply.code, reply.detail]
  }

  /** The id of a new session. */
  open(fields: Said = {}): string {
    return String(at(this.did("session.open", fields), "session").id)
  }

  /** Events among what was said since the last look. */
  events(): ReadonlyArray<BoardEvent> {
    return this.take().flatMap((said) => (typeof said.seq === "number" ? [said as unknown as BoardEvent] : []))
  }
}

/** An object inside of a reply. */
export const at = (said: unknown, ...path: ReadonlyArray<string | number>): Said =>
  path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown>)[key], said) as Said

/** The board, its time, and its folder. */
export class RpcRig {
  readonly time = new VirtualTime()
  readonly folder = mkdtempSync(join(tmpdir(), "holon-rpc-"))
  readonly board: FieldBoard
  readonly service: RpcService
  #nextPort = 40_000
  #random = 0

  constructor(parts: Partial<FieldBoardParts> = {}) {
    this.board = Result.getOrThrow(
      FieldBoard.start({
        node: 5,
        clock: this.time.clock(
          () => 0.5,
          () => switchedOnAt + this.time.now
        ),
        devices: { nvm: new MemoryNvDevice(hostShape.nvm), flash: new MemoryNvDevice(hostShape.flash) },
        folder: this.folder,
        rpc: { randomBytes: (count) => new Uint8Array(count).fill(++this.#random) },
        ...parts
      })
    )
    if (this.board.rpc === undefined) throw new Error("the board has no line")
    this.service = this.board.rpc
  }

  client(address?: string): RpcClient {
    this.#nextPort += 1
    return new RpcClient(this.service, this.#nextPort, address)
  }

  /** Streams an image over the line and ends the transfer; answers the reply to the end. */
  stream(client: RpcClient, label: string, image: Uint8Array, chunkBytes: number, fields: Said = {}): Said {
    const { xfer } = client.did("vm_load_begin", { label, total: image.length, ...fields })
    for (let from = 0, seq = 0; from < image.length; from += chunkBytes, seq++) {
      const data_hex = Buffer.from(image.subarray(from, from + chunkBytes)).toString("hex")
      client.did("vm_load_write", { xfer, seq, data_hex, ...fields })
    }
    return client.did("vm_load_end", { xfer, ...fields })
  }

  stop(): void {
    this.board.stop()
    rmSync(this.folder, { recursive: true })
  }
}
