import { assert, describe, it } from "@effect/vitest"
import { instructions } from "../../../../devices/hxe/assembler/Instructions.ts"
import { vectors } from "../machine/Vectors.ts"
import { codeWords, imageOf, wordsOf } from "./Sources.ts"

const hex = (word: number): string => word.toString(16).toUpperCase().padStart(8, "0")
const measured = new Set(vectors.flatMap(({ words }) => words.split(" ")))

/** One of each, with a word that ran on the reference machine. */
const encodings: ReadonlyArray<readonly [source: string, words: string]> = [
  ["LDI R1, -1", "01100FFF"],
  ["LDI R2, 2047", "012007FF"],
  ["LDI R3, -2048", "01300800"],
  ["LDI32 R4, 0xDEADBEEF", "60400000 DEADBEEF"],
  ["LD R0, [R1+0]", "02010000"],
  ["ST [R1-8], R2", "03012FF8"],
  ["MOV R0, R4", "04040000"],
  ["LDB R4, [R1+3]", "06410003"],
  ["LDH R5, [R1+1]", "07510001"],
  ["STB [R1+1], R6", "08016001"],
  ["STH [R1+2], R6", "09016002"],
  ["ADD R0, R1, R2", "10012000"],
  ["SUB R0, R1, R2", "11012000"],
  ["MUL R0, R1, R1", "12011000"],
  ["DIV R3, R1, R2", "13312000"],
  ["AND R3, R1, R2", "14312000"],
  ["OR R4, R1, R2", "15412000"],
  ["XOR R5, R1, R2", "16512000"],
  ["NOT R6, R1", "17610000"],
  ["CMP R1, R1", "20011000"],
  ["JMP 0xC", "2100000C"],
  ["JZ 0x10", "22000010"],
  ["JNZ 8", "23000008"],
  ["CALL 3", "24000003"],
  ["CALL -2", "24000FFE"],
  ["CALL R3", "24030000"],
  ["RET", "25000000"],
  ["SVC MOD=1, FN=0", "30000100"],
  ["SVC 0x101", "30000101"],
  ["SVC CAN_TX", "30000200"],
  ["LSL R3, R1, R2", "31312000"],
  ["LSR R4, R1, R2", "32412000"],
  ["ASR R3, R1, R2", "33312000"],
  ["ADC R4, R6, R5", "34465000"],
  ["SBC R4, R5, R2", "35452000"],
  ["PUSH R1", "40010000"],
  ["POP R15", "41F00000"],
  ["FADD R5, R2, R4", "50524000"],
  ["FSUB R4, R1, R2", "51412000"],
  ["FMUL R5, R3, R5", "52535000"],
  ["FDIV R5, R1, R2", "53512000"],
  ["I2F R2, R1", "54210000"],
  ["F2I R0, R5", "55050000"],
  ["BRK 5", "7F000005"]
]

