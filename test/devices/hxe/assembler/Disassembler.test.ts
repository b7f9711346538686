import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import { disassemble } from "../../../../devices/hxe/assembler/Disassembler.ts"
import { instructions } from "../../../../devices/hxe/assembler/Instructions.ts"
import type { CommandEntry, HxeImage, ValueEntry } from "../../../../src/protocol/hxe/Hxe.ts"
import { readHxe } from "../../../../src/protocol/hxe/HxeReader.ts"
import { type HxeParts, writeHxe } from "../../../../src/protocol/hxe/HxeWriter.ts"
import { codeOf, wordsOf } from "../machine/Assemble.ts"
import { vectors } from "../machine/Vectors.ts"
import { codeWords, imageBytes, imageOf } from "./Sources.ts"

const int = (minimum: number, maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

const word = int(0, 0xffff_ffff)
const opcode = Arbitrary.map(int(0, instructions.length - 1), (index) => instructions[index]?.opcode ?? 0)
/** Words that are instructions more often than chance has it, some with bits that mean nothing. */
const instruction = Arbitrary.map(
  Arbitrary.all([opcode, word, int(0, 3), int(0, 40)]),
  ([first, rest, shape, near]) => {
    const fields = [rest & 0xff_ffff, rest & 0xff_f000, near * 4, (-near & 0xfff) | (rest & 0xf0000)][shape] ?? 0
    return ((first << 24) | fields) >>> 0
  }
)
const code = Arbitrary.array(
  Arbitrary.map(Arbitrary.all([instruction, word, int(0, 9)]), ([likely, any, which]) => (which === 0 ? any : likely)),
  {
    minLength: 1,
    maxLength: 60
  }
)
const data = Arbitrary.array(int(0, 255), { maxLength: 80 })

const read = (bytes: Uint8Array): HxeImage => {
  const result = readHxe(bytes)
  if (Result.isFailure(result)) throw new Error(result.failure.detail)
  return result.success
}

/** The image, taken apart and put together again. */
const again = (parts: HxeParts): Uint8Array => {
  const image = read(writeHxe(parts))
  return imageBytes(
    { "a.mvasm": disassemble(image) },
    {
      name: image.header.appName ?? "",
      allowsMultiple: image.header.allowsMultiple,
      requiredCaps: image.header.requiredCaps
    }
  )
}

const value: ValueEntry = {
  groupId: 1,
  valueId: 2,
  flags: 0x1f,
  authLevel: 3,
  initBits: 0x2e66,
  epsilonBits: 0x0001,
  minimumBits: 0xfc00,
  maximumBits: 0x7c00,
  persistKey: 0xfffe,
  name: 'a "name"; é',
  unit: "",
  groupName: "group"
}

const command: CommandEntry = {
  groupId: 1,
  commandId: 2,
  flags: 3,
  authLevel: 1,
  handlerOffset: 4,
  name: "do it!",
  help: "helps",
  groupName: undefined
}

describe("disassemble", () => {
  it.prop(
    "gives a source that assembles to the same image",
    { code, data, start: int(0, 59) },
    ({ code, data, start }) => {
      const parts = {
        appName: "any",
        entry: 4 * (start % code.length),
        code: codeOf(code),
        rodata: Uint8Array.from(data)
      }
      assert.deepStrictEqual(again(parts), writeHxe(parts))
    }
  )

  it("gives the code of every measured program again", () => {
    for (const { what, words } of vectors) {
      const parts = { appName: "vector", entry: 0, code: codeOf(wordsOf(words)) }
      assert.deepStrictEqual(again(parts), writeHxe(parts), what)
    }
  })

  it("writes as plain words what no instruction says", () => {
    const odd: ReadonlyArray<readonly [words: string, source: string]> = [
      ["60100000", ".word 0x60100000"], // a long load without its number
      ["21000006", ".word 0x21000006"], // a jump between two words
      ["2100000C", "JMP 0xC"], // a jump out of the code
      ["24000FFF", "CALL -1"], // a call to before the code
      ["25000001", ".word 0x25000001"], // bits that mean nothing
      ["60100001 25000000", ".word 0x60100001, 0x25000000"]
    ]
    for (const [words, source] of odd) {
      const parts = { appName: "odd", entry: 0, code: codeOf(wordsOf(words)) }
      const listing = disassemble(read(writeHxe(parts)), { hasOffsets: false })
      assert.include(listing, `start:\n    ${source}\n`)
      assert.deepStrictEqual(again(parts), writeHxe(parts), words)
    }
  })

  it("gives every half again", () => {
    for (let bits = 0; bits <= 0xffff; bits += 255) {
      const parts: HxeParts = {
        appName: "halves",
        entry: 0,
        code: codeOf([0x2500_0000]),
        // One bit pattern of the many that are no number has a name.
        values: [0, 1, 2, 3].map((valueId) => {
          const some = (bits + valueId) & 0xffff
          return { ...value, valueId, initBits: (some & 0x7fff) > 0x7c00 ? 0x7e00 : some }
        })
      }
      assert.deepStrictEqual(again(parts), writeHxe(parts), bits.toString(16))
    }
  })

  it("gives declarations again, with what may stand in a text", () => {
    const parts: HxeParts = {
      appName: "all",
      entry: 4,
      code: codeOf([0x2500_0000, 0x2500_0000]),
      requiredCaps: 0x43,
      allowsMultiple: false,
      values: [value, { ...value, valueId: 3, flags: 0x80, authLevel: 0, initBits: 0x8000, name: undefined }],
      commands: [command, { ...command, commandId: 3 }],
      mailboxes: [{ target: "app:log", mode: "RDWR|FANOUT", reserved: { a: [1, null, "ä"] } }]
    }
    assert.deepStrictEqual(again(parts), writeHxe(parts))
  })

  it("names places, system calls and data, and tells offsets and words", () => {
    const image = imageOf(
      {
        "a.mvasm": [
          "JMP main",
          "print: LDI32 R1, text",
          "SVC UART_WRITE",
          "RET",
          "reset: BRK 3",
          ".entry main",
          "main: CALL print",
          "LD R1, [R2-4]",
          ".word 0x01234567",
          ".data",
          ".byte 1, 2",
          'text: .asciz "a\\n\\"b\\""',
          '.cmd {"group":1,"id":2,"name":"re-set","handler":"reset"}'
        ].join("\n")
      },
      { name: "names" }
    )
    assert.strictEqual(
      disassemble(image, { hasOffsets: false }),
      `; "names": HXE version 2, 36 bytes of code, 8 of data, any number of instances
; values: 0, commands: 1, mailboxes: 0
.entry start
.text
    JMP start
sub_0004:
    LDI32 R1, data_4002
    SVC UART_WRITE
    RET
on_re_set:
    BRK 3
start:
    CALL sub_0004
    LD R1, [R2-4]
    .word 0x01234567
.data
    .byte 0x01, 0x02
data_4002:
    .asciz "a\\n\\"b\\""
.cmd {"group":1,"id":2,"name":"re-set","handler":"on_re_set"}
`
    )
    assert.include(disassemble(image), "\n    LDI32 R1, data_4002                 ; 0004  60100000 00004002\n")
  })

  it("reads calls of old images as the machine does", () => {
    // CALL 0xC by its address: as a distance it would leave the code.
    const words = ["2400000C", "25000000", "25000000", "01000007", "25000000"]
    const image = read(writeHxe({ version: 1, entry: 0, code: codeOf(wordsOf(words.join(" "))) }))
    const source = disassemble(image, { hasOffsets: false })
    assert.include(source, "    CALL sub_000C\n")
    assert.deepStrictEqual(codeWords(imageOf({ "a.mvasm": source })), ["24000003", ...words.slice(1)])
  })
})
