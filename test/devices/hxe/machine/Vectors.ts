/** Programs whose outcome was measured on the reference machine, and what becomes of those the reference leaves hanging. */

/** A program and what it leaves. Registers not named are not judged; flags, steps and counter only where given. */
export interface Vector {
  readonly what: string
  readonly words: string
  /** Hexadecimal. */
  readonly registers: Readonly<Record<string, string>>
  /** The flags that are set, out of Z C N V. */
  readonly flags?: string
  readonly steps?: number
  readonly pc?: number
  readonly sp?: number
  readonly rodata?: string
  readonly stop?: "returned" | "exited" | "fault" | "break"
  /** What its services wrote. */
  readonly output?: string
}

export const vectors: ReadonlyArray<Vector> = [
  {
    what: "immediates are sign-extended",
    words: "01100FFF 012007FF 01300800 25000000",
    registers: { R1: "FFFFFFFF", R2: "7FF", R3: "FFFFF800" },
    steps: 3
  },
  {
    what: "a long load takes two words and counts once",
    words: "60400000 DEADBEEF 04040000 25000000",
    registers: { R0: "DEADBEEF", R4: "DEADBEEF" },
    steps: 2,
    pc: 0xc
  },
  {
    what: "a sum overflows",
    words: "60100000 7FFFFFFF 01200001 10012000 25000000",
    registers: { R0: "80000000" },
    flags: "NV",
    steps: 3
  },
  { what: "a sum carries to zero", words: "01100FFF 01200001 10012000 25000000", registers: { R0: "0" }, flags: "ZC" },
  {
    what: "a difference borrows",
    words: "01100003 01200005 11012000 25000000",
    registers: { R0: "FFFFFFFE" },
    flags: "N"
  },
  {
    what: "a difference overflows",
    words: "60100000 80000000 01200001 11012000 25000000",
    registers: { R0: "7FFFFFFF" },
    flags: "CV"
  },
  {
    what: "a product leaves 32 bits",
    words: "60100000 00010000 12011000 25000000",
    registers: { R0: "0" },
    flags: "ZCV"
  },
  {
    what: "a negative product counts as unsigned",
    words: "01100FFE 01200003 12012000 25000000",
    registers: { R0: "FFFFFFFA" },
    flags: "CNV"
  },
  {
    what: "a quotient is cut toward zero",
    words: "01100FF9 01200002 13012000 25000000",
    registers: { R0: "FFFFFFFD" },
    flags: "N"
  },
  {
    what: "the lowest number divided by minus one stays",
    words: "60100000 80000000 01200FFF 13012000 25000000",
    registers: { R0: "80000000" },
    flags: "N"
  },
  {
    what: "a zero divisor is a fault",
    words: "01100009 01200000 13312000 25000000",
    registers: { R0: "FFFFFF05" },
    steps: 2,
    pc: 8,
    stop: "fault"
  },
  {
    what: "bits are combined",
    words: "011000FF 0120000F 14312000 15412000 16512000 17610000 25000000",
    registers: { R3: "F", R4: "FF", R5: "F0", R6: "FFFFFF00" },
    flags: "N",
    steps: 6
  },
  {
    what: "bits are shifted out",
    words: "01100001 0120001F 31312000 01400001 31534000 25000000",
    registers: { R3: "80000000", R5: "0" },
    flags: "ZC",
    steps: 5
  },
  {
    what: "a shift by 32 is a shift by 0 and keeps the carry",
    words: "01100FFF 01200001 10012000 01200020 31312000 25000000",
    registers: { R3: "FFFFFFFF" },
    flags: "CN"
  },
  {
    what: "a right shift keeps the sign or not",
    words: "01100FF8 01200001 33312000 32412000 25000000",
    registers: { R3: "FFFFFFFC", R4: "7FFFFFFC" },
    flags: ""
  },
  {
    what: "a sum takes the carry in",
    words: "01100FFF 01200001 10312000 34422000 25000000",
    registers: { R4: "3" },
    flags: ""
  },
  {
    what: "the carry wraps the second addend and hides the overflow",
    words: "01100FFF 01200001 10312000 60500000 7FFFFFFF 01600000 34465000 25000000",
    registers: { R4: "80000000" },
    flags: "N"
  },
  {
    what: "the same sum with the addends swapped shows the overflow",
    words: "01100FFF 01200001 10312000 60500000 7FFFFFFF 01600000 34456000 25000000",
    registers: { R4: "80000000" },
    flags: "NV"
  },
  {
    what: "a difference takes the borrow in",
    words: "01100000 01200001 11312000 01500005 35452000 25000000",
    registers: { R3: "FFFFFFFF", R4: "3" },
    flags: "C"
  },
  {
    what: "a jump on zero is taken",
    words: "01100005 20011000 22000010 01000001 01200002 25000000",
    registers: { R0: "0", R1: "5", R2: "2" },
    flags: "ZC",
    steps: 4
  },
  {
    what: "a loop counts down",
    words: "01100003 01200001 10001000 11112000 23000008 25000000",
    registers: { R0: "6" },
    flags: "ZC",
    steps: 11
  },
  {
    what: "a call goes three words ahead",
    words: "01100014 24000003 04020000 25000000 10211000 25000000",
    registers: { R0: "28", R1: "14", R2: "28", R15: "8000" },
    steps: 5
  },
  {
    what: "a call goes two words back",
    words: "2100000C 01000004 25000000 24000FFE 25000000",
    registers: { R0: "4", R15: "8000" },
    steps: 4,
    pc: 0x10
  },
  {
    what: "a call goes where a register points",
    words: "0130000C 24030000 25000000 01000008 25000000",
    registers: { R0: "8", R3: "C", R15: "8000" },
    steps: 4,
    pc: 8
  },
  {
    what: "memory is little-endian",
    words:
      "01100200 60200000 11223344 03012000 06310000 06410003 07510001 01600FFF 08016001 09016002 02010000 25000000",
    registers: { R0: "FFFFFF44", R3: "44", R4: "11", R5: "2233" },
    steps: 10
  },
  {
    what: "an offset may be negative",
    words: "01100208 0120004D 03012FF8 01300200 02030000 25000000",
    registers: { R0: "4D" }
  },
  {
    what: "bytes and halves are zero-extended",
    words: "01100200 01200FFF 08012000 06010000 07310000 25000000",
    registers: { R0: "FF", R3: "FF" }
  },
  {
    what: "the stack gives back what came last",
    words: "0110000B 01200016 40010000 40020000 41300000 41400000 25000000",
    registers: { R3: "16", R4: "B", R15: "8000" },
    steps: 6
  },
  {
    what: "R15 mirrors the stack pointer",
    words: "0110000B 40010000 047F0000 400F0000 41200000 41300000 25000000",
    registers: { R2: "7FFC", R3: "B", R7: "7FFC", R15: "8000" }
  },
  {
    what: "a value popped to R15 stays there",
    words: "0110000B 40010000 41F00000 25000000",
    registers: { R15: "B" },
    sp: 0x8000
  },
  {
    what: "a word may not cross the end of memory",
    words: "60100000 0000FFFE 02210000 25000000",
    registers: { R0: "FFFFFF04" },
    steps: 1,
    pc: 8,
    stop: "fault"
  },
  {
    what: "addresses wrap to 16 bits",
    words: "60100000 00010200 01200005 03012000 01300200 02030000 25000000",
    registers: { R0: "5" }
  },
  {
    what: "integers become floats and floats integers",
    words: "0110002A 54210000 01300FF9 54430000 50524000 55050000 25000000",
    registers: { R0: "23", R2: "5140", R4: "C700", R5: "5060" }
  },
  {
    what: "floats are multiplied, subtracted and divided",
    words: "60100000 00003E00 60200000 00004080 52312000 51412000 53512000 25000000",
    registers: { R3: "42C0", R4: "BA00", R5: "3955" },
    steps: 5
  },
  {
    what: "a float leaves the upper half alone",
    words: "60300000 ABCD0000 60100000 12343C00 50311000 25000000",
    registers: { R3: "ABCD4000" }
  },
  {
    what: "a float divided by zero is a zero with its sign",
    words: "60100000 00003C00 01200000 53312000 60400000 0000BC00 53542000 25000000",
    registers: { R3: "0", R5: "8000" }
  },
  {
    what: "floats reach infinity and no number",
    words: "60100000 00007BFF 50211000 60300000 0000FC00 50423000 25000000",
    registers: { R2: "7C00", R4: "7E00" }
  },
  {
    what: "a float is cut to an integer",
    words: "60100000 0000C1C0 55010000 25000000",
    registers: { R0: "FFFFFFFE" }
  },
  {
    what: "a large integer rounds to even or to infinity",
    words: "60100000 00011170 54210000 013007FF 01400002 10334000 54530000 01600004 10336000 54830000 25000000",
    registers: { R2: "7C00", R5: "6800", R8: "6802" },
    steps: 9
  },
  {
    what: "a subnormal is not rounded up into the exponent",
    words: "60100000 00000400 60200000 00003BFF 52312000 60400000 00000001 50544000 25000000",
    registers: { R3: "3FF", R5: "2" }
  },
  {
    what: "a program exits with a status",
    words: "01000007 30000100 25000000",
    registers: { R0: "7" },
    steps: 2,
    pc: 8,
    stop: "exited",
    output: "[EXIT 7]"
  },
  { what: "a program learns its steps", words: "01100001 30000000 25000000", registers: { R0: "1" } },
  { what: "an unknown call leaves a word in R0", words: "30000309 25000000", registers: { R0: "FFFFFF01" } },
  {
    what: "a breakpoint stops behind itself",
    words: "01000001 7F000005 01000002 25000000",
    registers: { R0: "1" },
    steps: 2,
    pc: 8,
    stop: "break"
  },
  {
    what: "a program writes to the console",
    words: "60100000 00004000 01200005 30000101 25000000",
    rodata: "68656C6C6F",
    registers: { R0: "5" },
    output: "[UART.tx] hello"
  },
  {
    what: "a program sends on the bus",
    words: "60200000 00004000 01100123 01300003 30000200 25000000",
    rodata: "010203",
    registers: { R0: "0" },
    output: "[CAN.tx] id=0x123 data=010203"
  },
  {
    what: "a jump goes to a byte address",
    words: "21000008 25000000 01000009 21000004",
    registers: { R0: "9" },
    steps: 3,
    pc: 4
  },
  {
    what: "an illegal word is not executed",
    words: "01000001 FF000000 25000000",
    registers: { R0: "1" },
    steps: 1,
    pc: 4,
    stop: "fault"
  }
]