describe("encoding", () => {
  it("writes each instruction as the words that ran on the machine", () => {
    for (const [source, words] of encodings) assert.strictEqual(wordsOf(source).map(hex).join(" "), words, source)
  })

  it("is compared for every mnemonic, with words that were measured where a vector has them", () => {
    const compared = new Set(encodings.map(([source]) => source.split(" ")[0]))
    assert.deepStrictEqual(
      instructions.map(({ mnemonic }) => mnemonic).filter((mnemonic) => !compared.has(mnemonic)),
      []
    )
    const unmeasured = encodings.filter(([, words]) => !words.split(" ").every((word) => measured.has(word)))
    assert.deepStrictEqual(
      unmeasured.map(([source]) => source),
      ["FMUL R5, R3, R5"]
    )
  })

  it("takes registers and mnemonics in any case, numbers in every base, and blanks anywhere", () => {
    assert.deepStrictEqual(wordsOf("LDI R1, 'é'"), [0x0110_00e9])
    const same = ["ldi r1, 65", "LDI R1,0x41", "Ldi  r1 , 0B1000001", "\tLDI R1, 'A' ; a letter", "LDI R1, '\\x41'"]
    for (const source of same) assert.deepStrictEqual(wordsOf(source), [0x0110_0041], source)
    assert.deepStrictEqual(wordsOf("LD R1, [ R2 + 4 ]"), wordsOf("LD R1,[R2+4]"))
    assert.deepStrictEqual(wordsOf("LD R1, [R2]"), wordsOf("LD R1, [R2+0]"))
    assert.deepStrictEqual(wordsOf("LDI R1, ';' ; not a comment"), [0x0110_003b])
  })

  it("takes the name of a system call for its module and function", () => {
    assert.deepStrictEqual(wordsOf("SVC mbx_send"), wordsOf("SVC FN=2, MOD=5"))
    assert.deepStrictEqual(wordsOf("SVC HAL_GPIO_WRITE"), [0x3000_0f51])
  })

  it("takes decimal numbers as halves", () => {
    assert.deepStrictEqual(wordsOf("LDI32 R1, f16(12.5)"), [0x6010_0000, 0x4a40])
    assert.deepStrictEqual(wordsOf("LDI32 R1, F16( -0.25 )"), [0x6010_0000, 0xb400])
    assert.deepStrictEqual(wordsOf("LDI R1, f16(6e-8)"), [0x0110_0001])
    assert.throws(() => wordsOf("LDI32 R1, f16(warm)"), "1:11: f16(warm) is neither a number nor a symbol")
  })

  it("calls a register at a distance in words", () => {
    assert.deepStrictEqual(wordsOf("CALL R3, -1"), [0x2403_0fff])
  })

  it("gives labels their places, also in included and later sections", () => {
    const image = imageOf(
      {
        "main.mvasm": [
          "start: LDI32 R1, second",
          ".data",
          "first: .byte 1",
          ".text",
          "JMP start",
          "CALL twice",
          "LDI R2, off16(second)",
          '.include "twice.mvasm"',
          ".data",
          ".align 4",
          "second: .word first, start, -1",
          ".half lo16(second)",
          ".byte hi16(second), off16(second)"
        ].join("\n")
      },
      { name: "a" },
      { "twice.mvasm": "twice:\n  ADD R0, R0, R0\n  RET" }
    )
    assert.deepStrictEqual(codeWords(image), [
      "60100000",
      "00004004",
      "21000000",
      "24000002",
      "01200004",
      "10000000",
      "25000000"
    ])
    assert.strictEqual(Buffer.from(image.rodata).toString("hex"), "01000000004000000000000" + "0ffffffff04400004")
  })

  it("writes text with its escapes, and bytes, halves and words the low byte first", () => {
    const image = imageOf({
      "a.mvasm": [
        "RET",
        ".data",
        '.ascii "a;b\\n\\x7F\\0\\";" ; text',
        '.asciz "é\\"\\\\"',
        ".byte 'A', \"BC\", -1",
        ".hword 0x1234",
        ".string 'x'"
      ].join("\n")
    })
    assert.strictEqual(
      Buffer.from(image.rodata).toString("hex"),
      "613b620a7f00223b" + "c3a9225c00" + "414243ff" + "3412" + "7800"
    )
  })

  it("aligns data only where it is not aligned, and makes room", () => {
    const image = imageOf({
      "a.mvasm": "RET\n.data\n.align 4\n.byte 1\n.align 4\n.byte 2, 2, 2, 2\n.align 4\n.zero 2\n.byte 3"
    })
    assert.strictEqual(Buffer.from(image.rodata).toString("hex"), "01000000" + "02020202" + "000003")
  })

  it("includes a file as often as it is asked to", () => {
    const image = imageOf({ "a.mvasm": '.include "two"\n.include "two"\nRET' }, { name: "a" }, { two: "LDI R1, 2" })
    assert.deepStrictEqual(codeWords(image), ["01100002", "01100002", "25000000"])
  })

  it("fills up to .org with zero words", () => {
    assert.deepStrictEqual(wordsOf("RET\n.org 12\nRET"), [0x2500_0000, 0, 0, 0x2500_0000])
  })
})
