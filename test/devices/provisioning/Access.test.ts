import { createHmac } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { AccessGuard, isProof, proofOf } from "../../../devices/provisioning/Access.ts"
import {
  decodeReply,
  encodeRequest,
  type LoadReplyPdu,
  type LoadRequestPdu
} from "../../../devices/provisioning/LoadPdu.ts"
import { LoadServer } from "../../../devices/provisioning/LoadServer.ts"
import { source } from "../../../devices/provisioning/Source.ts"
import { goldenCrc32, goldenImage } from "./GoldenImage.ts"
import { done, LoaderRig } from "./LoaderRig.ts"

const key = new Uint8Array(32).fill(7)
const nonce = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)

/** A board that asks for a proof, at the end of a perfect line. */
const line = (level: 0 | 1 = 0) => {
  const rig = new LoaderRig()
  const replies: Array<LoadReplyPdu> = []
  const server = new LoadServer({
    loader: rig.loader,
    clock: rig.time.clock(),
    board: { node: 5, capabilities: () => 0xff, codeBytesFree: () => 65_536 },
    source: source.uart("tty"),
    chunkBytesMax: 512,
    window: 4,
    level,
    roleKeys: new Map([[2, key]]),
    nonce: () => nonce,
    send: (bytes) => replies.push(done(decodeReply(bytes)))
  })
  const ask = (request: LoadRequestPdu): LoadReplyPdu | undefined => {
    server.receive(encodeRequest(request))
    return replies.at(-1)
  }
  return { rig, server, replies, ask }
}

const begin: LoadRequestPdu = {
  op: "begin",
  xfer: 1,
  totalBytes: 376,
  fileCrc32: 0,
  chunkBytesMax: 64,
  flags: 0,
  label: ""
}

describe("AccessGuard", () => {
  it("asks for the level of each operation", () => {
    const guard = new AccessGuard(() => 0)
    assert.isUndefined(guard.check("a", 0, "status"))
    assert.deepStrictEqual(guard.check("a", 0, "begin"), { code: 1, detail: "level:begin:0/1" })
    assert.isUndefined(guard.check("a", 1, "begin"))
    assert.deepStrictEqual(guard.check("a", 1, "rollback"), { code: 1, detail: "level:rollback:1/2" })
    assert.deepStrictEqual(guard.check("a", 2, "keys"), { code: 1, detail: "level:keys:2/3" })
    assert.strictEqual(guard.refusals, 3)
  })

  it("blocks a client for a minute after five failures within a minute, and no other", () => {
    let now = 0
    const guard = new AccessGuard(() => now)
    for (let failure = 0; failure < 4; failure++) guard.check("a", 0, "begin")
    now = 60_000
    guard.check("a", 0, "begin")
    assert.isFalse(guard.isBlocked("a"))
    for (let failure = 0; failure < 4; failure++) guard.check("a", 0, "begin")
    assert.deepStrictEqual(guard.check("a", 3, "status"), { code: 1, detail: "blocked" })
    assert.isUndefined(guard.check("b", 1, "begin"))
    now = 119_999
    assert.isTrue(guard.isBlocked("a"))
    now = 120_000
    assert.isUndefined(guard.check("a", 1, "begin"))
  })

  it("forgets the oldest client rather than fill the memory", () => {
    const guard = new AccessGuard(() => 0)
    for (let failure = 0; failure < 5; failure++) guard.check("first", 0, "begin")
    for (let client = 0; client < 300; client++) guard.check(`client ${client}`, 0, "begin")
    assert.isFalse(guard.isBlocked("first"))
  })
})

describe("a proof", () => {
  it("is the start of an HMAC over node, role and nonce", () => {
    const expected = createHmac("sha256", key)
      .update(Buffer.concat([Buffer.from("HSX-AUTH-v1\0"), Uint8Array.of(5, 2), nonce]))
      .digest()
      .subarray(0, 8)
    assert.deepStrictEqual(proofOf(key, 5, 2, nonce), new Uint8Array(expected))
    assert.isFalse(isProof(proofOf(key, 6, 2, nonce), expected))
    assert.isFalse(isProof(expected.subarray(0, 7), expected))
  })

  it("raises the level of a line; without it nothing may be loaded", () => {
    const { ask, server } = line()
    assert.strictEqual(ask(begin)?.status, 1)
    const challenge = ask({ op: "auth", xfer: 1, role: 2 })
    assert.deepStrictEqual(challenge?.fields, { op: "auth", nonce })
    const proof = ask({ op: "proof", xfer: 1, mac: proofOf(key, 5, 2, nonce) })
    assert.deepStrictEqual(proof?.fields, { op: "proof", level: 2 })
    assert.strictEqual(server.level, 2)
    assert.strictEqual(ask(begin)?.status, 0)
  })

  it("serves once, and a wrong one leaves the level as it is", () => {
    const { ask, server } = line()
    assert.strictEqual(ask({ op: "proof", xfer: 1, mac: nonce })?.status, 1)
    ask({ op: "auth", xfer: 1, role: 2 })
    assert.strictEqual(ask({ op: "proof", xfer: 1, mac: nonce })?.status, 1)
    assert.strictEqual(ask({ op: "proof", xfer: 1, mac: proofOf(key, 5, 2, nonce) })?.status, 1)
    assert.strictEqual(server.level, 0)
  })

  it("is not asked for a role without a key", () => {
    assert.strictEqual(line().ask({ op: "auth", xfer: 1, role: 3 })?.status, 126)
  })

  it("is taken from nobody for a minute after five wrong ones", () => {
    const { ask, rig, server } = line()
    for (let attempt = 0; attempt < 5; attempt++) {
      ask({ op: "auth", xfer: attempt + 1, role: 2 })
      ask({ op: "proof", xfer: attempt + 1, mac: nonce })
    }
    assert.strictEqual(ask({ op: "auth", xfer: 9, role: 2 })?.status, 1)
    rig.time.advance(60_000)
    ask({ op: "auth", xfer: 10, role: 2 })
    ask({ op: "proof", xfer: 10, mac: proofOf(key, 5, 2, nonce) })
    assert.strictEqual(server.level, 2)
  })
})

