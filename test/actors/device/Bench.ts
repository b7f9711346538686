/** A device without a cell: folds its transitions, owns its time, and stores and loads its state through real CBOR at every step. */
import { assert } from "@effect/vitest"
import { Schema } from "effect"
import type { EffectOrder, Emitted, FrameToBoard, Link, Outcome, Tell } from "../../../src/actors/Behaviour.ts"
import { device } from "../../../src/actors/device/Device.ts"
import type { AttachRequest } from "../../../src/actors/device/Presence.ts"
import { CommandView, DeviceStatus, TwinDocument } from "../../../src/protocol/Device.ts"
import { type DeviceState, isDeviceState } from "../../../src/protocol/DeviceState.ts"
import type { UpFrame } from "../../../src/protocol/Frame.ts"
import { uuidV7 } from "../../../src/protocol/Ids.ts"
import { decodeStored, encodeStored } from "../../../src/protocol/Stored.ts"
import type { TwinPatch } from "../../../src/protocol/TwinValue.ts"

const { reactions, transitions } = device
export const start = 1_800_000_000_000

/** The state with the leaves of its recent layer as a plain map: versions of that layer share more than they show. */
const plain = (state: unknown): unknown => {
  if (!isDeviceState(state)) throw new Error("no state")
  const { reported } = state.twin
  const recent = new Map<string, unknown>()
  reported.recent.forEach((leaf, path) => {
    recent.set(path, leaf)
  })
  return { ...state, twin: { ...state.twin, reported: { ...reported, recent } } }
}

const stored = (state: unknown): unknown => {
  const { storage } = reactions
  if (storage === undefined) throw new Error("no storage")
  const { head, parts } = storage.split(state, 1)
  const loaded = new Map([...parts].map(([key, value]) => [key, decodeStored(encodeStored(value))]))
  return storage.join(decodeStored(encodeStored(head)), loaded, "press-1", 1)
}

export const hello: AttachRequest = {
  node: "a-1",
  connection: 1,
  boot: 7,
  link: 1,
  up: 1000,
  profile: "generic",
  firmware: "1.0.0",
  caps: 0,
  rx: 65_536,
  requests: 2,
  desired: 0,
  leaseMillis: 25_000
}
/** Bit of a board that keeps a command journal, and of one that keeps desired over a restart. */
export const journal = 2
export const keeper = 4

export class Bench {
  now = start
  state: DeviceState
  resident: unknown
  link: Link | undefined
  /** What left since it was last taken. */
  frames: Array<FrameToBoard> = []
  events: Array<Emitted> = []
  samples: Array<Emitted> = []
  goodbyes: Array<number> = []
  /** As many earlier tells are unacknowledged. */
  tellCount = 0
  tells: Array<Tell> = []
  effects: Array<EffectOrder> = []
  /** Off where thousands of commands make the round trip of every state too slow. */
  storesEachState = true
  private ids = 0

  constructor() {
    const initial = reactions.initial("press-1")
    if (!isDeviceState(initial)) throw new Error("no state")
    this.state = initial
    this.resident = reactions.awake?.(initial, this.now)
  }

  id(): string {
    const random = new Uint8Array(10)
    new DataView(random.buffer).setUint32(6, ++this.ids)
    return uuidV7(this.now, () => random)
  }

  private context(requestId = "") {
    return {
      self: { kind: "device", id: "press-1" },
      now: this.now,
      random: () => 0.5,
      asker: { kind: "user", id: "ada", role: "operator" } as const,
      requestId,
      resident: this.resident,
      link: this.link,
      tellCount: this.tellCount,
      node: "a-1"
    }
  }

  private settle<Reply>(outcome: Outcome<unknown, unknown, Reply, unknown>): Outcome<unknown, unknown, Reply, unknown> {
    const { state, resident, link, frames, events, samples, goodbye, tells, effects } = outcome
    if (resident !== undefined) this.resident = resident
    if (state !== undefined) {
      if (!isDeviceState(state)) throw new Error("no state")
      if (this.storesEachState)
        assert.deepStrictEqual(plain(stored(state)), plain(state), "a state is what its row holds")
      this.state = state
    }
    if (link !== undefined) this.link = link ?? undefined
    this.frames.push(...(frames ?? []))
    this.events.push(...(events ?? []))
    this.samples.push(...(samples ?? []))
    this.tells.push(...(tells ?? []))
    this.effects.push(...(effects ?? []))
    if (goodbye !== undefined) this.goodbyes.push(goodbye)
    return outcome
  }

