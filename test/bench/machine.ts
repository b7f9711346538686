/** Instructions of the virtual machine a second, against the same program as plain JavaScript. */
import { Result } from "effect"
import { build } from "../../devices/hxe/assembler/Build.ts"
import { Code } from "../../devices/hxe/machine/Code.ts"
import { Machine } from "../../devices/hxe/machine/Machine.ts"
import { firstStackTop, registerWindowsAddress } from "../../devices/hxe/machine/MemoryMap.ts"
import { noServices } from "../../devices/hxe/machine/Services.ts"
import { stackBytesDefault } from "../../src/protocol/hxe/Hxe.ts"
import { readHxe } from "../../src/protocol/hxe/HxeReader.ts"
import { type BenchOptions, compare, figure } from "./Rounds.ts"

/** Millions of instructions a second: room for thirty boards in a process, each busy for a million a second. */
const goal = 30
const limit = 8190
/** How often a round looks for the primes below `limit`. */
const sieves = 40

/** The sieve of Eratosthenes with a call for every prime: memory, arithmetic, flags, jumps, stack and calls. R0 counts primes. */
const source = `
.text
.entry start
start:
  LDI R0, 0
  LDI R2, 1
  LDI32 R3, ${limit}
  LDI32 R4, 0x4000
  LDI R6, 0
clear:
  ADD R7, R4, R6
  STB [R7+0], R2
  ADD R6, R6, R2
  CMP R6, R3
  JNZ clear
  LDI R6, 2
candidate:
  ADD R7, R4, R6
  LDB R8, [R7+0]
  CMP R8, R5
  JZ next
  PUSH R6
  CALL found
  POP R6
  ADD R9, R6, R6
; The carry of the comparison says that the multiple is not above the limit.
multiple:
  CMP R3, R9
  ADC R10, R5, R5
  JZ next
  ADD R7, R4, R9
  STB [R7+0], R5
  ADD R9, R9, R6
  JMP multiple
next:
  ADD R6, R6, R2
  CMP R6, R3
  JNZ candidate
  RET
found:
  ADD R0, R0, R2
  RET
`

const sieve = (): number => {
  const isPrime = new Uint8Array(limit + 1).fill(1)
  let found = 0
  for (let candidate = 2; candidate < limit; candidate++) {
    if (isPrime[candidate] === 0) continue
    found += 1
    for (let multiple = 2 * candidate; multiple <= limit; multiple += candidate) isPrime[multiple] = 0
  }
  return found
}

/** A program's code, as a board would have it. */
const assembled = (): Code => {
  const image = Result.getOrThrow(build([{ file: "sieve.mvasm", text: source }], () => undefined, { name: "sieve" }))
  return new Code(Result.getOrThrow(readHxe(image)).code)
}

/** Runs the program to its end, `budget` instructions a turn. */
const execute = (code: Code, budget: number): { readonly found: number; readonly steps: number } => {
  const machine = new Machine({
    code,
    registerBase: registerWindowsAddress,
    stackTop: firstStackTop,
    stackLimit: firstStackTop - stackBytesDefault
  })
  let stop = machine.run(budget, noServices)
  while (stop.kind === "budget") stop = machine.run(budget, noServices)
  if (stop.kind !== "returned") throw new Error(`the sieve ended with ${stop.kind}`)
  return { found: stop.status, steps: machine.steps }
}

export const machine = async ({ isQuick }: BenchOptions): Promise<void> => {
  const code = assembled()
  const { found: expected, steps } = execute(code, 1_000_000)
  /** Millions of the machine's instructions a second, whoever does their work. */
  const rate = (find: () => number) => async (): Promise<number> => {
    const start = performance.now()
    for (let round = 0; round < sieves; round++) {
      const found = find()
      if (found !== expected) throw new Error(`${found} primes instead of ${expected}`)
    }
    return (sieves * steps) / (performance.now() - start) / 1000
  }
  const long: Array<number> = []
  const longRate = rate(() => execute(code, 1_000_000).found)
  const variants = [
    { name: "plain JavaScript", unit: "M/s", run: rate(sieve) },
    {
      name: "the machine",
      unit: "M/s",
      run: async () => {
        const value = await longRate()
        long.push(value)
        return value
      }
    },
    { name: "the machine, 100 instructions a turn", unit: "M/s", run: rate(() => execute(code, 100).found) },
    { name: "the machine, one instruction a turn", unit: "M/s", run: rate(() => execute(code, 1).found) }
  ]
  // The first rounds belong to the compiler.
  for (const { run } of variants) await run()
  long.length = 0
  await compare(`the virtual machine: ${steps} instructions find ${expected} primes`, variants, isQuick ? 3 : 9)
  figure("instructions of one machine", "M/s", long, { atLeast: goal })
}