describe("LoadServer", () => {
  it("answers a copy of a begin alike and reserves nothing twice", () => {
    const { ask, replies, rig } = line(1)
    ask(begin)
    ask(begin)
    assert.deepStrictEqual(replies[0], replies[1])
    assert.strictEqual(rig.host.free.tasks, 3)
    assert.deepStrictEqual(rig.types, ["started"])
  })

  it("takes the begin of a transfer that goes on for a copy, however late", () => {
    const { ask, replies, rig } = line(1)
    ask(begin)
    for (let second = 0; second < 10; second++) {
      rig.time.advance(1000)
      ask({ op: "write", xfer: 1, seq: 0, data: new Uint8Array(0) })
    }
    ask(begin)
    assert.deepStrictEqual(replies.at(-1), replies[0])
    assert.deepStrictEqual(ask({ ...begin, label: "other" })?.status, 16)
  })

  it("loads the same image again under the same number, though every message is the same", () => {
    const { ask, rig } = line(1)
    for (let round = 1; round <= 2; round++) {
      ask({ ...begin, fileCrc32: goldenCrc32, flags: 4 })
      const bytes = goldenImage()
      for (let seq = 0; seq * 64 < bytes.length; seq++) {
        ask({ op: "write", xfer: 1, seq, data: bytes.subarray(seq * 64, seq * 64 + 64) })
      }
      assert.deepInclude(ask({ op: "end", xfer: 1, flags: 0 })?.fields, { op: "end", pid: round, state: 3 })
      rig.time.advance(3000)
    }
    // The flags asked for the place of the old one, and not for a start.
    assert.deepStrictEqual(rig.host.running, [[2, "gold full"]])
    assert.isFalse(rig.host.registrationOf(2)?.autostart)
  })

  it("says where it is to a write it has already, and to one that comes too early", () => {
    const { ask, server } = line(1)
    ask(begin)
    const write = (seq: number) => ask({ op: "write", xfer: 1, seq, data: new Uint8Array(0) })
    assert.deepStrictEqual(write(0)?.fields, { op: "write", nextSeq: 0, bytesWritten: 0 })
    const early = ask({ op: "write", xfer: 1, seq: 2, data: Uint8Array.of(1) })
    assert.deepStrictEqual([early?.status, early?.fields], [84, { op: "write", nextSeq: 0, bytesWritten: 0 }])
    assert.strictEqual(server.holes, 1)
    assert.strictEqual(ask({ op: "write", xfer: 9, seq: 0, data: Uint8Array.of(1) })?.status, 3)
  })

  it("repeats why a transfer failed, in case the first answer was lost", () => {
    const { ask } = line(1)
    ask(begin)
    const bad = { op: "write", xfer: 1, seq: 0, data: new Uint8Array(6) } as const
    assert.strictEqual(ask(bad)?.status, 74)
    assert.strictEqual(ask(bad)?.status, 74)
    assert.deepInclude(ask({ op: "status", xfer: 1 })?.fields, { state: 4, lastError: 74 })
  })

  it("repeats why an image failed at its end", () => {
    const { ask, rig } = line(1)
    rig.host.registerRefusals = [{ code: 17, detail: "value:2:1" }]
    ask({ ...begin, fileCrc32: goldenCrc32 })
    const bytes = goldenImage()
    for (let seq = 0; seq * 64 < bytes.length; seq++) {
      ask({ op: "write", xfer: 1, seq, data: bytes.subarray(seq * 64, seq * 64 + 64) })
    }
    assert.strictEqual(ask({ op: "end", xfer: 1, flags: 0 })?.status, 17)
    rig.time.advance(5000)
    assert.strictEqual(ask({ op: "end", xfer: 1, flags: 0 })?.status, 17)
    assert.strictEqual(rig.types.filter((type) => type === "error").length, 1)
  })

  it("introduces its board, and refuses another version", () => {
    const { ask } = line()
    assert.deepStrictEqual(ask({ op: "hello", xfer: 1, version: 1 })?.fields, {
      op: "hello",
      version: 1,
      node: 5,
      capabilities: 0xff,
      imageBytesMax: 262_144,
      chunkBytesMax: 512,
      codeBytesFree: 65_536
    })
    assert.strictEqual(ask({ op: "hello", xfer: 1, version: 2 })?.status, 95)
  })

  it("counts what it cannot read and answers nothing", () => {
    const { replies, server } = line()
    server.receive(Uint8Array.of(1))
    server.receive(Uint8Array.of(0x85, 1, 0))
    assert.strictEqual(server.damaged, 2)
    assert.deepStrictEqual(replies, [])
  })
})
