import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { DownFrame, UpFrame } from "../../src/protocol/Frame.ts"
import {
  decodeDown,
  decodeUp,
  encodeDown,
  encodeUp,
  type FrameRefused,
  mayAnswer
} from "../../src/protocol/FrameCodec.ts"
import vectors from "./link-vectors.json" with { type: "json" }

const hex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
const ceiling = 262_144

const golden = new Map(vectors.frames.map(({ name, hex }) => [name, hex]))
const bytesOf = (name: string): Uint8Array => {
  const found = golden.get(name)
  if (found === undefined) throw new Error(`no vector ${name}`)
  return hex(found)
}

/** What no re-encoding can give back: it holds what a reader ignores, or is no frame here. */
const oneWay = new Set(["unknown-field", "unknown-element", "unknown-type"])

describe("golden frames", () => {
  for (const { name, dir, hex: expected } of vectors.frames) {
    if (oneWay.has(name)) continue
    if (dir !== "down")
      it(`${name}, up, is read and written byte for byte`, () => {
        const frame = Result.getOrThrow(decodeUp(hex(expected), ceiling))
        assert.strictEqual(hexOf(encodeUp(frame)), expected)
      })
    if (dir !== "up")
      it(`${name}, down, is read and written byte for byte`, () => {
        const frame = Result.getOrThrow(decodeDown(hex(expected), ceiling))
        assert.strictEqual(hexOf(encodeDown(frame)), expected)
      })
  }

  it("ignores an unknown key and what follows the third element", () => {
    const frame: UpFrame = { type: "heartbeat", seq: 0, up: 30_000, epoch: 5 }
    assert.deepStrictEqual(decodeUp(bytesOf("unknown-field"), ceiling), Result.succeed(frame))
    assert.deepStrictEqual(decodeUp(bytesOf("unknown-element"), ceiling), Result.succeed(frame))
  })

  it("refuses an unknown type with its number, so that it can be acknowledged", () => {
    const refused = Result.flip(decodeUp(bytesOf("unknown-type"), ceiling))
    assert.deepStrictEqual(refused, Result.succeed({ code: 201, detail: "no frame type 127", frameType: 127, seq: 15 }))
  })
})

const command = "018f3a6e-4c00-7abc-8def-0123456789ab"
const kid = hex("866eefbd6718c8846cd7ddfe43fc74ab")

/** Names and keys belong together: byte equality alone would not notice two names that are swapped. */
const upMeanings: Readonly<Record<string, UpFrame>> = {
  "hello-host": {
    type: "hello",
    seq: 0,
    min: 1,
    max: 1,
    id: "host",
    boot: 3_735_928_559,
    link: 2,
    up: 86_400_000,
    wall: 1_790_000_000_000,
    profile: "host-linux",
    firmware: "1.0.0",
    caps: 303,
    rx: 262_144,
    requests: 64,
    desired: 41,
    sent: 1007,
    kinds: [1, 2, 3]
  },
  "heartbeat-up": { type: "heartbeat", seq: 0, up: 30_000, free: 51_200, load: 0.25, queued: 0, dropped: 0, epoch: 5 },
  "report-state": {
    type: "report",
    seq: 1,
    at: 2000,
    state: { fan: { on: true, rpm: 1200 }, led: "off", temp: 21.5 }
  },
  "report-samples": {
    type: "report",
    seq: 0,
    at: 5000,
    samples: [
      { dt: -2000, values: { temp: 21.5 } },
      { dt: -1000, values: { temp: 21.625 } },
      { dt: 0, values: { temp: 21.75 } }
    ]
  },
  "report-delete": {
    type: "report",
    seq: 3,
    at: 6000,
    state: { pi: Math.PI, big: Number.MAX_SAFE_INTEGER, fan: null, neg: -40 }
  },
  "desired-ack-refused": { type: "desired-ack", seq: 5, version: 14, refused: { "/target": 34 } },
  progress: { type: "progress", seq: 6, id: command, done: 0 },
  "result-ok": { type: "result", seq: 7, id: command, code: 0, value: 3, took: 1520 },
  "result-expired": { type: "result", seq: 8, id: command, code: 62, detail: "life over" },
  event: { type: "event", seq: 9, at: 7000, name: "heater.overheat", data: { temp: 91.5 }, level: 1 },
  log: { type: "log", seq: 0, at: 7001, level: 2, text: "LED ● on" },
  "image-ack": { type: "image-ack", seq: 0, xfer: 1, next: 1, state: 1, have: 256, window: 4 },
  "image-status-ready": {
    type: "image-status",
    seq: 10,
    xfer: 1,
    state: 3,
    sha256: hex("9fd7fda255d11474a5f73e310f11f5a78755f1a2e92a587c07ada7e644a9221a"),
    req: 900,
    secver: 1
  },
  "program-status": {
    type: "program-status",
    seq: 11,
    programs: [
      {
        name: "gold full",
        state: 4,
        kind: 1,
        sha256: hex("9fd7fda255d11474"),
        version: "1.0.0",
        restarts: 0,
        mem: 4096,
        up: 1200,
        pid: 1
      }
    ],
    all: true,
    at: 8200
  },
  value: { type: "value", seq: 12, program: "gold full", values: [{ id: 513, value: 12.5, at: 9000 }] },
  mail: { type: "mail", seq: 13, target: "app:log", data: hex("68692100"), flags: 0, source: 1 },
  answer: { type: "answer", seq: 0, req: 901, code: 0 },
  "goodbye-will": { type: "goodbye", seq: 0, reason: 4, boot: 7, link: 1 },
  "sealed-mac-up": {
    type: "sealed",
    seq: 0,
    counter: 1,
    mac: hex("f6dfb1a52773daee"),
    frame: bytesOf("heartbeat-up")
  },
  "enrol-secret": {
    type: "enrol",
    seq: 0,
    nonce: hex("101112131415161718191a1b1c1d1e1f"),
    profile: "stm32vldiscovery",
    id: "press-1",
    proof: hex("4d8c5d611cefca7e19a4aede1d989875")
  }
}

