/** `holon ask`: orders and questions in words. */
import { Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { AskView } from "../../gateways/http/AskApi.ts"
import { capabilities } from "../../protocol/intent/Capabilities.ts"
import type { Intent } from "../../protocol/intent/Intent.ts"
import { rootId } from "../../protocol/vsm/VsmId.ts"
import { type Acts, answerOf, planOf, questionOf, summaryOf, type Unclear } from "../AskReport.ts"
import { Client } from "../Client.ts"
import { toggle } from "../Defaults.ts"
import { carriedOut } from "../Dispatching.ts"
import { examples } from "../Examples.ts"
import { connected, connection } from "../Globals.ts"
import { wholeNumber } from "../Numbers.ts"
import { print } from "../Print.ts"
import { prompted } from "../Prompt.ts"
import { Keyboard } from "../repl/Keyboard.ts"

/** Nothing was done: the sentence is not clear. */
export class AskedBack extends Schema.TaggedError<AskedBack>()("AskedBack", {
  choices: Schema.Int,
  isPrompt: Schema.Boolean
}) {
  override get message() {
    const choose = this.isPrompt ? 'ask("…", { choose: 1 })' : "--choose 1"
    const more = this.choices === 0 ? "say it again in other words" : `say which with ${choose}, or in other words`
    return `nothing was done; ${more}`
  }
}

/** Nothing was done: whoever was asked does not want it. */
export class Declined extends Schema.TaggedError<Declined>()("Declined", {}) {
  override get message() {
    return "nothing was done"
  }
}

/** At a prompt the next line is a new one, and no answer: whoever means several devices says so at once. */
export class YesNeeded extends Schema.TaggedError<YesNeeded>()("YesNeeded", {}) {
  override get message() {
    return 'nothing was done; if you mean it, say ask("…", { yes: true })'
  }
}

/** Some of it was not done. */
export class PartlyFailed extends Schema.TaggedError<PartlyFailed>()("PartlyFailed", {
  failed: Schema.Int,
  total: Schema.Int
}) {
  override get message() {
    return `${this.failed} of ${this.total} failed; what was wrong stands above`
  }
}

interface Flags {
  readonly text: string
  readonly json: boolean
  readonly dryRun: boolean
  readonly yes: boolean
  readonly remember: boolean
  readonly choose: Option.Option<number>
  /** It is typed at the prompt of the REPL, where nothing else can be asked. */
  readonly isPrompt: boolean
}

type Understood = Extract<AskView, { readonly _tag: "Understood" }>

/** What cannot be taken back is asked for once more, however few it is done to. */
const isFinal = ({ capability }: Intent): boolean =>
  capability === "device.board.retire@1" || capability === "vsm.self.retire@1"

const decodeNumber = Schema.decodeUnknownOption(Schema.FiniteFromString.check(Schema.isInt()))

/** Which of the readings is meant; nothing where whoever sits there means none of them. */
const chosenAt = (unclear: Unclear) =>
  Effect.map(prompted(`Which one? 1 to ${unclear.choices.length}, or Enter for none: `), (line) =>
    Option.filter(Option.flatMap(line, decodeNumber), (number) => number >= 1 && number <= unclear.choices.length)
  )

/** Asks, and asks who sits there for what is not clear. */
const understood = ({ choose, remember, text }: Flags, isAsking: boolean) =>
  Effect.gen(function* () {
    const client = yield* Client
    const view = yield* client.Ask({
      text,
      ...(Option.isSome(choose) && { choose: choose.value }),
      ...(remember && { remember })
    })
    if (view._tag === "Understood" || !isAsking || view.choices.length === 0) return view
    yield* Console.log(questionOf(view))
    const chosen = yield* chosenAt(view)
    if (Option.isNone(chosen)) return yield* new Declined()
    const again = yield* client.Ask({ text, choose: chosen.value, ...(remember && { remember }) })
    const line = again._tag === "Understood" ? again.words : undefined
    // The fleet may have changed since the question: then it is put again.
    return line === view.choices[chosen.value - 1] ? again : yield* client.Ask({ text })
  })

const mayGoOn = ({ intent, plan }: Understood, acts: Acts, { isPrompt, yes }: Flags, isAsking: boolean) =>
  Effect.gen(function* () {
    const { isTerminal } = yield* Keyboard
    const isWide = acts.steps.length > 1 || intent.confidence < 1 || isFinal(intent)
    if (yes || !isWide || plan._tag !== "Acts") return
    if (isPrompt && isTerminal) return yield* new YesNeeded()
    if (!isAsking) return
    const answer = yield* prompted("Do it? [y/N] ")
    if (!Option.exists(answer, (line) => /^y(?:es)?$/i.test(line))) return yield* new Declined()
  })

const act = (view: Understood, acts: Acts, flags: Flags, isAsking: boolean) =>
  Effect.gen(function* () {
    const { intent } = view
    if (flags.dryRun || !flags.json) yield* print(flags, view, () => planOf(acts, intent.unclear))
    if (flags.dryRun) return
    yield* mayGoOn(view, acts, flags, isAsking)
    const ended = yield* carriedOut(rootId, intent, acts, flags)
    yield* print(flags, { intent, words: view.words, ...ended }, () => summaryOf(acts, ended.chunks))
    const failed = ended.chunks.filter(({ outcome }) => outcome === "failed" || outcome === "cancelled").length
    if (failed > 0) return yield* new PartlyFailed({ failed, total: acts.steps.length })
  })

/** One sentence, from the words to what came of it. */
export const answered = (flags: Flags) =>
  Effect.gen(function* () {
    const { isTerminal } = yield* Keyboard
    const isAsking = isTerminal && !flags.json && !flags.isPrompt
    const view = yield* understood(flags, isAsking)
    if (view._tag === "Unclear") {
      yield* print(flags, view, () => questionOf(view))
      return yield* new AskedBack({ choices: view.choices.length, isPrompt: flags.isPrompt })
    }
    const { intent, plan } = view
    if (plan._tag === "Answer") return yield* print(flags, { intent, ...plan }, () => answerOf(plan))
    const { effect } = capabilities[intent.capability]
    yield* act(view, plan, effect === "reads" ? { ...flags, yes: true } : flags, isAsking)
  })

export const ask = Command.make(
  "ask",
  {
    ...connection,
    words: Argument.String("sentence").pipe(
      Argument.withDescription("An order or a question, in quotes or without"),
      Argument.variadic({ min: 1 })
    ),
    choose: wholeNumber("choose", 1, 100).pipe(
      Flag.withDescription("The number of the reading that is meant, where the sentence was asked back"),
      Flag.optional
    ),
    remember: toggle("remember", "On this node, let the sentence mean the chosen reading from now on"),
    dryRun: toggle("dry-run", "Say what would be done, and do nothing"),
    yes: toggle("yes", "Do not ask before something is done to several devices")
  },
  Effect.fn(function* ({ words, ...flags }) {
    yield* connected(flags)(answered({ ...flags, text: words.join(" "), isPrompt: false }))
  })
).pipe(
  Command.withDescription(
    "Say in words what is to be done or told; what is not clear is asked back, and nothing is guessed"
  ),
  examples(
    ["turn off the heaters of line 2 except press-3", "An order"],
    ["'what is the temperature of oven-1?'", "A question"],
    ["turn off the heater --choose 2", "Which one was meant, after it was asked back"],
    ["roll out blink 1.2 to hall --dry-run --json", "What would be done, for a script"]
  )
)
