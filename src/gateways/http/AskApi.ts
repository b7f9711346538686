/** Words that people ask in: what they mean, and what would be done about it or what the answer is. Nothing is done here. */
import { Effect, Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Engine } from "../../actors/Engine.ts"
import type { Asker } from "../../protocol/Asker.ts"
import { HolonError, Malformed } from "../../protocol/Errors.ts"
import { capabilities, rightOf } from "../../protocol/intent/Capabilities.ts"
import { Intent, Unclear } from "../../protocol/intent/Intent.ts"
import { intentInWords } from "../../protocol/intent/InWords.ts"
import { Plan } from "../../protocol/intent/Plan.ts"
import { Asking } from "../../systems/operations/asking/Asking.ts"
import { Authorization } from "./Authorization.ts"
import { CurrentAsker } from "./Gatekeeper.ts"
import { demand, Needs } from "./Needs.ts"

/** A longer text than an utterance can be is answered with a question back; this bounds what is read at all, in characters. */
const textMax = 4096

/** What is asked. */
export const askFields = {
  text: Schema.String.check(Schema.isMaxLength(textMax)),
  /** The number of the reading that is meant, from 1, where the text can be read in several ways. */
  choose: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }))),
  /** The text is to mean that reading from now on. */
  remember: Schema.optionalKey(Schema.Boolean)
}
const Ask = Schema.Struct(askFields)
type Ask = typeof Ask.Type

/** A question back, with the readings in words; or what is meant, and the plan. */
export const AskView = Schema.Union([
  Schema.Struct({ ...Unclear.fields, choices: Schema.Array(Schema.String) }),
  Schema.TaggedStruct("Understood", { intent: Intent, words: Schema.String, plan: Plan })
])
export type AskView = typeof AskView.Type

/** The group of the API. */
export const askGroup = HttpApiGroup.make("ask")
  .add(
    HttpApiEndpoint.post("ask", "/api/ask", { payload: Ask, success: AskView, error: HolonError.members })
      .annotate(Needs, "device.read")
      .annotate(
        OpenApi.Description,
        "Reads a sentence such as `turn off the heaters of line 2 except press-3`: the answer to a question, what an order would do, or a question back. Nothing is done: for that the same text goes to `DispatchIntent` of a dispatcher. `choose` takes one of the readings that a question back has named."
      )
  )
  .middleware(Authorization)

const isIntent = (found: Intent | Unclear): found is Intent => found._tag === "Intent"

/** Reads, and plans for who has the right to it. */
export const askReads = Effect.gen(function* () {
  const asking = yield* Asking
  const { residency } = yield* Engine

  const understood = Effect.fnUntraced(function* (intent: Intent, asker: Asker) {
    const { args, capability } = intent
    const right = rightOf(capability, args)
    const isActuating = capabilities[capability].effect === "actuates"
    // Whoever acts on it asks once more for each of those it is done to: here it is only known whether he may at all.
    const act = { capability: right, message: "Ask", target: "the fleet", isActuating, isForwarded: true }
    yield* demand(residency, asker, act)
    return {
      _tag: "Understood" as const,
      intent,
      words: intentInWords(intent),
      plan: yield* asking.plan(intent, asker.zones)
    }
  })

  return Effect.fnUntraced(function* ({ choose, remember = false, text }: Ask) {
    const asker = yield* CurrentAsker
    const found = yield* asking.read(text, asker.zones)
    const readings = isIntent(found) ? [found] : found.readings
    if (choose === undefined)
      return isIntent(found) ? yield* understood(found, asker) : { ...found, choices: readings.map(intentInWords) }
    const chosen = readings[choose - 1]
    if (chosen === undefined) {
      const count = readings.length === 1 ? "1 reading" : `${readings.length} readings`
      return yield* new Malformed({ path: "choose", reason: `that sentence has ${count}` })
    }
    const view = yield* understood(chosen, asker)
    if (remember) yield* asking.learn(text, chosen, asker.zones)
    return view
  })
})
