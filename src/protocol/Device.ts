/**
 * What the world says to a device, the actor that mirrors one board. Its id is the board's. All times are ms since 1970
 * unless their name says millis, which is a duration.
 */
import { Schema } from "effect"
import { ActorAddress, BoardRequest, ProgramName, Sha256 } from "./BoardRequest.ts"
import * as Contract from "./Contract.ts"
import { type DeviceState, isDeviceState } from "./DeviceState.ts"
import { HolonError, Unavailable } from "./Errors.ts"
import { Escalate, Quarantined } from "./Escalation.ts"
import { FailedImage } from "./FailedImage.ts"
import { ImageKind } from "./image/ImageKind.ts"
import { FailingProgram, ProgramReport } from "./Program.ts"
import { TwinPatchSchema, TwinSectionSchema, TwinValueSchema } from "./TwinSchema.ts"
import { ClaimToken } from "./vsm/Claim.ts"
import { Intensity, Metric } from "./vsm/Signal.ts"
import { VsmId } from "./vsm/VsmId.ts"
import { Zone, ZoneSource } from "./Zone.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const instant = Schema.Finite
const u32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))
/** The claim that it is given under: late once a newer one was seen. Absent where nothing was claimed. */
const claim = Schema.optionalKey(ClaimToken)
const label = Schema.String.check(Schema.isMaxLength(64))
/** Names a leaf: a JSON pointer (RFC 6901). */
const Pointer = Schema.String

/** A UUIDv7 as lower-case text. Its time begins the life of the command. */
export const CommandId = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
)
export type CommandId = typeof CommandId.Type

/** `never` attached; `offline` by a goodbye; `silent` without one; `retired` for ever. */
export const ConnectionState = Schema.Literals(["never", "online", "offline", "silent", "retired"])
export type ConnectionState = typeof ConnectionState.Type

/** Whether the board is there. */
export const Connection = Schema.Struct({
  state: ConnectionState,
  /** When that state began. */
  since: instant,
  /** Why it began: a goodbye's reason, `lease` for silence the actor noticed itself, `attach`. */
  reason: Schema.String,
  /** When the board was last heard; 0 for never. Exact on the node that holds the device, else as of its last commit. */
  lastSeen: instant
})
export type Connection = typeof Connection.Type

/** When and by whom a desired leaf was written; `v` is the document's version then. */
export const DesiredMeta = Schema.Struct({ v: count, at: instant, by: Schema.String })
export type DesiredMeta = typeof DesiredMeta.Type

/** What reported a leaf last. `at` is the fact's time, `v` the document's version when the value last changed. */
export const ReportedMeta = Schema.Struct({
  boot: u32,
  seq: u32,
  at: instant,
  /** The board's clock did not give the time, or it had to be clamped. */
  estimated: Schema.Boolean,
  v: count
})
export type ReportedMeta = typeof ReportedMeta.Type

const documentFields = {
  desired: TwinSectionSchema,
  reported: TwinSectionSchema,
  /** Steps with each change of desired or reported. */
  version: count,
  /** The version at which desired last changed. */
  desiredVersion: count,
  /** The desired version the board acknowledged last. */
  applied: count,
  /** Fields the board refused in that acknowledgement, by pointer, with their codes. */
  refused: Schema.Record(Pointer, count),
  connection: Connection
}

/** The twin without the history of its leaves. */
export const TwinView = Schema.Struct(documentFields)
export type TwinView = typeof TwinView.Type

/** The twin with the history of its leaves, by pointer. */
export const TwinDocument = Schema.Struct({
  ...documentFields,
  meta: Schema.Struct({
    desired: Schema.Record(Pointer, DesiredMeta),
    reported: Schema.Record(Pointer, ReportedMeta)
  })
})
export type TwinDocument = typeof TwinDocument.Type

/** What became of a `SetDesired`. */
export const DesiredOutcome = Schema.Union([
  Schema.TaggedStruct("Accepted", { version: count, desired: TwinSectionSchema }),
  /** `expected` was not the desired version; nothing changed. `code` is that of ESTALE. */
  Schema.TaggedStruct("Conflict", { code: Schema.Literal(116), current: count, desired: TwinSectionSchema })
])
export type DesiredOutcome = typeof DesiredOutcome.Type

/** `queued`: never on a link. `sent`: on one, unanswered. `accepted`: the board has said so. `done`: ended. */
export const CommandState = Schema.Literals(["queued", "sent", "accepted", "done"])
export type CommandState = typeof CommandState.Type

