/** Arbitrary frames of every type and direction, with the limits of the protocol written down apart from the codec's table. */
import { Arbitrary, Schema } from "effect"
import type * as Frame from "../../src/protocol/Frame.ts"
import { uuidText } from "../../src/protocol/Ids.ts"
import type { TwinMap, TwinPatch, TwinValue } from "../../src/protocol/TwinValue.ts"
import { Zone } from "../../src/protocol/Zone.ts"

type Arb<A> = Arbitrary.Arbitrary<A>
type Of<Arbs> = { readonly [Name in keyof Arbs]: Arbs[Name] extends Arb<infer A> ? A : never }
type Arbs = Record<string, Arb<unknown>>

/** A random half of the optional fields, so that their absence is tried too. */
const fields = <const R extends Arbs, const O extends Arbs>(required: R, optional: O): Arb<Of<R> & Partial<Of<O>>> =>
  Arbitrary.map(
    Arbitrary.all([Arbitrary.all(required), Arbitrary.all(optional), Arbitrary.array(boolean, { minLength: 20 })]),
    ([given, choice, keep]) => ({
      ...given,
      ...Object.fromEntries(Object.entries(choice).filter((_, index) => keep[index] ?? false))
    })
  ) as Arb<Of<R> & Partial<Of<O>>>

const int = (minimum: number, maximum: number): Arb<number> =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))
const max = Number.MAX_SAFE_INTEGER
const u = int(0, max)
const u8 = int(0, 255)
const u16 = int(0, 65535)
const u32 = int(0, 2 ** 32 - 1)
const i = int(-max, max)
const boolean = Arbitrary.schema(Schema.Boolean)
const number = Arbitrary.map(
  Arbitrary.schema(Schema.Finite),
  (value) => (Number.isInteger(value) && !Number.isSafeInteger(value) ? 1 / value : value) + 0
)
const share = Arbitrary.map(
  Arbitrary.schema(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))),
  (v) => v + 0
)
/** Texts of whole code points: a lone surrogate cannot be said in UTF-8. */
const text = (bytesMax: number): Arb<string> =>
  Arbitrary.map(Arbitrary.schema(Schema.String), (value) => {
    let kept = ""
    let bytes = 0
    for (const point of value.toWellFormed().replaceAll("\u0000", "")) {
      const code = point.codePointAt(0) ?? 0
      bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
      if (bytes > bytesMax) break
      kept += point
    }
    return kept
  })
const bytesOf = (minLength: number, maxLength: number): Arb<Uint8Array> =>
  Arbitrary.map(Arbitrary.array(u8, { minLength, maxLength }), (values) => Uint8Array.from(values))
const b = bytesOf(0, 300)
const b8 = bytesOf(8, 8)
const b16 = bytesOf(16, 16)
const b32 = bytesOf(32, 32)
const uuid = Arbitrary.map(b16, (bytes) => uuidText(bytes))
const either = <A, B>(a: Arb<A>, other: Arb<B>): Arb<A | B> =>
  Arbitrary.map(Arbitrary.all([boolean, a, other]), ([first, left, right]) => (first ? left : right))
const array = <A>(item: Arb<A>, maxLength = 4): Arb<ReadonlyArray<A>> => Arbitrary.array(item, { maxLength })

const key = Arbitrary.map(text(64), (value) => value.replace(/\p{Cc}/gu, "").replace("__proto__", "_") || "k")
const leaf: Arb<TwinValue> = either(number, either(text(100), boolean))
const mapOf = <A>(value: Arb<A>): Arb<{ readonly [name: string]: A }> =>
  Arbitrary.map(array(Arbitrary.all([key, value])), (entries) => Object.fromEntries(entries))

/** Twin values of up to four levels. */
export const twinMap: Arb<TwinMap> = mapOf(either(leaf, either(mapOf(leaf), array(either(leaf, mapOf(array(leaf)))))))
const twinValue: Arb<TwinValue> = either(leaf, either(twinMap, array(leaf)))
export const twinPatch: Arb<TwinPatch> = mapOf(
  either(leaf, either(Arbitrary.Constant(null), mapOf(either(Arbitrary.Constant(null), twinValue))))
)

const letters = Arbitrary.schema(Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,62}$/)))
const eventName = Arbitrary.map(
  array(Arbitrary.schema(Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9_-]{0,9}$/))), 4),
  (segments) => segments.join(".") || "x"
)
const program = text(31)
const detail = text(256)
const valueId = either(u16, text(20))
const scalar = either(either(number, Arbitrary.Constant(Number.NaN)), text(20))
const pointers: Arb<Readonly<Record<string, number>>> = Arbitrary.map(
  array(Arbitrary.all([text(20), u16])),
  (entries) => Object.fromEntries(entries.map(([name, code]) => [`/${name}`, code]))
)

