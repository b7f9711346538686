/** A board with programs on a scripted peer: images are brought to it as a device actor would. */
import { createHash } from "node:crypto"
import { Result } from "effect"
import type { ProgramVoice } from "../../../devices/agent/Programs.ts"
import { MemoryNvDevice } from "../../../devices/nv/MemoryNvDevice.ts"
import type { NvDevices } from "../../../devices/nv/NvDevice.ts"
import { hostMap, hostShape } from "../../../devices/nv/NvMap.ts"
import { openStore } from "../../../devices/nv/OpenStore.ts"
import { type BoardTrust, trustsAll } from "../../../devices/programs/ImageChecks.ts"
import { ProgramHost } from "../../../devices/programs/ProgramHost.ts"
import type { Runtime, RuntimeEvents } from "../../../devices/programs/Runtime.ts"
import { Shelf } from "../../../devices/programs/Shelf.ts"
import type { DownFrame, UpFrame } from "../../../src/protocol/Frame.ts"
import type { ImageOffer, ImageStatus } from "../../../src/protocol/frame/ImageFrames.ts"
import type { Welcome } from "../../../src/protocol/frame/LinkFrames.ts"
import type { ProgramEntry } from "../../../src/protocol/frame/ProgramFrames.ts"
import { encodeManifest, type Manifest } from "../../../src/protocol/image/Manifest.ts"
import { type Line, Rig } from "../agent/ScriptedPeer.ts"
import { VirtualTime } from "../VirtualTime.ts"
import { ScriptedRuntime } from "./ScriptedRuntime.ts"

type Body<F> = F extends { readonly epoch: number } ? Omit<F, "epoch"> : never

type Unasked<F> = F extends { readonly req: number; readonly epoch: number } ? Omit<F, "epoch" | "req"> : never

export const chunkBytes = 64

export const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest())

/** A manifest for these bytes. */
export const manifestOf = (image: Uint8Array, fields: Partial<Manifest> = {}): Uint8Array =>
  Result.getOrThrow(
    encodeManifest({
      v: 1,
      kind: "hxe",
      sha256: Buffer.from(sha256(image)).toString("hex"),
      size: image.length,
      name: "motor",
      version: "1.0.0",
      secver: 0,
      ...fields
    })
  )

/** How a bench differs. */
export interface BenchOptions {
  readonly trust?: BoardTrust
  readonly devices?: NvDevices
  readonly runtime?: (time: VirtualTime, events: RuntimeEvents, shelf: Shelf) => Runtime
}

/** The memories of a board: they outlive its boots. */
export const memories = () => ({ nvm: new MemoryNvDevice(hostShape.nvm), flash: new MemoryNvDevice(hostShape.flash) })

/** One board, over several boots. */
export class Bench {
  readonly devices: NvDevices
  readonly time = new VirtualTime()
  readonly #options: BenchOptions
  #boot = 1
  #line: Line | undefined
  #epoch = 4
  #acknowledged = 0
  #req = 0
  #xfer = 0
  #runtime: Runtime | undefined
  rig: Rig
  host: ProgramHost | undefined

  constructor(options: BenchOptions = {}) {
    this.#options = options
    this.devices = options.devices ?? memories()
    this.rig = this.#start()
  }