  /** Sends a message; throws its refusal. */
  ask(message: string, payload: unknown = {}, requestId = this.id()): unknown {
    const handle = transitions[message]
    if (handle === undefined) throw new Error(`no message ${message}`)
    const outcome = this.settle(handle(this.state, payload, this.context(requestId)))
    if (outcome.refusal !== undefined) throw outcome.refusal
    return outcome.reply
  }

  attach(changes: Partial<AttachRequest> = {}): unknown {
    return this.ask("Attach", { ...hello, up: this.now - start + 1000, ...changes })
  }

  /** Attached, past the wait for the welcome, with nothing left over. */
  ready(changes: Partial<AttachRequest> = {}): this {
    this.attach(changes)
    this.up({ type: "report", seq: 1, state: {}, full: true })
    this.advance(50)
    this.clear()
    return this
  }

  up(frame: UpFrame): unknown {
    const handle = reactions.frame
    if (handle === undefined) throw new Error("takes no frames")
    return this.settle(handle(this.state, frame, this.context())).reply
  }

  /** An effect that was ordered has ended. */
  complete(order: EffectOrder, outcome: unknown): void {
    const ended = reactions.completed?.(this.state, { name: order.name, id: order.id, outcome }, this.context())
    if (ended !== undefined) this.settle(ended)
  }

  /** The frame crashed its transition three times. */
  upFailed(frame: UpFrame): unknown {
    const handle = reactions.frameFailed
    if (handle === undefined) throw new Error("takes no failed frames")
    return this.settle(handle(this.state, frame, this.context())).reply
  }

  report(seq: number, state: TwinPatch, more: { readonly full?: boolean; readonly at?: number } = {}): unknown {
    return this.up({ type: "report", seq, state, ...more })
  }

  due(): number {
    const stored = reactions.dueAt?.(this.state) ?? Number.POSITIVE_INFINITY
    return Math.min(stored, reactions.residentDueAt?.(this.state, this.resident, this.link) ?? Number.POSITIVE_INFINITY)
  }

  timeout(): void {
    const outcome = reactions.timeout?.(this.state, this.context())
    if (outcome !== undefined) this.settle(outcome)
  }

  /** Lets time pass; every due is served when it comes, and none may stand still. */
  advance(millis: number): void {
    const until = this.now + millis
    for (let due = this.due(); due <= until; due = this.due()) {
      this.now = Math.max(this.now, due)
      this.timeout()
      assert.isAbove(this.due(), this.now, "a due that a timeout leaves standing spins")
    }
    this.now = until
  }

  /** The node dies: another one loads the row. */
  failOver(): void {
    const state = stored(this.state)
    if (!isDeviceState(state)) throw new Error("no state")
    this.state = state
    this.link = undefined
    this.resident = reactions.awake?.(state, this.now)
    this.timeout()
  }

  clear(): void {
    this.frames = []
    this.events = []
    this.samples = []
    this.tells = []
    this.effects = []
  }

  /** Takes the frames of one type that were sent since. */
  sent(type: FrameToBoard["type"]): ReadonlyArray<FrameToBoard> {
    const taken = this.frames.filter((frame) => frame.type === type)
    this.frames = this.frames.filter((frame) => frame.type !== type)
    return taken
  }

  types(): ReadonlyArray<string> {
    return this.events.map(({ type }) => type)
  }

  twin(): TwinDocument {
    return Schema.decodeUnknownSync(TwinDocument)(this.ask("GetTwin"))
  }

  status(): DeviceStatus {
    return Schema.decodeUnknownSync(DeviceStatus)(this.ask("GetStatus"))
  }

  invoke(payload: Record<string, unknown> = {}, id = this.id()): CommandView {
    return Schema.decodeUnknownSync(CommandView)(this.ask("Invoke", { name: "blink", ...payload }, id))
  }

  command(id: string): CommandView {
    return Schema.decodeUnknownSync(CommandView)(this.ask("GetCommand", { id }))
  }

  bytes(): number {
    return encodeStored(reactions.storage?.split(this.state, 1).head).length
  }
}

export const refusal = (run: () => unknown): string => {
  try {
    run()
  } catch (refused) {
    return Object(refused)._tag ?? String(refused)
  }
  return ""
}
