/** Every frame of the link: its number, its direction, and its fields with their keys, kinds and limits. */
import type { CborReader } from "./CborReader.ts"
import { codes } from "./Codes.ts"
import type { DownFrame, UpFrame } from "./Frame.ts"
import {
  boolean,
  bytes,
  codesByPointer,
  type Fields,
  type FieldsOf,
  fieldsOf,
  finite,
  integer,
  type Kind,
  list,
  numberOrName,
  optional,
  places,
  record,
  request,
  required,
  scalar,
  share,
  text,
  u,
  u8,
  u16,
  u32,
  unsigned,
  uuid
} from "./FrameFields.ts"
import type { Cancel, EventFrame, Invoke, Log, Progress, ResultFrame } from "./frame/CommandFrames.ts"
import type { Chunk, ImageAck, ImageOffer, ImageOp, ImageStatus, SlotStatus } from "./frame/ImageFrames.ts"
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
  HelloAuth,
  Welcome
} from "./frame/LinkFrames.ts"
import type {
  Answer,
  Mail,
  MailSend,
  MailTap,
  ProgramCtl,
  ProgramEntry,
  ProgramStatus,
  ValueFrame,
  ValueGet,
  ValueSample,
  ValueSet,
  ValueWatch
} from "./frame/ProgramFrames.ts"
import type { Challenge, Enrol, Enrolled, ImageSigner, Proof, SealedUp } from "./frame/TrustFrames.ts"
import type { Desired, DesiredAck, Report, Sample } from "./frame/TwinFrames.ts"
import { readAnswerValue, readTwinMap, readTwinPatch, readTwinValue, writeTwinValue } from "./TwinCbor.ts"
import type { TwinMap, TwinPatch, TwinValue } from "./TwinValue.ts"
import { zonePattern } from "./Zone.ts"

/** The one version of the protocol spoken here. */
export const protocolVersion = 1

/** The least that either side can receive, bytes. */
export const frameBytesMin = 512

const twinValue: Kind<TwinValue> = { read: readTwinValue, write: writeTwinValue }
const twinMap: Kind<TwinMap> = { read: readTwinMap, write: writeTwinValue }
const twinPatch: Kind<TwinPatch> = { read: readTwinPatch, write: writeTwinValue }
const answerValue: Kind<NonNullable<Answer["value"]>> = { read: readAnswerValue, write: writeTwinValue }