/** A command as its device knows it. */
export const CommandView = Schema.Struct({
  id: CommandId,
  name: Schema.String,
  state: CommandState,
  acceptedAt: instant,
  /** End of its life: the actor starts nothing later. */
  expiresAt: instant,
  /** 0…1, as the board last said. */
  progress: Schema.optionalKey(Schema.Finite),
  note: Schema.optionalKey(Schema.String),
  isCancelling: Schema.optionalKey(Schema.Boolean),
  /** Present when done; 0 is success, else a number of `codes`. */
  code: Schema.optionalKey(count),
  value: Schema.optionalKey(TwinValueSchema),
  detail: Schema.optionalKey(Schema.String),
  tookMillis: Schema.optionalKey(Schema.Finite),
  endedAt: Schema.optionalKey(instant)
})
export type CommandView = typeof CommandView.Type

const zoneFields = {
  /** Where the device is; absent while nobody says so. */
  zone: Schema.optionalKey(Zone),
  /** Who says so: people before the rules of the config before the board. */
  zoneBy: Schema.optionalKey(ZoneSource)
}

/** The zone of a device and who says it. */
export const ZoneView = Schema.Struct(zoneFields)
export type ZoneView = typeof ZoneView.Type

/** What lists show of a device. */
export const DeviceStatus = Schema.Struct({
  connection: Connection,
  ...zoneFields,
  /** The VSM whose unit it is; absent until its board attaches for the first time. */
  vsm: Schema.optionalKey(VsmId),
  /** Attaches so far. */
  epoch: count,
  boot: u32,
  link: u32,
  profile: Schema.String,
  firmware: Schema.String,
  version: count,
  desiredVersion: count,
  applied: count,
  /** Commands that have not ended. */
  commands: count,
  /** Free memory of the board in bytes, as its last heartbeat said. */
  freeBytes: Schema.optionalKey(Schema.Finite),
  /** 0…1, as its last heartbeat said. */
  load: Schema.optionalKey(Schema.Finite),
  /** Radio signal in dBm, as its last heartbeat said. */
  signal: Schema.optionalKey(Schema.Finite),
  /** Battery 0…1, as its last heartbeat said. */
  power: Schema.optionalKey(Schema.Finite),
  /** The immune system turns its board away until then. */
  isolatedUntil: Schema.optionalKey(instant),
  /** Programs that failed and are not started again by the board. */
  failing: Schema.optionalKey(Schema.Array(FailingProgram)),
  /** Images that the board failed: they are not sent there again until somebody says so. */
  failedImages: Schema.optionalKey(Schema.Array(FailedImage))
})
export type DeviceStatus = typeof DeviceStatus.Type

/** What a gateway asks for when a board said hello, and again with the same `boot` and `link` when the actor moved. */
export const AttachRequest = {
  /** Node and connection that will carry the link. */
  node: Schema.String,
  connection: count,
  boot: u32,
  link: u32,
  /** Board clock now: hello's `up` plus what has passed since. */
  up: Schema.Finite,
  profile: label,
  firmware: label,
  /** Bits of `caps`. */
  caps: u32,
  /** Bytes of a frame the board can receive. */
  rx: count,
  /** Commands the board takes at a time. */
  requests: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 64 })),
  /** Desired version the board applied and kept; 0 for none. */
  desired: count,
  /** Silence longer than this ends the link; what the welcome will say. */
  leaseMillis: Schema.Int.check(Schema.isBetween({ minimum: 1000, maximum: 3_600_000 })),
  /** A number of `resets`. */
  reset: Schema.optionalKey(count),
  /** The transport may lose frames (a serial line): requests are repeated sooner. */
  isLossy: Schema.optionalKey(Schema.Boolean),
  /** What the rules of the config make of its id, and what its board says of itself. */
  zoneByRule: Schema.optionalKey(Zone),
  zoneOfBoard: Schema.optionalKey(Zone)
}

/** What the welcome frame needs of the actor. Frames go to `owner` from now on, under `epoch`. */
export const Attached = Schema.Struct({
  owner: Schema.String,
  epoch: u32,
  /** Highest number of this boot that is durable without a gap. */
  last: u32,
  /** Desired version now. */
  desired: count,
  /** Bits of `sync` the actor wants; the gateway adds its own. */
  sync: u32,
  /** The device's zone. */
  zone: Schema.optionalKey(Zone)
})
export type Attached = typeof Attached.Type

