import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  decodeReply,
  decodeRequest,
  encodeReply,
  encodeRequest,
  type LoadReplyPdu,
  type LoadRequestPdu
} from "../../../devices/provisioning/LoadPdu.ts"
import { goldenCrc32 } from "./GoldenImage.ts"

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"))

const requests: ReadonlyArray<readonly [LoadRequestPdu, string]> = [
  [
    {
      op: "begin",
      xfer: 0x2a,
      totalBytes: 376,
      fileCrc32: goldenCrc32,
      chunkBytesMax: 256,
      flags: 0,
      label: "gold_full"
    },
    "01 2A 00 00 01 78 A6 21 E7 04 01 00 00 00 09 67 6F 6C 64 5F 66 75 6C 6C"
  ],
  [{ op: "write", xfer: 0x2a, seq: 0x102, data: Uint8Array.of(1, 2, 3) }, "02 2A 01 02 01 02 03"],
  [{ op: "write", xfer: 0x2a, seq: 0, data: new Uint8Array(0) }, "02 2A 00 00"],
  [{ op: "end", xfer: 1, flags: 3 }, "03 01 03"],
  [{ op: "abort", xfer: 1, reason: 2 }, "04 01 02"],
  [{ op: "status", xfer: 255 }, "05 FF"],
  [{ op: "persist", xfer: 1, target: 2 }, "06 01 02"],
  [{ op: "activate", xfer: 1, pid: 0x1234 }, "07 01 12 34"],
  [{ op: "rollback", xfer: 1, generation: 0x1_0002 }, "08 01 00 01 00 02"],
  [{ op: "hello", xfer: 1, version: 1 }, "09 01 01"],
  [{ op: "auth", xfer: 1, role: 2 }, "0A 01 02"],
  [{ op: "proof", xfer: 1, mac: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }, "0B 01 01 02 03 04 05 06 07 08"]
]

const replies: ReadonlyArray<readonly [LoadReplyPdu, string]> = [
  [
    { op: "begin", xfer: 1, status: 0, fields: { op: "begin", pid: 3, chunkBytesMax: 512, window: 4 } },
    "81 01 00 00 03 02 00 04"
  ],
  [
    { op: "write", xfer: 1, status: 84, fields: { op: "write", nextSeq: 7, bytesWritten: 1792 } },
    "82 01 54 00 07 00 00 07 00"
  ],
  [
    { op: "end", xfer: 1, status: 0, fields: { op: "end", pid: 3, state: 3, hxeCrc32: 0x5c34a36e } },
    "83 01 00 00 03 03 5C 34 A3 6E"
  ],
  [{ op: "abort", xfer: 1, status: 0, fields: { op: "abort" } }, "84 01 00"],
  [
    {
      op: "status",
      xfer: 1,
      status: 0,
      fields: { op: "status", state: 1, bytesWritten: 256, totalBytes: 376, lastError: 0, nextSeq: 1 }
    },
    "85 01 00 01 00 00 01 00 00 00 01 78 00 00 01"
  ],
  [{ op: "persist", xfer: 1, status: 28, fields: undefined }, "86 01 1C"],
  [{ op: "activate", xfer: 1, status: 0, fields: { op: "activate" } }, "87 01 00"],
  [{ op: "rollback", xfer: 1, status: 0, fields: { op: "rollback", generation: 9 } }, "88 01 00 00 00 00 09"],
  [
    {
      op: "hello",
      xfer: 1,
      status: 0,
      fields: {
        op: "hello",
        version: 1,
        node: 5,
        capabilities: 0xff,
        imageBytesMax: 262_144,
        chunkBytesMax: 256,
        codeBytesFree: 65_536
      }
    },
    "89 01 00 01 05 00 00 00 FF 00 04 00 00 01 00 00 01 00 00"
  ],
  [
    { op: "auth", xfer: 1, status: 0, fields: { op: "auth", nonce: Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1) } },
    "8A 01 00 08 07 06 05 04 03 02 01"
  ],
  [{ op: "proof", xfer: 1, status: 0, fields: { op: "proof", level: 2 } }, "8B 01 00 02"]
]

describe("load messages", () => {
  for (const [request, text] of requests) {
    it(`carry a ${request.op} of ${bytesOf(text).length} bytes`, () => {
      assert.strictEqual(hex(encodeRequest(request)), hex(bytesOf(text)))
      assert.deepStrictEqual(decodeRequest(bytesOf(text)), Result.succeed(request))
    })
  }

  for (const [reply, text] of replies) {
    it(`carry the reply to a ${reply.op}`, () => {
      assert.strictEqual(hex(encodeReply(reply)), hex(bytesOf(text)))
      assert.deepStrictEqual(decodeReply(bytesOf(text)), Result.succeed(reply))
    })
  }

  it("are refused when they are cut, too long, of no operation or of no transfer", () => {
    for (const [request, text] of requests) {
      const bytes = bytesOf(text)
      if (request.op === "write") continue
      for (let length = 0; length < bytes.length; length++) {
        assert.isTrue(Result.isFailure(decodeRequest(bytes.subarray(0, length))), `${request.op} ${length}`)
      }
      assert.isTrue(Result.isFailure(decodeRequest(Buffer.concat([bytes, Uint8Array.of(0)]))), request.op)
    }
    assert.deepInclude(decodeRequest(bytesOf("0C 01")), { failure: { code: 95, detail: "operation:12" } })
    assert.deepInclude(decodeRequest(bytesOf("05 00")), { failure: { code: 22, detail: "xfer" } })
    assert.isTrue(Result.isFailure(decodeRequest(bytesOf("85 01 00"))))
    assert.isTrue(Result.isFailure(decodeReply(bytesOf("05 01 00"))))
    assert.isTrue(Result.isFailure(decodeReply(bytesOf("81 01 00 00 03 02 00"))))
  })

  it("cut a label that is too long", () => {
    const bytes = encodeRequest({
      op: "begin",
      xfer: 1,
      totalBytes: 1,
      fileCrc32: 1,
      chunkBytesMax: 1,
      flags: 0,
      label: "x".repeat(300)
    })
    assert.strictEqual(bytes.length, 15 + 255)
  })
})
