/** Random starts for machines, full of the numbers at which something changes. */

import { opcodes } from "../../../../devices/hxe/machine/Opcodes.ts"
import { seeded } from "../../../../devices/simulated/Seeded.ts"
import type { CallMode } from "../../../../src/protocol/hxe/CallMode.ts"
import { codeOf } from "./Assemble.ts"
import type { Answer, Start } from "./NaiveMachine.ts"

const edges = [
  0, 1, 2, 3, 4, 31, 32, 33, 0x7ff, 0x1000, 0x1004, 0x3fff, 0x8000, 0x7fff, 0xfff8, 0xfffc, 0xfffd, 0xfffe, 0xffff,
  0x1_0000, 0x7fff_fffe, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_fffe, 0xffff_ffff, 0xffff_f800
]
/** Zeros, subnormals, ones, the largest, infinities and no number, of both signs. */
const halves = [
  0, 0x8000, 1, 0x8001, 0x3ff, 0x83ff, 0x400, 0x8400, 0x3bff, 0x3c00, 0xbc00, 0x3c01, 0x7bff, 0xfbff, 0x7c00, 0xfc00,
  0x7e00, 0x7c01
]
const stackPointers = [
  0, 1, 3, 4, 5, 8, 0x1010, 0x8000, 0x8001, 0xfff9, 0xfffc, 0xfffd, 0xffff, 0x1_0000, 0x1_0002, 0x1_0004, 0x8000_0000,
  0xffff_fffc
]
const registerBases = [0, 0, 0x1000, 0x1040, 0x8003, 0xffc0]
const known = Object.values(opcodes)
const depthChanging: ReadonlyArray<number> = [opcodes.RET, opcodes.BRK, opcodes.DIV, opcodes.SVC]

/** Chance from one seed. */
export class Chance {
  private readonly random: () => number

  constructor(seed: number, name: string) {
    this.random = seeded(seed, name)
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit)
  }

  of<A>(choices: ReadonlyArray<A>): A {
    const chosen = choices[this.below(choices.length)]
    if (chosen === undefined) throw new Error("nothing to choose from")
    return chosen
  }

  /** A register's content: an edge, a half beside a random upper part, or any word. */
  content(): number {
    const kind = this.below(4)
    if (kind === 0) return this.of(edges)
    if (kind === 1) return (this.below(0x1_0000) * 0x1_0000 + this.of(halves)) >>> 0
    if (kind === 2) return this.below(0x1_0000) * 0x1_0000 + this.below(0x1_0000)
    return (this.of(edges) + this.below(16) - 8) >>> 0
  }

  memory(): Uint8Array {
    const memory = new Uint8Array(65536)
    for (let index = 0; index < 65536; index += 1 + this.below(512)) memory[index] = this.below(256)
    for (const start of [0, 0xff00]) for (let index = 0; index < 256; index++) memory[start + index] = this.below(256)
    return memory
  }

  /** One instruction with this opcode, anywhere in its code and in any state. */
  instruction(opcode: number, memory: Uint8Array): Start {
    const count = 1 + this.below(4)
    const words = Array.from({ length: count }, () => this.content())
    const at = this.below(count)
    words[at] = opcode * 2 ** 24 + this.below(2 ** 24)
    return {
      code: codeOf(words),
      callMode: this.mode(),
      pc: 4 * at,
      sp: this.of(stackPointers),
      psw: this.below(16),
      callDepth: this.below(2),
      stackLimit: this.of([0, 0, 4, 0x1010, 0x7fff]),
      registerBase: this.of(registerBases),
      registers: Array.from({ length: 16 }, () => this.content()),
      memory
    }
  }

  /** A program whose jumps and calls mostly stay inside it. */
  program(memory: Uint8Array): Start {
    const count = 8 + this.below(56)
    const callMode = this.mode()
    const words = Array.from({ length: count }, (_, at) => this.programWord(at, count, callMode))
    return {
      code: codeOf(words),
      callMode,
      pc: 0,
      sp: this.of([0x8000, 0xfffc]),
      psw: this.below(16),
      callDepth: 0,
      stackLimit: this.of([0, 0x7f00]),
      registerBase: this.of(registerBases),
      registers: Array.from({ length: 16 }, () => this.content()),
      memory
    }
  }

  private mode(): CallMode {
    return this.of(["relative", "absolute"] as const)
  }

  private programWord(at: number, count: number, callMode: CallMode): number {
    // Words that may end the program are rare, or hardly any would get far.
    let opcode: number = this.of(known)
    if (depthChanging.includes(opcode) && this.below(3) !== 0) opcode = opcodes.ADD
    const registers = this.below(0x1000) * 0x1000
    const target = this.below(count)
    const isJump = opcode === opcodes.JMP || opcode === opcodes.JZ || opcode === opcodes.JNZ
    const shift = this.below(40) === 0 ? 2 : 0
    if (isJump) return opcode * 2 ** 24 + registers + 4 * target + shift
    if (opcode === opcodes.CALL) {
      const immediate = callMode === "absolute" ? 4 * target + shift : (target - at) & 0xfff
      return opcode * 2 ** 24 + (registers & 0xf0f000) + immediate
    }
    return opcode * 2 ** 24 + registers + this.below(0x1000)
  }
}

/** Services that answer by their numbers and what they see, so that both machines get the same answers. */
export const answer: Answer = (module, fn, caller) => {
  if (module === 0) {
    caller.setRegister(0, caller.steps)
    return "done"
  }
  if (module === 1 && fn < 8) return "exit"
  if (module === 2) return "waiting"
  if (module < 10) {
    const address = caller.register(1) & 0xffff
    caller.memory[address] = caller.register(2) & 255
    caller.setRegister(fn & 15, caller.register(3) + fn)
    return "done"
  }
  return "unknown"
}
