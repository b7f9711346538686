import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { codeWords, faultsOf, imageBytes, imageOf } from "./Sources.ts"

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex").toUpperCase()

const full = [
  "start:",
  "  LDI32 R1, text",
  "  LDI R2, 3",
  "  CALL double",
  "  RET",
  "double:",
  "  ADD R0, R2, R2",
  "  RET",
  "reset:",
  "  LDI R0, 0",
  "  RET",
  ".data",
  'text: .asciz "hi!"',
  "  .half 0x1234",
  "  .byte 0xAA",
  '.value {"group":2,"id":1,"name":"rpm","unit":"rpm","group_name":"motor","flags":"PERSIST","auth":"USER","init":12.5,"epsilon":0.1,"min":-40,"max":125,"persist_key":"0x11"}',
  '.value {"group":1,"value":9,"name":"lamp","flags":"RO|BOOL","init":1}',
  '.cmd {"group":2,"cmd":7,"name":"reset","help":"restart it","group_name":"motor","flags":"PIN","auth":2,"handler":"reset"}',
  '.mailbox {"mode":"RDWR|FANOUT|FANOUT_DROP","target":" app:log ","capacity":96}'
].join("\n")

const fullBytes = `
48535845000200020000000000000024
0000000700000000000000435C34A36E
676F6C642066756C6C00000000000000
00000000000000000000000000000000
0000008B000000030000000000000000
00000000000000000000000000000000
60100000000040000120000324000002
25000000100220002500000001000000
25000000686921003412AA0000000100
0000BB00000037000000020000000200
0000F200000027000000010000000300
0001190000005F00000001010911003C
00002800000000000000000000000002
0102014A40002D002D2E66D10057D000
1100316C616D700072706D006D6F746F
7200020701020000001C001000160000
00217265736574007265737461727420
6974006D6F746F72007B226D61696C62
6F786573223A5B7B2263617061636974
79223A39362C226D6F6465223A225244
57527C46414E4F55547C46414E4F5554
5F44524F50222C22746172676574223A
226170703A6C6F67227D5D2C22766572
73696F6E223A317D`.replaceAll(/\s/g, "")

describe("link", () => {
  it("writes the reference image byte for byte", () => {
    const bytes = imageBytes({ "gold.mvasm": full }, { name: "gold full", requiredCaps: 0x43 })
    assert.strictEqual(hexOf(bytes), fullBytes)
    assert.strictEqual(
      createHash("sha256").update(bytes).digest("hex"),
      "9fd7fda255d11474a5f73e310f11f5a78755f1a2e92a587c07ada7e644a9221a"
    )
  })

  it("writes the smallest reference image, for one instance and for several", () => {
    const source = { "a.mvasm": ".entry main\nmain:\n  LDI R0, 42\n  RET" }
    const single = imageBytes(source, { name: "gold_min", allowsMultiple: false })
    assert.strictEqual(single.length, 104)
    assert.strictEqual(
      hexOf(single.subarray(0, 0x28)),
      "4853584500020000000000000000000800000000000000000000000091B17A7E676F6C645F6D696E"
    )
    const several = imageBytes(source, { name: "gold_min" })
    assert.strictEqual(hexOf(several.subarray(6, 8)), "0002")
    assert.strictEqual(hexOf(several.subarray(0x1c, 0x20)), "57BEC836")
  })

  it("joins code and data in the order of the files, and finds what they export to each other", () => {
    const image = imageOf({
      "main.mvasm": ".import twice, table\nmain:\n  LDI32 R1, table\n  CALL twice\n  RET\n.data\n.byte 7",
      "lib.mvasm":
        ".extern twice\n.export table\ntwice:\n  LDI32 R2, local\n  LDI R3, off16(table)\n  RET\n.data\nlocal: .byte 1\ntable: .half 2"
    })
    assert.deepStrictEqual(codeWords(image), [
      "60100000",
      "00004002",
      "24000002",
      "25000000",
      "60200000",
      "00004001",
      "01300002",
      "25000000"
    ])
    assert.strictEqual(hexOf(image.rodata), "07010200")
  })

  it("keeps labels that are not exported to their file", () => {
    const image = imageOf({ "a.mvasm": "here: JMP here", "b.mvasm": "here: JMP here" })
    assert.deepStrictEqual(codeWords(image), ["21000000", "21000004"])
  })

  it("takes .extern for a name of another file when it is not defined here", () => {
    const image = imageOf({ "a.mvasm": ".extern there\nCALL there", "b.mvasm": ".extern there\nthere: RET" })
    assert.deepStrictEqual(codeWords(image), ["24000001", "25000000"])
  })

  it("says which symbol is missing or there twice, and where", () => {
    assert.deepStrictEqual(faultsOf({ "a.mvasm": ".import there\nCALL there", "b.mvasm": "there: RET" }), [
      "a.mvasm:1:9: no file exports there; b.mvasm defines it: write .export there there"
    ])
    assert.deepStrictEqual(faultsOf({ "a.mvasm": ".import stat\nCALL stat", "b.mvasm": ".export start\nstart: RET" }), [
      "a.mvasm:1:9: no file exports stat; did you mean start?"
    ])
    assert.deepStrictEqual(faultsOf({ "a.mvasm": ".export x\nx: RET", "b.mvasm": "RET\n.export x\nx: RET" }), [
      "b.mvasm:3:1: x is defined twice; the first is at a.mvasm:2"
    ])
    assert.deepStrictEqual(
      faultsOf({ "a.mvasm": 'RET\n.value {"group":1,"id":1}', "b.mvasm": 'RET\n\n.value {"group":1,"id":1}' }),
      ["b.mvasm:3:1: the value 1:1 is declared twice; the first is at a.mvasm:2"]
    )
  })

  it("starts at an exported _start, else where the first file says, else at its first instruction", () => {
    const entryOf = (
      files: Readonly<Record<string, string>>,
      included: Readonly<Record<string, string>> = {}
    ): number => imageOf(files, { name: "a" }, included).header.entry
    const library = "RET\n.entry init\ninit: RET"
    assert.strictEqual(entryOf({ "a.mvasm": "RET\nRET", "b.mvasm": library }), 0)
    assert.strictEqual(entryOf({ "b.mvasm": library, "a.mvasm": "RET" }), 4)
    assert.strictEqual(entryOf({ "a.mvasm": "RET\n.entry\nRET" }), 4)
    assert.strictEqual(entryOf({ "a.mvasm": ".entry 8\nRET\nRET\nRET" }), 8)
    assert.strictEqual(entryOf({ "a.mvasm": ".entry\nRET", "b.mvasm": ".export _start\nRET\n_start: RET" }), 8)
    assert.strictEqual(entryOf({ "a.mvasm": '.include "b"\n.entry\nRET' }, { b: library }), 8)
    assert.strictEqual(entryOf({ "a.mvasm": '.entry main\n.include "b"\nmain: RET' }, { b: library }), 8)
    assert.strictEqual(entryOf({ "a.mvasm": '.include "b"\nmain: RET' }, { b: library }), 4)
  })

  it("resolves the handler of a command in another file", () => {
    const image = imageOf({
      "a.mvasm":
        '.import reset\nRET\n.cmd {"group":1,"id":1,"handler":"reset"}\n.cmd {"group":1,"id":2,"handler_offset":0}',
      "b.mvasm": ".export reset\nRET\nreset: RET"
    })
    assert.deepStrictEqual(
      image.metadata.commands.map(({ handlerOffset }) => handlerOffset),
      [8, 0]
    )
  })
})
