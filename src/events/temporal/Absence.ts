/** Something happens, and then something else does not. */
import type { HolonEvent } from "../../protocol/Event.ts"
import { partialsMax, sizes } from "./Bounds.ts"
import type { KeyRecord } from "./Keys.ts"
import type { Operator, Surroundings } from "./Operator.ts"
import { insert } from "./Ordered.ts"
import { asList, asNumber, asNumbers, asText } from "./State.ts"

interface Trigger {
  readonly at: number
  readonly id: string
  readonly carried: Readonly<Record<string, unknown>>
}

/** What is kept of a key. */
export interface Waits {
  /** What has happened and is not answered; in order of time. */
  triggers: Array<Trigger>
  /** When answers came: one whose trigger is still to come, out of order, must be known. In order of time. */
  answers: Array<number>
}

const triggerBit = 1
const absentBit = 2
const nothing = {}

export class Absence implements Operator<Waits> {
  readonly spanMillis: number
  readonly lateMillis = 0

  constructor(withinMillis: number) {
    this.spanMillis = withinMillis
  }

  begin(): Waits {
    return { triggers: [], answers: [] }
  }

  opens(): boolean {
    return true
  }

  take({ state, clock }: KeyRecord<Waits>, event: HolonEvent, hits: number, around: Surroundings<Waits>): void {
    const { at, id } = event
    if ((hits & absentBit) !== 0) {
      const isAnswered = (trigger: Trigger) => trigger.at <= at && at <= trigger.at + this.spanMillis
      if (state.triggers.some(isAnswered)) state.triggers = state.triggers.filter((each) => !isAnswered(each))
      if (at > clock) insert(state.answers, at, (each) => each > at)
      if (state.answers.length > partialsMax) state.answers.shift()
    }
    if ((hits & triggerBit) === 0) return
    if (state.answers.some((answer) => answer > at && answer <= at + this.spanMillis)) return
    insert(state.triggers, { at, id, carried: around.carry?.(event) ?? nothing }, (each) => each.at > at)
    if (state.triggers.length <= partialsMax) return
    state.triggers.shift()
    around.drop(1)
  }

  advance(record: KeyRecord<Waits>, around: Surroundings<Waits>): void {
    const { state, clock } = record
    for (let [first] = state.triggers; first !== undefined; [first] = state.triggers) {
      if (first.at + this.spanMillis >= clock) break
      state.triggers.shift()
      around.tell(record, {
        kind: "match",
        at: first.at + this.spanMillis,
        events: [first.id],
        values: first.carried
      })
    }
    while ((state.answers[0] ?? Number.POSITIVE_INFINITY) <= clock) state.answers.shift()
  }

  due({ triggers, answers }: Waits): number {
    // An answer at the very end of the time still counts, so it must be over.
    const first = triggers[0]
    return first === undefined ? (answers.at(-1) ?? Number.POSITIVE_INFINITY) : first.at + this.spanMillis + 1
  }

  isIdle({ triggers, answers }: Waits): boolean {
    return triggers.length === 0 && answers.length === 0
  }

  bytes({ triggers }: Waits): number {
    return triggers.length * sizes.partial
  }

  encode({ triggers, answers }: Waits): unknown {
    return [triggers.map(({ at, id, carried }) => [at, id, carried]), answers]
  }

  decode(value: unknown): Waits {
    const [triggers, answers] = asList(value)
    return {
      triggers: asList(triggers).map((each) => {
        const [at, id, carried] = asList(each)
        const isKnown = typeof carried === "object" && carried !== null
        return { at: asNumber(at), id: asText(id), carried: isKnown ? { ...carried } : nothing }
      }),
      answers: [...asNumbers(answers)]
    }
  }
}
