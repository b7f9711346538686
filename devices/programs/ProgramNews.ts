/** What a board tells of its programs by itself: where they stand, several at once, and what they print, line by line. */
import { codeEntry } from "../../src/protocol/Codes.ts"
import { levels } from "../../src/protocol/frame/CommandFrames.ts"
import type { ProgramEntry } from "../../src/protocol/frame/ProgramFrames.ts"
import type { Clock } from "../agent/Clock.ts"
import type { ProgramVoice } from "../agent/Programs.ts"
import type { Refused } from "../Refused.ts"
import { Lines } from "./Lines.ts"
import type { Program } from "./Program.ts"
import type { ProgramSet } from "./ProgramSet.ts"
import { programStates } from "./Runtime.ts"

/** States of programs are told together when they change within this long, ms. */
const togetherMillis = 20

/** What the news get from their board. */
export interface ProgramNewsPorts {
  readonly clock: Clock
  readonly voice: ProgramVoice
  readonly programs: ProgramSet
}

/** The news of one boot. */
export class ProgramNews {
  readonly #ports: ProgramNewsPorts
  /** Output of each program by its stream. */
  readonly #lines = new Map<string, Lines>()
  /** Names of programs that stand elsewhere than was told. */
  readonly #changed = new Set<string>()
  #cancelTelling: (() => void) | undefined

  constructor(ports: ProgramNewsPorts) {
    this.#ports = ports
  }

  /** A program printed something. */
  printed({ name }: Program, stream: "out" | "error", bytes: Uint8Array): void {
    const key = `${stream} ${name}`
    let lines = this.#lines.get(key)
    if (lines === undefined) {
      const { clock, voice } = this.#ports
      const level = stream === "out" ? 2 : 1
      lines = new Lines(clock.board, (text) => voice.log(level, text, name))
      this.#lines.set(key, lines)
    }
    lines.push(bytes)
  }

  /** A program stands elsewhere; told soon, as it stands then. */
  changed({ isRunning, name }: Program): void {
    if (!isRunning) for (const stream of ["out", "error"]) this.#lines.get(`${stream} ${name}`)?.end()
    this.#changed.add(name)
    const { clock, programs } = this.#ports
    this.#cancelTelling ??= clock.schedule(togetherMillis, () => {
      this.#cancelTelling = undefined
      const entries = [...this.#changed].flatMap((each) => programs.get(each)?.entry ?? [])
      this.#changed.clear()
      if (entries.length > 0) this.#tell(entries)
    })
  }

  /** How a program stands at this moment, before it stands otherwise. */
  standsNow({ entry }: Program): void {
    this.#tell([entry])
  }

  /** A program is no longer on the board. */
  gone(name: string): void {
    this.#changed.delete(name)
    for (const stream of ["out", "error"]) this.#lines.delete(`${stream} ${name}`)
    this.#tell([{ name, state: programStates.absent }])
  }

  /** An image that was offered is refused, in the words of the board's own provisioning service. */
  declined(xfer: number, { code, detail }: Refused): void {
    const { clock, voice } = this.#ports
    voice.letter({
      type: "event",
      name: "provisioning.error",
      level: levels.indexOf("warn"),
      data: { xfer, where: "begin", code: codeEntry(code).name, errno: code, detail },
      at: Math.floor(clock.board())
    })
  }

  /** The board stops: nothing is told any more. */
  stop(): void {
    this.#cancelTelling?.()
  }

  #tell(programs: ReadonlyArray<ProgramEntry>): void {
    const { clock, voice } = this.#ports
    voice.letter({ type: "program-status", programs, at: Math.floor(clock.board()) })
  }
}
