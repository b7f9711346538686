/**
 * The frames of the link between a board and the cluster, as decoded values. Field names are the words of the protocol's table.
 *
 * Frames from a board carry `seq`: 0 when unnumbered, else the number its acknowledgement names. Frames to a board carry
 * `epoch`: the attach that sent them, 0 before there is one. An absent optional field has no key. Ids of commands are
 * UUIDs as lower-case text; all other byte strings stay bytes. Times are milliseconds, `at` and `up` on the board's own
 * clock, `wall` since 1970 in UTC.
 */

import type { Cancel, EventFrame, Invoke, Log, Progress, ResultFrame } from "./frame/CommandFrames.ts"
import type { Down, Up } from "./frame/Head.ts"
import type { Chunk, ImageAck, ImageOffer, ImageOp, ImageStatus } from "./frame/ImageFrames.ts"
import type {
  Ack,
  ErrorDown,
  ErrorUp,
  Flow,
  GoodbyeDown,
  GoodbyeUp,
  HeartbeatDown,
  HeartbeatUp,
  Hello,
  Welcome
} from "./frame/LinkFrames.ts"
import type {
  Answer,
  Mail,
  MailSend,
  MailTap,
  ProgramCtl,
  ProgramStatus,
  ValueFrame,
  ValueGet,
  ValueSet,
  ValueWatch
} from "./frame/ProgramFrames.ts"
import type { Challenge, Enrol, Enrolled, Proof, SealedDown, SealedUp } from "./frame/TrustFrames.ts"
import type { Desired, DesiredAck, Report } from "./frame/TwinFrames.ts"

interface PrivateFields {
  readonly type: "private"
  /** 128…191. */
  readonly number: number
  readonly body: ReadonlyMap<number, unknown>
}

/** A frame between a site's own firmware and gateway plugins. Its body is well-formed and otherwise unchecked. */
export interface PrivateUp extends Up, PrivateFields {}

/** A frame between a site's own gateway plugins and firmware. Its body is well-formed and otherwise unchecked. */
export interface PrivateDown extends Down, PrivateFields {}

/** A frame from a board to the cluster. */
export type UpFrame =
  | Hello
  | HeartbeatUp
  | ErrorUp
  | GoodbyeUp
  | Report
  | DesiredAck
  | Progress
  | ResultFrame
  | EventFrame
  | Log
  | ImageAck
  | Answer
  | ValueFrame
  | Mail
  | Proof
  | Enrol
  | SealedUp
  | ImageStatus
  | ProgramStatus
  | PrivateUp

/** A frame from the cluster to a board. */
export type DownFrame =
  | Welcome
  | HeartbeatDown
  | Ack
  | ErrorDown
  | GoodbyeDown
  | Flow
  | Desired
  | Invoke
  | Cancel
  | Chunk
  | Challenge
  | Enrolled
  | SealedDown
  | ImageOffer
  | ImageOp
  | ProgramCtl
  | ValueGet
  | ValueSet
  | ValueWatch
  | MailSend
  | MailTap
  | PrivateDown