  get line(): Line {
    if (this.#line === undefined) throw new Error("the board is not linked")
    return this.#line
  }

  get runtime(): ScriptedRuntime {
    if (!(this.#runtime instanceof ScriptedRuntime)) throw new Error("the runtime is another one")
    return this.#runtime
  }

  #start(): Rig {
    const rig = new Rig({ time: this.time, boot: this.#boot++, programs: (voice) => this.#programs(voice) })
    this.#link(rig, {})
    return rig
  }

  #link(rig: Rig, fields: Partial<Welcome>): void {
    this.#line = rig.up({ epoch: ++this.#epoch, window: 64, lease: 100_000_000, heartbeat: 50_000_000, ...fields })
    this.#acknowledged = 0
    this.acknowledge()
  }

  #programs(voice: ProgramVoice): ProgramHost {
    const clock = this.time.clock()
    const store = Result.getOrThrow(openStore({ devices: this.devices }, hostMap))
    const shelf = new Shelf(store, clock)
    this.host = new ProgramHost({
      voice,
      clock,
      shelf,
      runtimes: (events) => {
        this.#runtime = this.#options.runtime?.(this.time, events, shelf) ?? new ScriptedRuntime(this.time, events)
        return [this.#runtime]
      },
      profile: "sim-press",
      trust: this.#options.trust ?? trustsAll,
      imageBytesMax: 262_144,
      chunkBytesMax: 16_384,
      windowMax: 8,
      capabilities: ["log"]
    })
    return this.host
  }

  /** Cuts the power and starts the board again. */
  restart(): void {
    this.rig.agent.cut()
    this.rig = this.#start()
  }

  /** Stops the board in order and starts it again. */
  stop(): void {
    this.rig.agent.stop(0, () => {})
    this.time.advance(2000)
    this.rig = this.#start()
  }

  /** Loses the link and brings the next one up. */
  reconnect(): void {
    this.line.lose()
    this.rig.reopen()
    const last = this.#acknowledged
    this.#line = this.rig.welcomed({
      epoch: ++this.#epoch,
      last,
      window: 64,
      lease: 100_000_000,
      heartbeat: 50_000_000
    })
    this.acknowledge()
  }

  /** Lets time pass in small steps, acknowledging all that the board numbers. */
  advance(millis: number): void {
    const end = this.time.now + millis
    while (this.time.now < end) {
      this.time.advance(Math.min(50, end - this.time.now))
      this.acknowledge()
    }
  }

  acknowledge(): void {
    for (;;) {
      const last = Math.max(this.#acknowledged, ...this.line.seqs)
      if (last === this.#acknowledged) return
      for (let seq = this.#acknowledged + 1; seq <= last; seq++) this.line.puback(seq)
      this.#acknowledged = last
    }
  }

  say(frame: Body<DownFrame>): void {
    this.line.say({ ...frame, epoch: this.rig.agent.epoch } as DownFrame)
    this.acknowledge()
  }

  of<T extends UpFrame["type"]>(type: T): Array<Extract<UpFrame, { readonly type: T }>> {
    return this.line.of(type)
  }

  /** Asks and answers what the board answers. */
  ask(frame: Unasked<DownFrame>) {
    const req = ++this.#req
    this.say({ ...frame, req })
    return this.of("answer").find((answer) => answer.req === req)
  }

  operate(op: number, fields: { readonly xfer?: number; readonly generation?: number } = {}): ImageStatus {
    const req = ++this.#req
    this.say({ type: "image-op", op, req, ...fields })
    const answer = this.of("image-status").find((status) => status.req === req)
    if (answer === undefined) throw new Error("the board does not answer")
    return answer
  }

  control(op: number, program = "motor") {
    return this.ask({ type: "program-ctl", op, program })?.code
  }

  /** Offers an image and sends its chunks; answers the number of the transfer. */
  send(image: Uint8Array, manifest: Uint8Array, fields: Partial<ImageOffer> = {}): number {
    const xfer = ++this.#xfer
    this.say({
      type: "image-offer",
      xfer,
      sha256: sha256(image),
      size: image.length,
      kind: 1,
      manifest,
      chunk: chunkBytes,
      window: 8,
      flags: 1 | 2 | 4 | 8,
      ...fields
    })
    if (this.of("image-ack").at(-1)?.state === 0) return xfer
    for (let index = 0; index * chunkBytes < image.length; index++) {
      this.say({ type: "chunk", xfer, index, data: image.subarray(index * chunkBytes, (index + 1) * chunkBytes) })
    }
    return xfer
  }

  /** Brings an image to the board, all the way; answers what became of it. */
  install(image: Uint8Array, manifest: Partial<Manifest> = {}, fields: Partial<ImageOffer> = {}): ImageStatus {
    const xfer = this.send(image, manifestOf(image, manifest), fields)
    const verified = this.operate(1, { xfer })
    return verified.state === 3 ? this.operate(2, { xfer }) : verified
  }

  /** What was told last of each program. */
  told(): Record<string, ProgramEntry> {
    const told: Record<string, ProgramEntry> = {}
    for (const { programs } of this.of("program-status")) for (const entry of programs) told[entry.name ?? ""] = entry
    return told
  }

  /** States of a program in the order they were told. */
  states(name = "motor"): Array<number | undefined> {
    return this.of("program-status").flatMap(({ programs }) =>
      programs.filter((entry) => entry.name === name).map(({ state }) => state)
    )
  }

  /** States of images that were told unasked. */
  unasked(): Array<ImageStatus> {
    return this.of("image-status").filter(({ req }) => req === undefined)
  }
}