const up = { seq: u32 }
const down = { epoch: u32 }
const type = <const T extends string>(name: T) => ({ type: Arbitrary.Constant(name) })
const error = {
  required: { ...type("error"), code: u16 },
  optional: {
    detail,
    frameType: u,
    refusedSeq: u32,
    req: either(u32, uuid),
    fatal: boolean,
    retry: u,
    field: array(either(u, text(20)))
  }
}
const privateBody: Arb<ReadonlyMap<number, unknown>> = Arbitrary.map(
  array(Arbitrary.all([u, either(leaf, either(b, array(either(leaf, Arbitrary.Constant(null)))))])),
  (entries) => new Map<number, unknown>([...new Map<number, unknown>(entries)].sort(([a], [c]) => a - c))
)

type ByType<F extends { readonly type: string }> = { readonly [T in F["type"]]: Arb<Extract<F, { readonly type: T }>> }

/** Frames from a board. */
export const upFrames: ByType<Frame.UpFrame> = {
  hello: fields(
    {
      ...up,
      ...type("hello"),
      min: int(0, 1),
      max: int(1, 255),
      id: letters,
      boot: int(1, 2 ** 32 - 1),
      link: int(1, 65535),
      up: u,
      profile: text(32),
      firmware: text(32),
      caps: u32,
      rx: int(512, 2 ** 32 - 1)
    },
    {
      wall: u,
      requests: int(0, 64),
      desired: u,
      sent: u32,
      kinds: array(u8),
      reset: u8,
      auth: fields({ kid: b16, nonce: b16 }, {}),
      dropped: u,
      zone: Arbitrary.schema(Zone)
    }
  ),
  heartbeat: fields(
    { ...up, ...type("heartbeat"), up: u, epoch: u32 },
    { free: u, load: share, queued: u, dropped: u, signal: i, power: share }
  ),
  error: fields({ ...up, ...error.required }, error.optional),
  goodbye: fields({ ...up, ...type("goodbye"), reason: u8, boot: u32, link: u16 }, { retry: u, server: text(100) }),
  report: either(
    fields({ ...up, ...type("report"), state: twinPatch }, { at: i, full: boolean, doc: text(20) }),
    fields(
      { ...up, ...type("report"), samples: array(fields({ dt: i, values: twinMap }, {})) },
      { at: i, state: twinPatch }
    )
  ),
  "desired-ack": fields({ ...up, ...type("desired-ack"), version: u }, { refused: pointers, doc: text(20) }),
  progress: fields({ ...up, ...type("progress"), id: uuid }, { done: share, note: text(128) }),
  result: fields(
    { ...up, ...type("result"), id: uuid, code: u16 },
    { value: twinValue, detail, took: u, again: boolean }
  ),
  event: fields(
    { ...up, ...type("event"), name: eventName },
    { at: i, data: twinValue, level: int(0, 4), program, dropped: u }
  ),
  log: fields({ ...up, ...type("log"), level: int(0, 4), text: text(1024) }, { at: i, program, dropped: u }),
  "image-ack": fields(
    { ...up, ...type("image-ack"), xfer: u32, next: u32, state: u8 },
    { code: u16, have: u32, window: u8, missing: array(u32, 16) }
  ),
  answer: fields(
    { ...up, ...type("answer"), req: u32, code: u16 },
    { value: either(twinValue, array(Arbitrary.all([valueId, either(leaf, Arbitrary.Constant(null)), u16]))), detail }
  ),
  value: fields(
    { ...up, ...type("value"), program, values: array(fields({ id: valueId, value: scalar, at: i }, {})) },
    {}
  ),
  mail: fields(
    { ...up, ...type("mail"), target: text(40), data: b },
    { program, flags: u8, channel: u16, source: u16, at: i }
  ),
  proof: fields({ ...up, ...type("proof"), alg: u8, proof: b }, {}),
  enrol: fields(
    { ...up, ...type("enrol"), nonce: b16, profile: text(32) },
    { token: text(40), csr: b, key: b32, id: letters, proof: b, serial: text(40), renew: boolean }
  ),
  sealed: fields({ seq: Arbitrary.Constant(0), ...type("sealed"), counter: u32, frame: b }, { mac: b8 }),
  "image-status": fields(
    { ...up, ...type("image-status"), state: u8 },
    {
      xfer: u32,
      code: u16,
      detail,
      generation: u32,
      slot: text(10),
      sha256: b32,
      slots: array(
        fields({}, { slot: text(10), sha256: b32, version: text(20), state: u8, generation: u32, wear: u32 })
      ),
      req: u32,
      secver: u32
    }
  ),
  "program-status": fields(
    {
      ...up,
      ...type("program-status"),
      programs: array(
        fields(
          {},
          {
            name: program,
            state: u8,
            kind: u8,
            sha256: either(b8, b32),
            version: text(20),
            restarts: u,
            exit: i,
            code: u16,
            cpu: share,
            mem: u,
            up: u,
            pid: u16,
            detail
          }
        )
      )
    },
    { all: boolean, at: i }
  ),
  private: fields({ ...up, ...type("private"), number: int(128, 191), body: privateBody }, {})
}

