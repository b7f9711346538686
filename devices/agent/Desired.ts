/** Desired values on a board: applied field by field, reported, and only then acknowledged. */
import type { Desired } from "../../src/protocol/frame/TwinFrames.ts"
import type { TwinPatch, TwinPatchValue } from "../../src/protocol/TwinValue.ts"
import type { Application } from "./Application.ts"
import type { Letter } from "./Letter.ts"
import { isMap } from "./ReportPatch.ts"

/** What the desired values get from their agent. */
export interface DesiredPorts {
  readonly apply: Application["applyDesired"]
  readonly push: (letter: Letter) => void
  /** Milliseconds since boot. */
  readonly now: () => number
}

/** The desired version of one board. */
export class DesiredVersion {
  readonly #ports: DesiredPorts
  #applied = 0
  /** Version under way or last applied, and what of it was refused. */
  #version = 0
  #refused: Record<string, number> = {}

  constructor(ports: DesiredPorts) {
    this.#ports = ports
  }

  /** Version last applied whole in this boot. */
  get applied(): number {
    return this.#applied
  }

  /**
   * A delta arrived. An equal version is applied again: it is a further part, or a repeat because the values diverged.
   * A lower one is an old copy: acknowledged, so that nobody waits for it, and not applied.
   */
  receive(frame: Desired): void {
    const more = frame.more === true
    if (frame.version < this.#applied) {
      if (!more) this.#ports.push({ type: "desired-ack", version: frame.version })
      return
    }
    if (frame.version !== this.#version) this.#refused = {}
    this.#version = frame.version
    const { reported, refused } = this.#ports.apply(frame.state)
    for (const pointer of Object.keys(this.#refused)) if (holds(frame.state, pointer)) delete this.#refused[pointer]
    Object.assign(this.#refused, refused)
    if (reported !== undefined && Object.keys(reported).length > 0) {
      this.#ports.push({ type: "report", at: Math.floor(this.#ports.now()), state: reported })
    }
    if (more) return
    this.#applied = frame.version
    const none = Object.keys(this.#refused).length === 0
    this.#ports.push({
      type: "desired-ack",
      version: frame.version,
      ...(none ? {} : { refused: { ...this.#refused } })
    })
  }
}

/** Whether the patch says something at this JSON pointer (RFC 6901), or below it. */
const holds = (patch: TwinPatch, pointer: string): boolean => {
  let at: TwinPatchValue = patch
  for (const token of pointer.split("/").slice(1)) {
    if (!isMap(at)) return false
    const next: TwinPatchValue | undefined = at[token.replaceAll("~1", "/").replaceAll("~0", "~")]
    if (next === undefined) return false
    at = next
  }
  return true
}