/** An older boot or link of the board speaks. Nothing has changed; permanent for this (boot, link). */
export class LinkStale extends Schema.TaggedError<LinkStale>()(
  "LinkStale",
  { boot: u32, link: u32 },
  { httpApiStatus: 409 }
) {
  override get message() {
    return `the board has a newer link: boot ${this.boot}, link ${this.link}`
  }
}

/** The device is retired; its board is turned away with code 208. Permanent. */
export class DeviceRetired extends Schema.TaggedError<DeviceRetired>()(
  "DeviceRetired",
  { since: instant },
  { httpApiStatus: 404 }
) {
  override get message() {
    return "the device is retired"
  }
}

/** What a gateway may see on a link: frames no board of ours sends, floods, fights for an id, others' topics, lost time. */
export const LinkEvidence = Schema.Literals([
  "link.malformed-burst",
  "link.flood",
  "link.duplicate",
  "link.denied",
  "link.stuck"
])
export type LinkEvidence = typeof LinkEvidence.Type

/** The device: kind of the actor that mirrors one board. */
export const Device = Contract.make("device", {
  about: "mirrors one board: its twin, its commands, its link",
  state: Schema.declare<DeviceState>(isDeviceState, { expected: "the state of a device" }),
  messages: {
    SetDesired: Contract.once({
      payload: {
        /** Merge patch (RFC 7396): null deletes. */
        patch: TwinPatchSchema,
        /** Desired version this change rests on; another one is a conflict. Absent: the last writer of a leaf wins. */
        expected: Schema.optionalKey(count),
        claim
      },
      success: DesiredOutcome,
      error: HolonError,
      audience: "operator",
      capability: "device.set",
      creates: false,
      about: "changes what the board should be; with an expected desired version a conflict answers what stands"
    }),
    GetTwin: Contract.query({
      success: TwinDocument,
      audience: "operator",
      capability: "device.read",
      about: "desired and reported state, with versions, and when each leaf was set by whom or what"
    }),
    SetZone: Contract.once({
      /** `null` takes back what people said: then the rules of the config hold, or what the board says. */
      payload: { zone: Schema.NullOr(Zone) },
      success: ZoneView,
      error: HolonError,
      audience: "operator",
      capability: "device.zone",
      creates: false,
      about: "puts the device into a zone, whatever rules and its board say; null leaves it to them again"
    }),
    Invoke: Contract.idempotent({
      payload: {
        name: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(64)),
        args: Schema.optionalKey(TwinValueSchema),
        /** Life from acceptance, 30 s when absent. A command that has not begun by its end never does. */
        ttlMillis: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 86_400_000 }))),
        /** A board may run it again after a restart in the middle. */
        idempotent: Schema.optionalKey(Schema.Boolean),
        /** The program it is for; absent is the board itself. */
        program: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(31))),
        /** Absent: the id of the request. A known id joins its command or answers its stored end. */
        id: Schema.optionalKey(CommandId),
        claim
      },
      success: CommandView,
      error: HolonError,
      audience: "operator",
      capability: "device.invoke",
      creates: false,
      about: "gives the board a command; answers its state at once, WatchCommand tells how it goes on"
    }),
    GetCommand: Contract.query({
      payload: { id: CommandId },
      success: CommandView,
      error: HolonError,
      audience: "operator",
      capability: "device.read",
      about: "one command of the device"
    }),
    WatchCommand: Contract.watch({
      payload: { id: CommandId },
      success: CommandView,
      error: HolonError,
      audience: "operator",
      capability: "device.read",
      about: "one command of the device, again whenever it changes; it ends with state done"
    }),
    CancelCommand: Contract.idempotent({
      payload: {
        id: CommandId,
        /** Of the command: one that has not come yet is then remembered as cancelled, and never begins. */
        name: Schema.optionalKey(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(64)))
      },
      success: CommandView,
      error: HolonError,
      audience: "operator",
      capability: "device.invoke",
      creates: false,
      about: "ends a command that has not begun; asks the board to stop one that has"
    }),
    ListCommands: Contract.query({
      success: Schema.Struct({ commands: Schema.Array(CommandView) }),
      audience: "operator",
      capability: "device.read",
      about: "commands the device still knows, oldest first"
    }),
    Watch: Contract.watch({
      success: TwinView,
      audience: "operator",
      capability: "device.read",
      about: "the twin and the connection, again whenever they change"
    }),
    GetStatus: Contract.query({
      success: DeviceStatus,
      audience: "operator",
      capability: "device.read",
      about: "connection, last seen, boot, firmware, versions"
    }),
    GetPrograms: Contract.query({
      success: Schema.Struct({ programs: Schema.Array(ProgramReport) }),
      audience: "operator",
      capability: "device.read",
      about: "programs of the board, as it last told of them"
    }),
    OpenTransfer: Contract.idempotent({
      payload: {
        session: Schema.String,
        sha256: Sha256,
        size: count,
        kind: ImageKind,
        /** Bits of `imageFlags`. */
        flags: count,
        instance: Schema.optionalKey(ProgramName),
        /** The longest that the session can need the board, ms. */
        lifeMillis: Schema.optionalKey(count),
        /** The board may have failed this image: it is sent nevertheless. */
        again: Schema.optionalKey(Schema.Boolean)
      },
      creates: false,
      about: "a session wants an image on the board; it hears how far it is"
    }),
    CloseTransfer: Contract.idempotent({
      payload: {
        session: Schema.String,
        /** The board is to forget what it holds: 0 user, 1 timeout, 2 error, 3 transport. Absent: it keeps it. */
        abort: Schema.optionalKey(count),
        /** The board took the image back, or nobody knows how its trial ended: it is not sent there again unasked. */
        failed: Schema.optionalKey(
          Schema.Struct({ sha256: Sha256, code: count, detail: Schema.optionalKey(Schema.String) })
        )
      },
      creates: false,
      about: "a session is done with the board"
    }),
    AskBoard: Contract.idempotent({
      payload: {
        asker: ActorAddress,
        /** The asker's own name for the request. */
        key: Schema.String,
        request: BoardRequest,
        lifeMillis: Schema.Int.check(Schema.isBetween({ minimum: 1000, maximum: 86_400_000 }))
      },
      creates: false,
      about: "an actor asks something of the board; it is told the answer"
    }),
    Observe: Contract.idempotent({
      payload: {
        asker: ActorAddress,
        key: Schema.String,
        program: ProgramName,
        /** The image that is judged by it. */
        sha256: Schema.optionalKey(Sha256),
        forMillis: Schema.Int.check(Schema.isBetween({ minimum: 1000, maximum: 86_400_000 })),
        /** How long its board may be away in order; an hour unless said. */
        patienceMillis: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1000, maximum: 86_400_000 })))
      },
      creates: false,
      about: "an actor wants to know whether a program is well for so long; it is told when that is clear"
    }),
    ProgramFailing: Contract.idempotent({
      payload: FailingProgram.fields,
      creates: false,
      about: "a program of the board failed and is not started again"
    }),
    ProgramRecovered: Contract.idempotent({
      payload: { program: ProgramName, since: instant },
      creates: false,
      about: "a program that failed runs again, was stopped or replaced, or is gone"
    }),
    AssignUnit: Contract.idempotent({
      payload: {
        to: VsmId,
        /** It is refused while the device is the unit of any other. */
        from: Schema.Array(VsmId).check(Schema.isMaxLength(16)),
        by: VsmId,
        /** The device must be in there. */
        zone: Schema.optionalKey(Zone)
      },
      creates: false,
      about: "a VSM wants the device as its unit, or hands it on"
    }),
    Feel: Contract.idempotent({
      payload: {
        metric: Metric,
        value: Schema.optionalKey(Schema.Finite),
        intensity: Intensity,
        ids: Schema.optionalKey(Schema.Array(Schema.String).check(Schema.isMaxLength(32))),
        isOver: Schema.optionalKey(Schema.Boolean)
      },
      creates: false,
      about: "something hurts the device, as others see it; its VSM hears of it"
    }),
    RaiseFence: Contract.idempotent({
      payload: ClaimToken.fields,
      creates: false,
      about: "a coordinator says that a claim was lost: what comes with a lower fence is refused"
    }),
    Escalate,
    Retire: Contract.once({
      success: Connection,
      audience: "operator",
      capability: "device.retire",
      creates: false,
      about: "turns the board away for ever; the twin stays readable"
    }),
    Attach: Contract.idempotent({
      payload: AttachRequest,
      success: Attached,
      error: Schema.Union([LinkStale, DeviceRetired, Unavailable]),
      audience: "board",
      capability: "device.attach",
      creates: true,
      about: "binds the board's link to its actor"
    }),
    Lost: Contract.idempotent({
      payload: {
        node: Schema.String,
        connection: count,
        /** Number of a goodbye's reason; 4 (link lost) when there was none. */
        reason: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10 }))
      },
      audience: "board",
      capability: "device.attach",
      creates: false,
      about: "the gateway says that a link has ended"
    }),
    Isolate: Contract.idempotent({
      payload: { mitigation: Schema.String.check(Schema.isMaxLength(80)), until: instant },
      audience: "internal",
      creates: false,
      about: "the immune system turns the board away until then"
    }),
    Readmit: Contract.idempotent({
      payload: { mitigation: Schema.String },
      audience: "internal",
      creates: false,
      about: "the immune system lets the board come back"
    }),
    NoteEvidence: Contract.idempotent({
      payload: {
        type: LinkEvidence,
        /** Code of the errors that a malformed burst was answered with. */
        code: Schema.optionalKey(count),
        /** What was denied. */
        what: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256)))
      },
      audience: "internal",
      capability: "device.attach",
      creates: false,
      about: "a gateway saw something on a link that somebody should know of; it becomes an event"
    })
  },
  events: {
    "device.online": Schema.Struct({
      boot: u32,
      link: u32,
      epoch: u32,
      profile: Schema.String,
      firmware: Schema.String
    }),
    "device.restarted": Schema.Struct({ boot: u32, reset: Schema.String }),
    "device.offline": Schema.Struct({ reason: Schema.String }),
    "device.silent": Schema.Struct({ reason: Schema.String }),
    "device.retired": Schema.Struct({}),
    /** The immune system turns its board away; `until` is when that ends at the latest. */
    "device.isolated": Schema.Struct({ mitigation: Schema.String, until: instant }),
    "device.readmitted": Schema.Struct({ mitigation: Schema.String, why: Schema.Literals(["expired", "lifted"]) }),
    /** It is in another zone from now on, this event too; `before` is the one it was in. */
    "device.zone-changed": Schema.Struct({ ...zoneFields, before: Schema.optionalKey(Zone) }),
    /** Programs failed and are not started again by the board: the supervision of the device has no one above it to ask. */
    "device.programs-failing": Schema.Struct({ programs: Schema.Array(FailingProgram) }),
    "device.program-recovered": Schema.Struct({ program: Schema.String, since: instant }),
    /** The actors of programs crashed too often, and stand still until they are released. */
    "device.programs-quarantined": Schema.Struct({ actors: Schema.Array(Quarantined) }),
    "twin.desired-changed": Schema.Struct({ version: count, patch: TwinPatchSchema }),
    /** The board went back on a desired field; it is told again, ever more rarely. */
    "twin.diverged": Schema.Struct({ version: count, fields: Schema.Array(Pointer) }),
    "command.accepted": Schema.Struct({ id: CommandId, name: Schema.String, expiresAt: instant }),
    "command.ended": Schema.Struct({
      id: CommandId,
      name: Schema.String,
      code: count,
      value: Schema.optionalKey(TwinValueSchema),
      detail: Schema.optionalKey(Schema.String)
    }),
    /** A result for a command that had ended otherwise; it changed nothing. */
    "command.late": Schema.Struct({ id: CommandId, code: count, value: Schema.optionalKey(TwinValueSchema) }),
    /** The board refused a frame. */
    "board.failed": Schema.Struct({ code: count, detail: Schema.optionalKey(Schema.String) }),
    "board.telemetry": TwinPatchSchema,
    /** Five frames within a minute that could not be read. */
    "link.malformed-burst": Schema.Struct({ code: Schema.optionalKey(count) }),
    "link.flood": Schema.Struct({}),
    /** Two connections fight for the board's id. */
    "link.duplicate": Schema.Struct({}),
    "link.denied": Schema.Struct({ what: Schema.optionalKey(Schema.String) }),
    /** A frame was not consumed in time; its link was closed without acknowledging it. */
    "link.stuck": Schema.Struct({}),
    /** Records the board had to give up. */
    "board.dropped": Schema.Struct({ count }),
    "board.log": Schema.Struct({
      text: Schema.String,
      program: Schema.optionalKey(Schema.String)
    })
  },
  audited: {
    "device.retired": "change",
    "device.zone-changed": "change",
    "device.isolated": "security",
    "device.readmitted": "security",
    "device.programs-quarantined": "security",
    "twin.desired-changed": "command",
    "command.accepted": "command",
    "command.ended": "command",
    "command.late": "command",
    "link.malformed-burst": "security",
    "link.flood": "security",
    "link.duplicate": "security",
    "link.denied": "security"
  }
})
export type Device = typeof Device