const deviceId = text(63, /^[a-z0-9][a-z0-9-]*$/)
const eventName = text(64, /^[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*$/)
const program = text(31)
const detail = text(256)
const level = unsigned(4)
const valueId = numberOrName(0xffff)
const b8 = bytes(8)
const b16 = bytes(16)
const b32 = bytes(32)

const chunkBytes: Kind<number> = {
  read: (reader) => {
    const size = u32.read(reader)
    if (size === undefined || (size > 0 && Number.isInteger(Math.log2(size)))) return size
    return reader.refuse(codes.ERANGE, "not a power of two")
  },
  write: u32.write
}

const sample = places<Sample>({ dt: integer, values: twinMap })

/** One type of frame in one direction. */
export interface FrameShape {
  readonly number: number
  readonly type: string
  readonly fields: Fields
  /** The decoded frame before its fields, from the number in its head. */
  readonly start: (head: number) => Record<string, unknown>
  /** Rules over several fields; also runs after a refusal, which it may replace. */
  readonly check: ((reader: CborReader, frame: Readonly<Record<string, unknown>>) => void) | undefined
}

const up = <Frame extends UpFrame>(
  number: number,
  type: Frame["type"],
  table: FieldsOf<Omit<Frame, "type" | "seq">>,
  check?: FrameShape["check"]
): FrameShape => ({ number, type, fields: fieldsOf(table), start: (seq) => ({ type, seq }), check })

const down = <Frame extends DownFrame>(
  number: number,
  type: Frame["type"],
  table: FieldsOf<Omit<Frame, "type" | "epoch">>
): FrameShape => ({ number, type, fields: fieldsOf(table), start: (epoch) => ({ type, epoch }), check: undefined })

/** A later version may give its other fields another meaning, so the version goes before every other fault of a hello. */
const hasCommonVersion: FrameShape["check"] = (reader, { min, max }) => {
  if (typeof min !== "number" || typeof max !== "number") return
  if (min <= protocolVersion && max >= protocolVersion) return
  reader.path = undefined
  reader.refuse(codes.Version, `${protocolVersion}..${protocolVersion}`)
}

const reportsSomething: FrameShape["check"] = (reader, { state, samples }) => {
  if (reader.code === codes.ok && state === undefined && samples === undefined)
    reader.refuse(codes.Malformed, "neither state nor samples")
}

const errorFields = {
  code: required(1, u16),
  detail: optional(2, detail),
  frameType: optional(3, u),
  refusedSeq: optional(4, u32),
  req: optional(5, request),
  fatal: optional(6, boolean),
  retry: optional(7, u),
  field: optional(8, list(numberOrName(Number.MAX_SAFE_INTEGER)))
}

const sealedFields = fieldsOf({ mac: optional(1, b8), frame: required(2, bytes()) } satisfies FieldsOf<
  Omit<SealedUp, "type" | "seq" | "counter">
>)

/** Frames from a board, by number. */
export const upShapes: ReadonlyArray<FrameShape> = [
  up<Hello>(
    1,
    "hello",
    {
      min: required(1, u8),
      max: required(2, u8),
      id: required(3, deviceId),
      boot: required(4, unsigned(0xffff_ffff, 1)),
      link: required(5, unsigned(0xffff, 1)),
      up: required(6, u),
      wall: optional(7, u),
      profile: required(8, text(32)),
      firmware: required(9, text(32)),
      caps: required(10, u32),
      rx: required(11, unsigned(0xffff_ffff, frameBytesMin)),
      requests: optional(12, unsigned(64)),
      desired: optional(13, u),
      sent: optional(14, u32),
      kinds: optional(15, list(u8)),
      reset: optional(16, u8),
      auth: optional(17, record<HelloAuth>({ kid: required(1, b16), nonce: required(2, b16) })),
      dropped: optional(18, u),
      zone: optional(19, text(149, zonePattern))
    },
    hasCommonVersion
  ),
  up<HeartbeatUp>(3, "heartbeat", {
    up: required(1, u),
    free: optional(2, u),
    load: optional(3, share),
    queued: optional(4, u),
    dropped: optional(5, u),
    signal: optional(6, integer),
    power: optional(7, share),
    epoch: required(8, u32)
  }),
  up<ErrorUp>(5, "error", errorFields),
  up<GoodbyeUp>(6, "goodbye", {
    reason: required(1, u8),
    retry: optional(2, u),
    boot: required(3, u32),
    link: required(4, u16),
    server: optional(5, text())
  }),
  up<Report>(
    8,
    "report",
    {
      at: optional(1, integer),
      state: optional(2, twinPatch),
      full: optional(3, boolean),
      samples: optional(4, list(sample, 512)),
      doc: optional(5, text())
    },
    reportsSomething
  ),
  up<DesiredAck>(10, "desired-ack", {
    version: required(1, u),
    refused: optional(2, codesByPointer),
    doc: optional(3, text())
  }),
  up<Progress>(12, "progress", { id: required(1, uuid), done: optional(2, share), note: optional(3, text(128)) }),
  up<ResultFrame>(13, "result", {
    id: required(1, uuid),
    code: required(2, u16),
    value: optional(3, twinValue),
    detail: optional(4, detail),
    took: optional(5, u),
    again: optional(6, boolean)
  }),
  up<EventFrame>(15, "event", {
    at: optional(1, integer),
    name: required(2, eventName),
    data: optional(3, twinValue),
    level: optional(4, level),
    program: optional(5, program),
    dropped: optional(6, u)
  }),
  up<Log>(16, "log", {
    at: optional(1, integer),
    level: required(2, level),
    text: required(3, text(1024)),
    program: optional(4, program),
    dropped: optional(5, u)
  }),
  up<ImageAck>(18, "image-ack", {
    xfer: required(1, u32),
    next: required(2, u32),
    state: required(3, u8),
    code: optional(4, u16),
    have: optional(5, u32),
    window: optional(6, u8),
    missing: optional(7, list(u32, 16))
  }),
  up<Answer>(19, "answer", {
    req: required(1, u32),
    code: required(2, u16),
    value: optional(3, answerValue),
    detail: optional(4, detail)
  }),
  up<ValueFrame>(20, "value", {
    program: required(1, program),
    values: required(2, list(places<ValueSample>({ id: valueId, value: scalar, at: integer })))
  }),
  up<Mail>(21, "mail", {
    program: optional(1, program),
    target: required(2, text()),
    data: required(3, bytes()),
    flags: optional(4, u8),
    channel: optional(5, u16),
    source: optional(6, u16),
    at: optional(7, integer)
  }),
  up<Proof>(25, "proof", { alg: required(1, u8), proof: required(2, bytes()) }),
  up<Enrol>(26, "enrol", {
    token: optional(1, text()),
    csr: optional(2, bytes()),
    key: optional(3, b32),
    nonce: required(4, b16),
    profile: required(5, text(32)),
    id: optional(6, deviceId),
    proof: optional(7, bytes()),
    serial: optional(8, text()),
    renew: optional(9, boolean)
  }),
  {
    number: 31,
    type: "sealed",
    fields: sealedFields,
    start: (counter) => ({ type: "sealed", seq: 0, counter }),
    check: undefined
  },
  up<ImageStatus>(34, "image-status", {
    xfer: optional(1, u32),
    state: required(2, u8),
    code: optional(3, u16),
    detail: optional(4, detail),
    generation: optional(5, u32),
    slot: optional(6, text()),
    sha256: optional(7, b32),
    slots: optional(
      8,
      list(
        record<SlotStatus>({
          slot: optional(1, text()),
          sha256: optional(2, b32),
          version: optional(3, text()),
          state: optional(4, u8),
          generation: optional(5, u32),
          wear: optional(6, u32)
        })
      )
    ),
    req: optional(9, u32),
    secver: optional(10, u32)
  }),
  up<ProgramStatus>(41, "program-status", {
    programs: required(
      1,
      list(
        record<ProgramEntry>({
          name: optional(1, program),
          state: optional(2, u8),
          kind: optional(3, u8),
          sha256: optional(4, bytes(32, 8)),
          version: optional(5, text()),
          restarts: optional(6, u),
          exit: optional(7, integer),
          code: optional(8, u16),
          cpu: optional(9, share),
          mem: optional(10, u),
          up: optional(11, u),
          pid: optional(12, u16),
          detail: optional(13, detail)
        })
      )
    ),
    all: optional(2, boolean),
    at: optional(3, integer)
  })
]

/** The head carries the same epoch; the field is the one a board keeps. */
const welcomeFields = fieldsOf({
  version: required(1, u8),
  epoch: required(2, u32),
  last: required(3, u32),
  wall: required(4, u),
  heartbeat: required(5, u),
  lease: required(6, u),
  rx: required(7, unsigned(0xffff_ffff, frameBytesMin)),
  window: required(8, u8),
  ackMode: required(9, u8),
  sync: required(10, u8),
  desired: required(11, u),
  node: optional(12, text(64)),
  proof: optional(13, bytes()),
  rate: optional(14, u16),
  zone: optional(15, text())
} satisfies FieldsOf<Omit<Welcome, "type">>)

/** Frames to a board, by number. */
export const downShapes: ReadonlyArray<FrameShape> = [
  {
    number: 2,
    type: "welcome",
    fields: welcomeFields,
    start: (epoch) => ({ type: "welcome", epoch }),
    check: undefined
  },
  down<HeartbeatDown>(3, "heartbeat", { up: required(1, u), wall: required(2, u) }),
  down<Ack>(4, "ack", { last: required(1, u32), boot: required(2, u32) }),
  down<ErrorDown>(5, "error", errorFields),
  down<GoodbyeDown>(6, "goodbye", {
    reason: required(1, u8),
    retry: optional(2, u),
    boot: optional(3, u32),
    link: optional(4, u16),
    server: optional(5, text())
  }),
  down<Flow>(7, "flow", {
    window: optional(1, u8),
    interval: optional(2, u),
    heartbeat: optional(3, u),
    lease: optional(4, u)
  }),
  down<Desired>(9, "desired", {
    version: required(1, u),
    state: required(2, twinPatch),
    more: optional(3, boolean),
    doc: optional(4, text())
  }),
  down<Invoke>(11, "invoke", {
    id: required(1, uuid),
    name: required(2, text(64)),
    args: optional(3, twinValue),
    ttl: required(4, unsigned(86_400_000, 1)),
    program: optional(5, program),
    idempotent: optional(6, boolean),
    cause: optional(7, uuid),
    fence: optional(8, u)
  }),
  down<Cancel>(14, "cancel", { id: required(1, uuid) }),
  down<Chunk>(17, "chunk", {
    xfer: required(1, u32),
    index: required(2, u32),
    data: required(3, bytes()),
    crc: optional(4, u16)
  }),
  down<Challenge>(24, "challenge", { nonce: required(1, b16), algs: required(2, list(u8)) }),
  down<Enrolled>(27, "enrolled", {
    id: required(1, deviceId),
    certs: optional(2, list(bytes())),
    ca: optional(3, list(bytes())),
    nonce: required(4, b16),
    wall: required(5, u),
    kid: required(6, b16),
    urls: optional(7, list(text())),
    trust: optional(
      8,
      list(record<ImageSigner>({ kid: optional(1, b16), key: optional(2, b32), kinds: optional(3, u8) }))
    ),
    proof: optional(9, bytes())
  }),
  {
    number: 31,
    type: "sealed",
    fields: sealedFields,
    start: (counter) => ({ type: "sealed", epoch: 0, counter }),
    check: undefined
  },
  down<ImageOffer>(32, "image-offer", {
    xfer: required(1, unsigned(0xffff_ffff, 1)),
    sha256: required(2, b32),
    size: required(3, u32),
    kind: required(4, u8),
    manifest: required(5, bytes()),
    chunk: required(6, chunkBytes),
    window: required(7, u8),
    flags: optional(8, u8),
    instance: optional(9, program)
  }),
  down<ImageOp>(33, "image-op", {
    op: required(1, u8),
    xfer: optional(2, u32),
    generation: optional(3, u32),
    reason: optional(4, u8),
    req: required(5, u32)
  }),
  down<ProgramCtl>(40, "program-ctl", {
    req: required(1, u32),
    op: required(2, u8),
    program: optional(3, program),
    args: optional(4, twinValue),
    grace: optional(5, u)
  }),
  down<ValueGet>(42, "value-get", {
    req: required(1, u32),
    program: required(2, program),
    ids: optional(3, list(valueId))
  }),
  down<ValueSet>(43, "value-set", {
    req: required(1, u32),
    program: required(2, program),
    id: required(3, valueId),
    value: required(4, scalar),
    level: optional(5, unsigned(3))
  }),
  down<ValueWatch>(44, "value-watch", {
    req: required(1, u32),
    program: required(2, program),
    id: required(3, valueId),
    on: required(4, boolean),
    epsilon: optional(5, finite),
    rate: optional(6, u)
  }),
  down<MailSend>(45, "mail-send", {
    req: required(1, u32),
    program: optional(2, program),
    target: required(3, text(32)),
    data: required(4, bytes()),
    channel: optional(5, u16)
  }),
  down<MailTap>(46, "mail-tap", {
    req: required(1, u32),
    program: optional(2, program),
    target: required(3, text()),
    on: required(4, boolean),
    rate: optional(5, u)
  })
]
