/** One transition of a device under way: the rules change it one after another, its outcome is what leaves. */
import type { Command, DeviceState } from "../../protocol/DeviceState.ts"
import type { UpFrame } from "../../protocol/Frame.ts"
import { upShapes } from "../../protocol/FrameTable.ts"
import type { EffectOrder, Emitted, FrameToBoard, Link, Outcome, Tell, TransitionContext } from "../Behaviour.ts"
import { write } from "./Commands.ts"

/** When a request that a board has not answered is sent again. */
export interface Repeat {
  /** Wait before the one after next. */
  readonly waitMillis: number
  readonly at: number
}

/** No requests to repeat. */
export const noRepeats: ReadonlyMap<string, Repeat> = new Map()
export const noErrandRepeats: ReadonlyMap<number, Repeat> = new Map()

/** How far a transfer is on the current link. */
export interface Courier {
  readonly xfer: number
  /** Absent until it is read. */
  readonly manifest: Uint8Array | undefined
  /** Bytes a chunk. */
  readonly chunk: number
  readonly window: number
  /** The board has answered the offer on this link. */
  readonly isAccepted: boolean
  /** First chunk that the board does not hold, and first that was not sent. */
  readonly next: number
  readonly sent: number
  readonly isReading: boolean
  /** When the offer, or the chunks that were not acknowledged, go out again. */
  readonly repeat: Repeat
  /** When the session was last told how far it is. */
  readonly toldAt: number
}

/** What the last heartbeat said of the board. */
export interface Vitals {
  readonly freeBytes?: number
  readonly load?: number
  readonly signal?: number
  readonly power?: number
}

/** Memory of one activation. Everything but `heardAt` belongs to the current link and begins anew with each. */
export interface Resident {
  /** When the board was last heard, or when the actor woke. */
  readonly heardAt: number
  /** The latest estimates of (time here − board clock), ms; the lowest had the shortest way. */
  readonly offsets: ReadonlyArray<number>
  readonly vitals: Vitals
  /** No request goes out before: the link is new, or the board asked for a pause. */
  readonly quietUntil: number
  /** Desired waits for the full report until then. */
  readonly awaitsFullUntil: number
  /** Whether desired has something to send as soon as it may. */
  readonly owesDesired: boolean
  readonly desiredSentAt: number
  /** Repeats of the last desired frame while the board has not acknowledged it. */
  readonly desiredRepeat: Repeat | undefined
  /** Fields on which the board went back, by path. */
  readonly drifts: ReadonlyMap<string, Repeat>
  /** Repeats of commands under way, by id. */
  readonly repeats: ReadonlyMap<string, Repeat>
  /** Repeats of other actors' requests, by number. */
  readonly errandRepeats: ReadonlyMap<number, Repeat>
  /** The transfer under way. */
  readonly courier: Courier | undefined
  /** Earliest of all the above; infinite for none. */
  readonly dueAt: number
}

/** Memory of a new activation, or of a new link. */
export const freshResident = (now: number): Resident => ({
  heardAt: now,
  offsets: [],
  vitals: {},
  quietUntil: 0,
  awaitsFullUntil: 0,
  owesDesired: false,
  desiredSentAt: Number.NEGATIVE_INFINITY,
  desiredRepeat: undefined,
  drifts: noRepeats,
  repeats: noRepeats,
  errandRepeats: noErrandRepeats,
  courier: undefined,
  dueAt: Number.POSITIVE_INFINITY
})

export type Context = TransitionContext<Resident>

/** A transition under way. */
export interface Turn {
  readonly context: Context
  readonly now: number
  state: DeviceState
  resident: Resident
  /** The link after the transition. */
  link: Link | undefined
  /** Reason of the goodbye to a link that ends. */
  goodbye: number | undefined
  events: Array<Emitted> | undefined
  samples: Array<Emitted> | undefined
  frames: Array<FrameToBoard> | undefined
  tells: Array<Tell> | undefined
  effects: Array<EffectOrder> | undefined
}

/** Begins a transition. */
export const begin = (state: DeviceState, context: Context): Turn => ({
  context,
  now: context.now,
  state,
  resident: context.resident,
  link: context.link,
  goodbye: undefined,
  events: undefined,
  samples: undefined,
  frames: undefined,
  tells: undefined,
  effects: undefined
})

/** Writes a command. */
export const writeCommand = (turn: Turn, command: Command): void => {
  turn.state = { ...turn.state, commands: write(turn.state.commands, [command], turn.now) }
}

/** Puts a fact on the event stream. */
export const emit = (turn: Turn, event: Emitted): void => {
  turn.events ??= []
  turn.events.push(event)
}

/** Sends a frame to the board, if it is there. */
export const send = (turn: Turn, frame: FrameToBoard): void => {
  if (turn.link === undefined) return
  turn.frames ??= []
  turn.frames.push(frame)
}

/** Tells another actor, for sure. */
export const tell = (turn: Turn, message: Tell): void => {
  turn.tells ??= []
  turn.tells.push(message)
}

/** Unacknowledged tells past which what comes often is left out: its receiver does not answer, and each is a part of the row. */
const telemetryMax = 64
/** As `telemetryMax`, for what is told again with the next link. */
const reportsMax = 192

const waiting = ({ context, tells }: Turn): number => context.tellCount + (tells?.length ?? 0)

/** Tells what may be lost. */
export const mention = (turn: Turn, message: Tell): void => {
  if (waiting(turn) < telemetryMax) tell(turn, message)
}

/** Whether a report would wait behind too many others. */
export const isCrowded = (turn: Turn): boolean => waiting(turn) >= reportsMax

/** Begins work that takes time. */
export const perform = (turn: Turn, order: EffectOrder): void => {
  turn.effects ??= []
  turn.effects.push(order)
}

const numberOf: ReadonlyMap<string, number> = new Map(upShapes.map(({ type, number }) => [type, number]))

/** Refuses an up frame: the refusal goes out before the acknowledgement, so a numbered frame is consumed by it. */
export const refuseFrame = (turn: Turn, frame: UpFrame, code: number, req?: string): void => {
  const frameType = frame.type === "private" ? frame.number : numberOf.get(frame.type)
  send(turn, {
    type: "error",
    code,
    ...(frameType === undefined ? {} : { frameType }),
    ...(frame.seq > 0 ? { refusedSeq: frame.seq } : {}),
    ...(req === undefined ? {} : { req })
  })
}

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

/** What leaves the transition. */
export const outcomeOf = <Reply>(turn: Turn, reply: Reply): Outcome<DeviceState, Resident, Reply, never> => {
  const { context, state, resident, link, goodbye, events, samples, frames } = turn
  const outcome: Mutable<Outcome<DeviceState, Resident, Reply, never>> = { state, resident, reply }
  if (events !== undefined) outcome.events = events
  if (samples !== undefined) outcome.samples = samples
  if (frames !== undefined) outcome.frames = frames
  if (turn.tells !== undefined) outcome.tells = turn.tells
  if (turn.effects !== undefined) outcome.effects = turn.effects
  if (link !== context.link) outcome.link = link ?? null
  if (goodbye !== undefined) outcome.goodbye = goodbye
  return outcome
}
