import { assert, describe, it } from "@effect/vitest"
import { Code } from "../../../../devices/hxe/machine/Code.ts"
import { flags, Machine } from "../../../../devices/hxe/machine/Machine.ts"
import type { Services } from "../../../../devices/hxe/machine/Services.ts"
import { rodataAddress } from "../../../../src/protocol/hxe/Hxe.ts"
import { codeOf, wordsOf } from "./Assemble.ts"
import { vectors } from "./Vectors.ts"

/** The few services that the vectors call, with what they write. */
const consoleServices = (output: Array<string>): Services => ({
  call: (module, fn, machine) => {
    const bytesAt = (pointer: number, length: number): Buffer =>
      Buffer.from(machine.memory.subarray(pointer & 0xffff, (pointer & 0xffff) + length))
    switch (`${module}/${fn}`) {
      case "0/0":
        machine.setRegister(0, machine.steps)
        return "done"
      case "1/0":
        output.push(`[EXIT ${machine.register(0)}]`)
        return "exit"
      case "1/1": {
        const length = machine.register(2) & 0xffff
        output.push(`[UART.tx] ${bytesAt(machine.register(1), length).toString("utf8")}`)
        machine.setRegister(0, length)
        return "done"
      }
      case "2/0": {
        const id = (machine.register(1) & 0x7ff).toString(16).padStart(3, "0")
        output.push(
          `[CAN.tx] id=0x${id} data=${bytesAt(machine.register(2), machine.register(3) & 0xff).toString("hex")}`
        )
        machine.setRegister(0, 0)
        return "done"
      }
      default:
        return "unknown"
    }
  }
})

const flagLetters = { Z: flags.zero, C: flags.carry, N: flags.negative, V: flags.overflow }

describe("a program", () => {
  for (const [index, vector] of vectors.entries())
    it(`ends as measured, ${index + 1}: ${vector.what}`, () => {
      const machine = new Machine({ code: new Code(codeOf(wordsOf(vector.words))) })
      machine.memory.set(Buffer.from(vector.rodata ?? "", "hex"), rodataAddress)
      const output: Array<string> = []
      const stop = machine.run(1000, consoleServices(output))

      assert.strictEqual(stop.kind, vector.stop ?? "returned")
      if (stop.kind === "returned" || stop.kind === "exited") assert.strictEqual(stop.status, machine.register(0))
      for (const [name, digits] of Object.entries(vector.registers))
        assert.strictEqual(
          machine
            .register(Number(name.slice(1)))
            .toString(16)
            .toUpperCase(),
          digits,
          name
        )
      if (vector.flags !== undefined) {
        const set = Object.entries(flagLetters).filter(([, bit]) => (machine.psw & bit) !== 0)
        assert.strictEqual(set.map(([letter]) => letter).join(""), vector.flags)
      }
      if (vector.steps !== undefined) assert.strictEqual(machine.steps, vector.steps)
      if (vector.pc !== undefined) assert.strictEqual(machine.pc, vector.pc)
      if (vector.sp !== undefined) assert.strictEqual(machine.sp, vector.sp)
      assert.strictEqual(output.join("\n"), vector.output ?? "")
    })

  it("is one of 48", () => {
    assert.strictEqual(vectors.length, 48)
  })
})
