/** Who a board is: what does not change while it runs, and the first frame of each of its links. */
import { caps, type Hello } from "../../src/protocol/frame/LinkFrames.ts"

/** The one version of the link protocol the agent speaks. */
export const protocolVersion = 1

/** Who the board is and what it can. */
export interface AgentOptions {
  readonly id: string
  readonly profile: string
  readonly firmware: string
  /** Bits of `caps` beside those of the wall clock, the journal and the programs, which follow from the ports. */
  readonly caps?: number
  /** Largest frame the board receives, bytes. */
  readonly rx: number
  /** Requests the board takes at a time. */
  readonly requests: number
  /** A number of the protocol's reset reasons. */
  readonly reset?: number
  /** Letters that may wait before the oldest is dropped. */
  readonly waitingMax?: number
  /** Commands that are remembered. */
  readonly idsMax?: number
  /** Where the board is, as far as nobody in the cluster says so. */
  readonly zone?: string
}

/** What a hello says of its moment. */
export interface HelloMoment {
  readonly boot: number
  readonly link: number
  /** Milliseconds since boot. */
  readonly up: number
  /** UTC, where it is known. */
  readonly wall: number | undefined
  /** The board has a wall clock of its own. */
  readonly keepsWall: boolean
  /** The board keeps its commands over a restart. */
  readonly keepsCommands: boolean
  readonly desired: number
  readonly sent: number
  readonly dropped: number
  /** Image kinds the board takes; absent where it takes none. */
  readonly kinds?: ReadonlyArray<number>
}

/** The hello of one link. */
export const helloOf = (options: AgentOptions, moment: HelloMoment): Hello => ({
  type: "hello",
  seq: 0,
  min: protocolVersion,
  max: protocolVersion,
  id: options.id,
  boot: moment.boot,
  link: moment.link,
  up: Math.floor(moment.up),
  profile: options.profile,
  firmware: options.firmware,
  caps:
    (options.caps ?? 0) |
    (moment.keepsWall ? caps.wallClock : 0) |
    (moment.keepsCommands ? caps.commandJournal : 0) |
    (moment.kinds === undefined ? 0 : caps.takesImages | caps.valuesAndMail),
  rx: options.rx,
  requests: options.requests,
  desired: moment.desired,
  sent: moment.sent,
  dropped: moment.dropped,
  ...(moment.wall === undefined ? {} : { wall: Math.max(0, Math.floor(moment.wall)) }),
  ...(moment.kinds === undefined ? {} : { kinds: moment.kinds }),
  ...(options.reset === undefined ? {} : { reset: options.reset }),
  ...(options.zone === undefined ? {} : { zone: options.zone })
})
