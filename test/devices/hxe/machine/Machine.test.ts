import { assert, describe, it } from "@effect/vitest"
import { opcodes } from "../../../../devices/hxe/machine/Opcodes.ts"
import { answer, Chance } from "./Chance.ts"
import { assertAlike, machineAt, runTwins, seenOf } from "./Twins.ts"

const firstSeed = 1
const casesPerOpcode = 800
const programs = 400
const stepsMax = 2000

describe("every instruction, in any state, does what its naive twin does", () => {
  for (const [mnemonic, opcode] of Object.entries(opcodes))
    it(mnemonic, () => {
      const chance = new Chance(firstSeed, mnemonic)
      const memory = chance.memory()
      for (let index = 0; index < casesPerOpcode; index++)
        runTwins(chance.instruction(opcode, memory), 1, answer, `${mnemonic}, seed ${firstSeed}, case ${index}`)
    })
})

describe("a word that is no instruction", () => {
  it("is a fault that changes nothing, whatever its first byte", () => {
    const known: ReadonlyArray<number> = Object.values(opcodes)
    const chance = new Chance(firstSeed, "illegal")
    const memory = chance.memory()
    let illegal = 0
    for (let opcode = 0; opcode < 256; opcode++) {
      if (known.includes(opcode)) continue
      illegal += 1
      const start = chance.instruction(opcode, memory)
      const before = machineAt(start)
      const after = runTwins(start, 1, answer, `opcode ${opcode}`)
      assertAlike(after, before, `opcode ${opcode}`)
    }
    assert.strictEqual(illegal, 256 - 38)
  })
})

describe("a random program", () => {
  it("leaves what its naive twin leaves", () => {
    let retired = 0
    const kinds = new Set<string>()
    for (let seed = firstSeed; seed < firstSeed + programs; seed++) {
      const chance = new Chance(seed, "program")
      const start = chance.program(chance.memory())
      const machine = runTwins(start, stepsMax, answer, `seed ${seed}`)
      retired += machine.steps
      kinds.add(machine.run(1, { call: answer }).kind)
    }
    // Programs that all ended at once, or all alike, would prove little.
    assert.isAbove(retired, 20 * programs)
    assert.isAtLeast(kinds.size, 4)
  })

  it("leaves the same whatever budgets it runs in", () => {
    for (let seed = firstSeed; seed < firstSeed + programs; seed++) {
      const chance = new Chance(seed, "program")
      const start = chance.program(chance.memory())
      const whole = machineAt(start)
      const wholeStop = whole.run(stepsMax, { call: answer })
      const parted = machineAt(start)
      let partedStop = parted.run(0, { call: answer })
      while (partedStop.kind === "budget" && parted.steps < stepsMax) {
        const budget = Math.min(1 + chance.below(chance.of([1, 7, 300])), stepsMax - parted.steps)
        const before = parted.steps
        partedStop = parted.run(budget, { call: answer })
        if (partedStop.kind === "budget") assert.strictEqual(parted.steps, before + budget)
      }
      assert.deepStrictEqual(partedStop, wholeStop, `seed ${seed}`)
      assertAlike(parted, whole, `seed ${seed}`)
    }
  })

  it("stands at every step where it would stand alone", () => {
    const chance = new Chance(firstSeed, "prefix")
    const start = chance.program(chance.memory())
    const stepwise = machineAt(start)
    for (let steps = 0; steps < 200; steps++) {
      const fresh = machineAt(start)
      const stop = fresh.run(steps, { call: answer })
      if (stop.kind !== "budget") break
      assert.deepStrictEqual(seenOf(stepwise), seenOf(fresh), `after ${steps}`)
      stepwise.run(1, { call: answer })
    }
    assert.isAbove(stepwise.steps, 10)
  })
})