const downMeanings: Readonly<Record<string, DownFrame>> = {
  welcome: {
    type: "welcome",
    epoch: 5,
    version: 1,
    last: 0,
    wall: 1_790_000_000_123,
    heartbeat: 10_000,
    lease: 25_000,
    rx: 65_536,
    window: 4,
    ackMode: 1,
    sync: 7,
    desired: 12,
    node: "n1"
  },
  "heartbeat-down": { type: "heartbeat", epoch: 5, up: 30_000, wall: 1_790_000_028_640 },
  ack: { type: "ack", epoch: 5, last: 3, boot: 7 },
  "error-refused-seq": {
    type: "error",
    epoch: 5,
    code: 211,
    detail: "not a twin value",
    frameType: 8,
    refusedSeq: 14,
    field: [2, "blob"]
  },
  "error-version": { type: "error", epoch: 0, code: 202, detail: "1..1", frameType: 1, fatal: true },
  "goodbye-drain": { type: "goodbye", epoch: 5, reason: 5, retry: 800, server: "mqtts://n2.example:8883" },
  flow: { type: "flow", epoch: 5, window: 2, interval: 250 },
  "desired-part": { type: "desired", epoch: 5, version: 14, state: { old: null }, more: true },
  invoke: { type: "invoke", epoch: 5, id: command, name: "blink", args: { times: 3 }, ttl: 30_000 },
  "value-get": { type: "value-get", epoch: 5, req: 902, program: "gold full", ids: ["rpm", 265] },
  "value-set": { type: "value-set", epoch: 5, req: 903, program: "gold full", id: 513, value: 12.5, level: 1 },
  "value-watch": {
    type: "value-watch",
    epoch: 5,
    req: 904,
    program: "gold full",
    id: 513,
    on: true,
    epsilon: 0.5,
    rate: 100
  },
  "mail-tap": { type: "mail-tap", epoch: 5, req: 906, program: "gold full", target: "app:log", on: true, rate: 20 },
  "image-op-verify": { type: "image-op", epoch: 5, op: 1, xfer: 1, req: 900 },
  "program-ctl-start": { type: "program-ctl", epoch: 5, req: 901, op: 1, program: "gold full" },
  challenge: { type: "challenge", epoch: 0, nonce: hex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"), algs: [2, 3] },
  "enrolled-secret": {
    type: "enrolled",
    epoch: 0,
    id: "press-1",
    nonce: hex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"),
    wall: 1_790_000_000_000,
    kid: hex("1c3d507fd6c5bb1c8e9ac5d76e3d4413"),
    trust: [{ kid, key: hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"), kinds: 15 }],
    proof: hex("968cc65fc3431847de101093514ccc9f")
  }
}

describe("fields by their names", () => {
  for (const [name, frame] of Object.entries(upMeanings))
    it(name, () => assert.deepStrictEqual(decodeUp(bytesOf(name), ceiling), Result.succeed(frame)))
  for (const [name, frame] of Object.entries(downMeanings))
    it(name, () => assert.deepStrictEqual(decodeDown(bytesOf(name), ceiling), Result.succeed(frame)))
})

describe("other encodings of a frame", () => {
  for (const { name, hex: bytes } of vectors.alternatives)
    it(`${name} is understood`, () => {
      const { load, ...frame } = Result.getOrThrow(decodeUp(hex(bytes), ceiling)) as Extract<
        UpFrame,
        { type: "heartbeat" }
      >
      assert.deepStrictEqual(frame, { type: "heartbeat", seq: 0, up: 30_000, epoch: 5 })
      assert.strictEqual(load, name === "long-float" ? 0.25 : undefined)
    })
})

/** The link's state refuses these, not the bytes: a frame before the welcome, a frame of an older attach. */
const wellFormed = new Set(["report-before-welcome", "old-epoch"])
const downward = new Set(["invoke-short-id", "invoke-ttl-0", "old-epoch"])

describe("refused frames", () => {
  for (const { name, hex: bytes, code } of vectors.invalid) {
    const decode: (bytes: Uint8Array, bytesMax: number) => Result.Result<UpFrame | DownFrame, FrameRefused> =
      downward.has(name) ? decodeDown : decodeUp
    if (wellFormed.has(name))
      it(`${name} is a frame, for the link to judge`, () =>
        assert.isTrue(Result.isSuccess(decode(hex(bytes), ceiling))))
    else
      it(`${name} is refused with ${code}`, () => {
        const refused = Result.getOrThrow(Result.flip(decode(hex(bytes), ceiling)))
        assert.strictEqual(refused.code, code)
      })
  }

  const refusal = (text: string, bytesMax = ceiling) => Result.getOrThrow(Result.flip(decodeUp(hex(text), bytesMax)))

  it("names type, number and path", () => {
    assert.deepStrictEqual(refusal("83080ea102a164626c6f6241ff"), {
      code: 211,
      detail: "byte string",
      frameType: 8,
      seq: 14,
      field: [2, "blob"]
    })
  })

  it("names the request or command it belongs to", () => {
    assert.strictEqual(refusal("831300a20119038502f6").request, 901)
    assert.strictEqual(refusal("830d07a20150018f3a6e4c007abc8def0123456789ab0220").request, command)
  })

  it("names no command after a device whose id looks like one", () => {
    const hello: UpFrame = {
      type: "hello",
      seq: 0,
      min: 1,
      max: 1,
      id: command,
      boot: 1,
      link: 1,
      up: 0,
      profile: "press",
      firmware: "1",
      caps: 0,
      rx: 512
    }
    const bytes = encodeUp(hello)
    // Key 11, the last, becomes one that nobody knows, so that it is missing.
    const refused = Result.flip(decodeUp(hex(hexOf(bytes).replace(/0b190200$/, "17190200")), ceiling))
    assert.deepStrictEqual(refused, Result.succeed({ code: 200, detail: "missing", frameType: 1, field: [11] }))
  })

  it("names type and number of a frame that is cut short or too large", () => {
    assert.deepStrictEqual(refusal("83080ea102a164626c"), {
      code: 200,
      detail: "cut short",
      frameType: 8,
      seq: 14
    })
    assert.deepStrictEqual(refusal("83080ea102a0", 5), {
      code: 90,
      detail: "6 bytes, the limit is 5",
      frameType: 8,
      seq: 14
    })
  })

  it("refuses a hello of another version before it reads the rest of it", () => {
    // The id is a number, as it might be in a version to come.
    assert.strictEqual(refusal("830100a3010902090301").code, 202)
  })

  it("refuses frames of the other direction as unknown", () => {
    assert.strictEqual(refusal(golden.get("welcome") ?? "").code, 201)
  })

  it("refuses a map of 60,000 keys", () => {
    const keys = Array.from({ length: 60_000 }, (_, key) => `19${key.toString(16).padStart(4, "0")}00`).join("")
    assert.strictEqual(refusal(`830801a102b9ea60${keys}`).code, 90)
  })

  it("never answers an error or a goodbye", () => {
    assert.isFalse(mayAnswer(refusal("830500a0")))
    assert.isFalse(mayAnswer(refusal("830600a0")))
    assert.isTrue(mayAnswer(refusal("830300a0")))
    assert.isTrue(mayAnswer(refusal("ff")))
  })
})

describe("a frame its types cannot exclude", () => {
  it("throws instead of saying it wrong", () => {
    const report =
      (state: Record<string, number | string>): (() => void) =>
      () =>
        void encodeUp({ type: "report", seq: 1, state })
    assert.throws(report({ a: Number.NaN }), RangeError)
    assert.throws(report({ a: "\ud800" }), RangeError)
    assert.throws(() => encodeDown({ type: "ack", epoch: 1, last: -1, boot: 1 }), RangeError)
    assert.throws(() => encodeDown({ type: "cancel", epoch: 1, id: "no-uuid" }), RangeError)
  })
})

describe("private frames", () => {
  it("keep their body as it is", () => {
    const body = new Map<number, unknown>([
      [1, "text"],
      [7, new Map<unknown, unknown>([["a", [1, null, hex("00ff")]]])]
    ])
    const frame: UpFrame = { type: "private", seq: 3, number: 130, body }
    assert.deepStrictEqual(decodeUp(encodeUp(frame), ceiling), Result.succeed(frame))
  })
})
