/** What a session tells its device and asks of the store of images. */
import type { BoardRequest } from "../../protocol/BoardRequest.ts"
import { imageFlags } from "../../protocol/frame/ImageFrames.ts"
import { imageKindOf } from "../../protocol/image/ImageKind.ts"
import type { SessionRecord } from "../../protocol/Session.ts"
import type * as Behaviour from "../Behaviour.ts"

/** How long a board may take to check an image, or to write it. */
const boardMillis = 60_000
/** How long a trial may take until the board keeps the image or goes back. */
export const trialMillis = 600_000

/** What a transition of a session may look at. */
export type Context = Behaviour.TransitionContext<undefined>
/** What leaves a transition of a session. */
export type Outcome = Behaviour.Outcome<SessionRecord, undefined, never, never>

/** Tells the device of the board. */
export const toDevice = ({ device }: SessionRecord, message: string, payload: unknown): Behaviour.Tell => ({
  to: { kind: "device", id: device },
  message,
  payload
})

/** A board that may be away for long while it takes the image may be so afterwards too. */
export const ask = (record: SessionRecord, { self }: Context, key: string, request: BoardRequest): Behaviour.Tell =>
  toDevice(record, "AskBoard", {
    asker: self,
    key,
    request,
    lifeMillis: Math.max(boardMillis, record.options.stallMillis)
  })

const flagsOf = ({ options }: SessionRecord): number =>
  (options.autostart ? imageFlags.autostart : 0) |
  (options.persist ? imageFlags.persist | imageFlags.keepOld : 0) |
  (options.replace ? imageFlags.replace : 0)

/** The longest that a session can need its board, ms: the transfer, then the check, the installation and the trial. */
const lifeOf = ({ options: { totalMillis, stallMillis } }: SessionRecord): number =>
  totalMillis + 3 * Math.max(boardMillis, stallMillis) + trialMillis + boardMillis

/** Asks the device to send the image. */
export const ship = (record: SessionRecord, { self }: Context): Behaviour.Tell => {
  const { sha256, total, kind, options } = record
  const { instance, again } = options
  return toDevice(record, "OpenTransfer", {
    session: self.id,
    sha256,
    size: total,
    kind: imageKindOf(kind),
    flags: flagsOf(record),
    lifeMillis: lifeOf(record),
    ...(instance === undefined ? {} : { instance }),
    ...(again === true ? { again } : {})
  })
}

/** Reads what the store knows of the image. */
export const describe = (record: SessionRecord, { self }: Context): Behaviour.EffectOrder => ({
  name: "describe",
  id: record.sha256,
  input: { sha256: record.sha256, user: `session/${self.id}` }
})

/** Lets the store forget that the session needs the image. */
export const release = (record: SessionRecord, { self }: Context): Behaviour.EffectOrder => ({
  name: "release",
  id: record.sha256,
  input: { sha256: record.sha256, user: `session/${self.id}` }
})