/** Frames to a board. */
export const downFrames: ByType<Frame.DownFrame> = {
  welcome: fields(
    {
      ...down,
      ...type("welcome"),
      version: u8,
      last: u32,
      wall: u,
      heartbeat: u,
      lease: u,
      rx: int(512, 2 ** 32 - 1),
      window: u8,
      ackMode: u8,
      sync: u8,
      desired: u
    },
    { node: text(64), proof: b, rate: u16, zone: text(40) }
  ),
  heartbeat: fields({ ...down, ...type("heartbeat"), up: u, wall: u }, {}),
  ack: fields({ ...down, ...type("ack"), last: u32, boot: u32 }, {}),
  error: fields({ ...down, ...error.required }, error.optional),
  goodbye: fields({ ...down, ...type("goodbye"), reason: u8 }, { retry: u, boot: u32, link: u16, server: text(100) }),
  flow: fields({ ...down, ...type("flow") }, { window: u8, interval: u, heartbeat: u, lease: u }),
  desired: fields({ ...down, ...type("desired"), version: u, state: twinPatch }, { more: boolean, doc: text(20) }),
  invoke: fields(
    { ...down, ...type("invoke"), id: uuid, name: text(64), ttl: int(1, 86_400_000) },
    { args: twinValue, program, idempotent: boolean, cause: uuid, fence: u }
  ),
  cancel: fields({ ...down, ...type("cancel"), id: uuid }, {}),
  chunk: fields({ ...down, ...type("chunk"), xfer: u32, index: u32, data: b }, { crc: u16 }),
  challenge: fields({ ...down, ...type("challenge"), nonce: b16, algs: array(u8) }, {}),
  enrolled: fields(
    { ...down, ...type("enrolled"), id: letters, nonce: b16, wall: u, kid: b16 },
    {
      certs: array(b),
      ca: array(b),
      urls: array(text(40)),
      trust: array(fields({}, { kid: b16, key: b32, kinds: u8 })),
      proof: b
    }
  ),
  sealed: fields({ epoch: Arbitrary.Constant(0), ...type("sealed"), counter: u32, frame: b }, { mac: b8 }),
  "image-offer": fields(
    {
      ...down,
      ...type("image-offer"),
      xfer: int(1, 2 ** 32 - 1),
      sha256: b32,
      size: u32,
      kind: u8,
      manifest: b,
      chunk: Arbitrary.map(int(0, 31), (power) => 2 ** power),
      window: u8
    },
    { flags: u8, instance: program }
  ),
  "image-op": fields({ ...down, ...type("image-op"), op: u8, req: u32 }, { xfer: u32, generation: u32, reason: u8 }),
  "program-ctl": fields({ ...down, ...type("program-ctl"), req: u32, op: u8 }, { program, args: twinValue, grace: u }),
  "value-get": fields({ ...down, ...type("value-get"), req: u32, program }, { ids: array(valueId) }),
  "value-set": fields(
    { ...down, ...type("value-set"), req: u32, program, id: valueId, value: scalar },
    { level: int(0, 3) }
  ),
  "value-watch": fields(
    { ...down, ...type("value-watch"), req: u32, program, id: valueId, on: boolean },
    { epsilon: number, rate: u }
  ),
  "mail-send": fields(
    { ...down, ...type("mail-send"), req: u32, target: text(32), data: b },
    { program, channel: u16 }
  ),
  "mail-tap": fields({ ...down, ...type("mail-tap"), req: u32, target: text(40), on: boolean }, { program, rate: u }),
  private: fields({ ...down, ...type("private"), number: int(128, 191), body: privateBody }, {})
}
