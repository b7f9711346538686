import { assert, describe, it } from "@effect/vitest"
import { faultsOf } from "./Sources.ts"

const repeat = (line: string, times: number): string => Array.from({ length: times }, () => line).join("\n")

/** A source, and all that is said about it. */
const table: ReadonlyArray<readonly [source: string, ...said: ReadonlyArray<string>]> = [
  ["ADX R1, R2, R3", "1:1: there is no instruction ADX; did you mean ADD?"],
  ["  frobnicate R1", "1:3: there is no instruction frobnicate"],
  ["ADD R1, R2", "1:1: ADD takes 3 operands, not 2; write ADD rd, rs1, rs2"],
  ["RET R1", "1:1: RET takes 0 operands, not 1; write RET"],
  ["MOV R1, R16", "1:9: R16 is not a register, R0 to R15; write MOV rd, rs1"],
  ["ADD R1 R2, R3, R4", "1:5: R1 R2 is not a register, R0 to R15; write ADD rd, rs1, rs2"],
  ["LDI R1, 2048", "1:9: 2048 is not between -2048 and 2047; LDI32 takes any number of 32 bits"],
  ["LDI R1, R2", "1:9: R2 is a register, not a number or a symbol; write LDI rd, number"],
  ["LDI R1, 5x", "1:9: 5x is neither a number nor a symbol; write LDI rd, number"],
  ["LDI R1,", "1:8: nothing is neither a number nor a symbol; write LDI rd, number"],
  ["LDI32 R1, 0x100000000", "1:11: 4294967296 is not between -2147483648 and 4294967295"],
  ["LD R1, R2", "1:8: R2 is not a place in memory, as [R1+4]; write LD rd, [rs1+offset]"],
  ["LD R1, [R2+2048]", "1:8: 2048 is not between -2048 and 2047; add the rest to the register first"],
  ["ST [4], R1", "1:4: 4 is not a register, R0 to R15; write ST [rs1+offset], rs2"],
  [
    "JMP 0x1000",
    "1:5: 0x1000 is beyond 0xFFC, the last address a jump reaches; move it to the start of the code, or reach it with CALL"
  ],
  ["JMP 6", "1:5: 0x6 is not a multiple of 4"],
  ["CALL 2048", "1:6: 2048 is not between -2048 and 2047"],
  ["CALL R0", "1:6: CALL cannot take R0 as its base; use another register"],
  ["a:\nCALL a, 4", "2:9: only CALL of a register takes a distance; write CALL label"],
  ["SVC MBX_SENT", "1:5: there is no system call MBX_SENT; did you mean MBX_SEND?"],
  ["SVC MOD=16, FN=1", "1:5: MOD is 16, and must be a number from 0 to 15; write SVC MOD=m, FN=n"],
  ["SVC MOD=1, FX=1", "1:12: FX=1 is neither MOD=m nor FN=n; write SVC MOD=m, FN=n"],
  ["SVC MOD=1", "1:5: SVC needs MOD and FN; write SVC MOD=m, FN=n"],
  ["SVC 4096", "1:5: the call is 4096, and must be a number from 0 to 4095; write SVC MOD=m, FN=n"],
  ["BRK 256", "1:5: the code is 256, and must be a number from 0 to 255; write BRK number"],
  ["loop:\nJMP lop", "2:5: there is no label lop; did you mean loop?"],
  ["CALL elsewhere", "1:6: there is no label elsewhere; define it, or write .import elsewhere"],
  ["a:\nRET\na:\nRET", "3:1: the label a is there twice; the first is at a.mvasm:1"],
  ["R3:\nRET", "1:1: R3 is a register; call the label something else"],
  ["2nd:\nRET", "1:1: 2nd is no name for a label; letters, digits, _ . and $, no digit first"],
  ["RET\n.data\na: .byte 1\n.text\nJMP a", "5:5: a is data, not code"],
  [
    "RET\n.data\na: .byte 1\n.text\nLDI R1, a",
    "5:9: a is 16384 (0x4000), which is not between -2048 and 2047; LDI32 takes any number of 32 bits"
  ],
  ["a: RET\nLDI R1, off16(a)", "2:9: off16 is for labels in .data, and a is code"],
  ["a: RET\nJMP lo16(a)", "2:5: lo16(a) is no place in the code"],
  [".entry main\nRET", "1:8: there is no label main; define it, or write .import main"],
  ["RET\n.entry 8", "2:8: the program cannot start at 8, behind its code"],
  [".entry 2\nRET", "1:8: a program cannot start at 2; it starts at a multiple of 4"],
  [".entry\nRET\n.entry", "3:1: there are two .entry; the first is at a.mvasm:1"],
  ["RET\n.data\n.entry", "3:1: .entry without a label must stand in the code; write .text before it"],
  [".entry a\nRET\n.data\na: .byte 1", "1:8: the program cannot start at a, which is data"],
  [".export a\nRET", "1:9: a is exported and not defined here"],
  [".import a\na: RET", "1:9: a is imported and defined here; leave out one of the two"],
  [".export 1a\nRET", "1:9: 1a is no name for a label"],
  [".dat\nRET", "1:1: there is no directive .dat; did you mean .data?"],
  [".byte 1\nRET", "1:1: .byte is for data, and this is code; write .data before it"],
  ["RET\n.data\nRET", "3:1: RET is code, and this is data; write .text before it"],
  ["RET\n.data\n.byte 256", "3:7: 256 is not between -128 and 255"],
  ["RET\n.data\n.half 65536", "3:7: 65536 is not between -32768 and 65535"],
  ["RET\n.data\n.byte", "3:1: .byte takes at least one number"],
  ["RET\n.data\n.byte R1", "3:7: R1 is neither a number nor a symbol"],
  ['RET\n.data\n.asciz "abc', "3:8: the string has no closing quote"],
  ['RET\n.data\n.asciz "a\\q"', "3:10: there is no escape \\q"],
  ['RET\n.data\n.asciz "a\\x1"', "3:10: \\x takes two hexadecimal digits"],
  ["RET\n.data\n.asciz abc", "3:8: abc is not a string in quotes"],
  ["RET\n.data\n.align 0", "3:1: .align takes one number from 1 to 65536"],
  ["RET\n.data\n.zero -1", "3:1: .zero takes one number from 0 to 65536"],
  ["RET\n.data\n.org 8", "3:1: .org is for code; .zero makes room in .data"],
  ["RET\nRET\n.org 4", "3:1: .org 4 lies behind: the code is at 0x8 already"],
  ["RET\n.org 6", "2:1: .org takes a multiple of 4 up to 0x10000"],
  ['.include "b.mvasm"\nRET', "1:1: there is no file b.mvasm to include"],
  [".include\nRET", '1:1: .include takes the name of a file; write .include "name"'],
  ["; nothing", "1:1: there is no code; a program has at least RET"],
  ["RET\n.data\n.zero 45057", "1:1: the data is longer than 45056 bytes"],
  ["RET\n.value", "2:1: .value takes an object in JSON, on the same line"],
  ["RET\n.value 5", "2:8: .value takes an object or an array of objects"],
  ['RET\n.value {"group":1}', "2:8: .value needs id or value or value_id"],
  ['RET\n.value {"group":1,"id":256}', "2:19: id is 256, and must be a whole number from 0 to 255"],
  ['RET\n.value {"group":1,"id":2,"nam":"x"}', "2:26: .value has no nam; did you mean name?"],
  [
    'RET\n.value {"group":1,"id":2,"flags":"RO|PERSITS"}',
    "2:26: there is no PERSITS among flags; did you mean PERSIST?"
  ],
  [
    'RET\n.value {"group":1,"id":2,"auth":"ROOT"}',
    "2:26: there is no ROOT among auth; they are PUBLIC, USER, ADMIN, FACTORY"
  ],
  ['RET\n.value {"group":1,"id":2,"init":"hot"}', '2:26: init is "hot", and must be a number'],
  ['RET\n.value {"group":1,"id":2,"max":70000}', "2:26: max is 70000, and values are halves: at most 65504"],
  ['RET\n.value {"group":1,"id":2,"min":5,"max":4}', "2:26: min is above max"],
  ['RET\n.value {"group":1,"group_id":1,"id":2}', "2:19: group and group_id say the same; leave out group_id"],
  [
    'RET\n.value [{"group":1,"id":2},{"group":1,"id":2}]',
    "2:1: the value 1:2 is declared twice; the first is at a.mvasm:2"
  ],
  ['RET\n.cmd {"group":1,"id":2}', '2:6: .cmd needs a handler; name a label of the code, as "handler":"reset"'],
  ['a: RET\n.cmd {"group":1,"id":2,"handler":"b"}', "2:1: there is no label b; define it, or write .import b"],
  ['RET\n.cmd {"group":1,"id":2,"handler":4}', "2:1: the handler 4 lies behind the code"],
  ['RET\n.data\na: .byte 1\n.cmd {"group":1,"id":2,"handler":"a"}', "4:1: a cannot be a handler, as it is data"],
  ['RET\n.mailbox {"capacity":64}', '2:10: .mailbox needs a target; as "target":"app:telemetry"'],
  [
    'RET\n.mailbox {"target":"app:x","mode":"RDRW"}',
    "2:28: the mode must be a number or words joined by |; they are RDONLY, WRONLY, RDWR, TAP, FANOUT, FANOUT_DROP and FANOUT_BLOCK"
  ],
  [
    'RET\n.mailbox {"target":"a"}\n.mailbox {"target":" a "}',
    "3:1: the mailbox a is declared twice; the first is at a.mvasm:2"
  ]
]

describe("faults", () => {
  for (const [source, ...said] of table) {
    it(`says ${said.join(" and ")}`, () => {
      assert.deepStrictEqual(
        faultsOf({ "a.mvasm": source }),
        said.map((line) => `a.mvasm:${line}`)
      )
    })
  }

  it("names the place at which JSON breaks", () => {
    const [fault = "", ...others] = faultsOf({ "a.mvasm": 'RET\n  .value {"group":1 "id":2}' })
    assert.match(fault, /^a\.mvasm:2:21: the JSON of \.value is broken: .*; it must be whole on one line/)
    assert.deepStrictEqual(others, [])
  })

  it("are all named, in the order of the lines, and one does not bring about another", () => {
    const source = [
      "LDX R1, 5",
      "ADD R1, R2",
      "LDI32 R1",
      "here:",
      "JMP there",
      "LDI R1, 9999",
      "JMP here",
      ".dtaa"
    ].join("\n")
    assert.deepStrictEqual(
      faultsOf({ "a.mvasm": source }).map((line) => line.split(": ")[0]),
      ["a.mvasm:1:1", "a.mvasm:2:1", "a.mvasm:3:1", "a.mvasm:5:5", "a.mvasm:6:9", "a.mvasm:8:1"]
    )
  })

  it("are named in every file", () => {
    assert.deepStrictEqual(faultsOf({ "a.mvasm": "LDQ R1, 1", "b.mvasm": "RTE" }), [
      "a.mvasm:1:1: there is no instruction LDQ; did you mean LDI?",
      "b.mvasm:1:1: there is no instruction RTE; did you mean RET?"
    ])
  })

  it("stand at the line of the included file", () => {
    assert.deepStrictEqual(faultsOf({ "a.mvasm": '.include "b"\nRET' }, { b: "RET\nRTE" }), [
      "b:2:1: there is no instruction RTE; did you mean RET?"
    ])
    assert.deepStrictEqual(faultsOf({ "a.mvasm": '.include "b"\nRET' }, { b: '.include "b"' }), [
      "b:1:1: b includes itself; take one of the two out"
    ])
  })

  it("refuse a call one word too far, and let the last one pass, in both directions", () => {
    const forward = (words: number): string => `CALL far\n${repeat("RET", words - 1)}\nfar: RET`
    const backward = (words: number): string => `back: RET\n${repeat("RET", words - 1)}\nCALL back`
    assert.deepStrictEqual(faultsOf({ "a.mvasm": forward(2047) }), [])
    assert.deepStrictEqual(faultsOf({ "a.mvasm": backward(2048) }), [])
    assert.deepStrictEqual(faultsOf({ "a.mvasm": forward(2048) }), [
      "a.mvasm:1:6: far is 2048 words away, and CALL reaches -2048 to 2047; load its address and call that: LDI32 R12, far and CALL R12"
    ])
    assert.match(faultsOf({ "a.mvasm": backward(2049) })[0] ?? "", /^a\.mvasm:2050:6: back is -2049 words away/)
  })

  it("refuse a jump beyond the last address it reaches, also when another file moved it there", () => {
    const jump = (words: number): string => `${repeat("RET", words)}\nfar: JMP far`
    assert.deepStrictEqual(faultsOf({ "a.mvasm": jump(1023) }), [])
    assert.match(
      faultsOf({ "a.mvasm": jump(1024) })[0] ?? "",
      /^a\.mvasm:1025:10: far lies at 0x1000, which is beyond 0xFFC/
    )
    assert.match(
      faultsOf({ "a.mvasm": "RET", "b.mvasm": jump(1023) })[0] ?? "",
      /^b\.mvasm:1024:10: far lies at 0x1000/
    )
  })
})
