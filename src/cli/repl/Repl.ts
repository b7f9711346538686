/** `holon repl`: typed messages to any actor, with completion and history. */
import { join } from "node:path"
import { createInterface, type Interface } from "node:readline"
import { inspect } from "node:util"
import { Cause, Console, Deferred, Effect, Fiber, Option, Queue, Result, Schema, Stream } from "effect"
import { Command } from "effect/cli"
import type { KindView } from "../../gateways/http/Control.ts"
import { NotFound } from "../../protocol/Errors.ts"
import { Client } from "../Client.ts"
import { answered } from "../commands/Ask.ts"
import { lineOf } from "../EventLine.ts"
import { examples } from "../Examples.ts"
import { connected, connection, dataFolder } from "../Globals.ts"
import { checkPayload, findMessage } from "../MessageCheck.ts"
import { sentenceOf } from "../Sentence.ts"
import { table } from "../Table.ts"
import { complete, type Known } from "./Complete.ts"
import { historyMax, keepHistory, readHistory } from "./History.ts"
import { Keyboard } from "./Keyboard.ts"
import { type Line, parseLine } from "./Line.ts"
import { fieldsOf, payloadOf } from "./Payload.ts"

const prompt = "holon> "
const fleetSeen = 1000
const fleetPollMillis = 5000
/** Of each other kind this many ids are completed. */
const othersSeen = 200

const help = `  device("host").GetTwin()                    ask
  device("host").SetDesired({ led: "on" })    tell it what to be; fields in order are the arguments
  device("host").Invoke("identify")           a command for its board
  program("heater-1:blink").SetValue({ id: "blinks", value: 7 })    fields by their names
  watch device("host")                        follow it; Ctrl-C ends the watch
  ask("turn off the heaters of line 2")       an order or a question in words
  ask("turn off the heater", { choose: 2 })   which one, after it was asked back; yes: true for several
  events                                      what happened last; watch events: what happens now
  watch events reported.temp > 60             only what fulfils a condition, measurements among it
  actors                                      kinds and their messages
  exit                                        or Ctrl-D`

const print = Effect.fnUntraced(function* (value: unknown) {
  const { isTerminal } = yield* Keyboard
  yield* Console.log(inspect(value, { colors: isTerminal, depth: 8, compact: 3 }))
})

/** Ids of the kinds that are no devices, by the first question of each that needs no words. */
const followOthers = Effect.fnUntraced(function* (kinds: ReadonlyArray<KindView>) {
  const client = yield* Client
  const others = new Map<string, ReadonlyArray<string>>()
  const look = Effect.forEach(
    kinds.filter(({ kind }) => kind !== "device"),
    ({ kind, messages }) => {
      const query = messages.find((message) => message.delivery === "query" && fieldsOf(message).length === 0)
      if (query === undefined) return Effect.void
      return Effect.map(client.Look({ kind, message: query.name, limit: othersSeen }), ({ items }) => {
        others.set(
          kind,
          items.map(({ id }) => id)
        )
      })
    }
  ).pipe(Effect.ignore)
  yield* look
  yield* Effect.forkScoped(Effect.forever(Effect.delay(look, fleetPollMillis)))
  return others
})

/** Ids and twin fields for completion, refreshed in the background: a key press does not wait for the network. */
const followFleet = Effect.gen(function* () {
  const client = yield* Client
  const fields = new Map<string, ReadonlyArray<string>>()
  const look = client.Devices({ limit: fleetSeen }).pipe(
    Effect.tap(({ devices }) =>
      Effect.sync(() => {
        fields.clear()
        for (const { id, desired, reported } of devices)
          fields.set(id, [...new Set([...Object.keys(desired), ...Object.keys(reported)])])
      })
    ),
    Effect.ignore
  )
  yield* look
  yield* Effect.forkScoped(Effect.forever(Effect.delay(look, fleetPollMillis)))
  return fields
})

const send = Effect.fnUntraced(function* (kinds: ReadonlyArray<KindView>, line: Line & { readonly _tag: "Message" }) {
  const { kind, id, values, isWatch } = line
  const view = yield* Effect.fromResult(findMessage(kinds, kind, line.message ?? "Watch"))
  const payload = yield* Effect.fromResult(
    Result.flatMap(payloadOf(view, values), (named) => checkPayload(view, named))
  )
  const client = yield* Client
  const message = { kind, id, message: view.name, payload }
  if (!isWatch && view.delivery !== "watch") return yield* Effect.flatMap(client.Send(message), print)
  if (view.delivery !== "watch") return yield* new NotFound({ what: `watch of ${view.name}` })
  yield* Stream.runForEach(client.Watch(message), print)
})

/** A condition may ask for what boards measure; without one that would be too much to read. */
const showEvents = Effect.fnUntraced(function* ({ isWatch, where }: Line & { readonly _tag: "Events" }) {
  const client = yield* Client
  const asked = { follow: isWatch, samples: where !== undefined, ...(where !== undefined && { where }) }
  yield* Stream.runForEach(client.Events(asked), (placed) => Console.log(lineOf(placed)))
})

const plainly = { json: false, dryRun: false, remember: false, isPrompt: true }

const run = Effect.fnUntraced(function* (kinds: ReadonlyArray<KindView>, line: Line) {
  if (line._tag === "Message") return yield* send(kinds, line)
  if (line._tag === "Empty") return
  if (line._tag === "Ask") return yield* answered({ ...line, ...plainly, choose: Option.fromUndefinedOr(line.choose) })
  if (line._tag === "Events") return yield* showEvents(line)
  if (line.word === "help") return yield* Console.log(help)
  const rows = kinds.flatMap(({ kind, messages }) =>
    messages.map(({ name, about, heldBack }) => [kind, name, heldBack ?? about])
  )
  yield* Console.log(table(["kind", "message", "about"], rows))
})

/** Every failure is a sentence, and the next line may be typed. Answers whether the line did what it said. */
const forgiving = <E, R>(effect: Effect.Effect<void, E, R>) =>
  effect.pipe(
    Effect.as(true),
    Effect.catchCause((cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.succeed(true)
      return Effect.as(Console.log(sentenceOf(Cause.squash(cause))), false)
    })
  )

/** Lines of a script did not do what they said. */
export class LinesFailed extends Schema.TaggedError<LinesFailed>()("LinesFailed", { count: Schema.Int }) {
  override get message() {
    return `${this.count === 1 ? "1 line" : `${this.count} lines`} failed; what was wrong stands above`
  }
}

/** How long a script that is at its end still follows what its line watches, ms: what there is comes at once. */
const lastLookMillis = 1000

const loop = Effect.fnUntraced(function* (
  kinds: ReadonlyArray<KindView>,
  lines: Queue.Dequeue<string, Cause.Done>,
  reader: Interface
) {
  const { isTerminal } = yield* Keyboard
  let running: Fiber.Fiber<boolean> | undefined
  let failed = 0
  let isOpen = true
  const closed = yield* Deferred.make<void>()
  /** What follows something for ever has nobody left to end it once a script is at its end. */
  const untilItsEnd = <A, E, R>(work: Effect.Effect<A, E, R>, line: Line) =>
    isTerminal || !("isWatch" in line && line.isWatch)
      ? work
      : Effect.raceFirst(work, Effect.andThen(Deferred.await(closed), Effect.sleep(lastLookMillis)))
  // Ctrl-D while a message is under way: there is no prompt after it.
  reader.on("close", () => {
    isOpen = false
    Deferred.doneUnsafe(closed, Effect.void)
  })
  reader.on("SIGINT", () => {
    if (running === undefined) return reader.close()
    running.interruptUnsafe()
  })
  for (;;) {
    if (isTerminal && isOpen) reader.prompt()
    const text = yield* Effect.option(Queue.take(lines))
    if (Option.isNone(text)) break
    const line = parseLine(text.value)
    if (Result.isSuccess(line) && line.success._tag === "Word" && line.success.word === "exit") break
    const work = Effect.flatMap(Effect.fromResult(line), (understood) =>
      untilItsEnd(run(kinds, understood), understood)
    )
    running = yield* Effect.forkChild(forgiving(work))
    const exit = yield* Fiber.await(running)
    running = undefined
    if (exit._tag === "Success" && !exit.value) failed++
  }
  if (failed > 0 && !isTerminal) return yield* new LinesFailed({ count: failed })
})

const session = (historyPath: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { input, output, isTerminal } = yield* Keyboard
      const client = yield* Client
      const kinds = yield* client.Describe()
      const none = new Map<string, ReadonlyArray<string>>()
      const fleet = isTerminal ? yield* followFleet : none
      const others = isTerminal ? yield* followOthers(kinds) : none
      const lines = yield* Queue.unbounded<string, Cause.Done>()
      const known: Known = {
        kinds,
        ids: (kind, start) =>
          (kind === "device" ? [...fleet.keys()] : (others.get(kind) ?? [])).filter((id) => id.startsWith(start)),
        twinFields: (id) => fleet.get(id) ?? []
      }
      const reader = yield* Effect.acquireRelease(
        Effect.sync(() =>
          createInterface({
            input,
            output,
            terminal: isTerminal,
            prompt: isTerminal ? prompt : "",
            history: isTerminal ? readHistory(historyPath) : [],
            historySize: historyMax,
            completer: (text: string) => {
              const [candidates, replaced] = complete(text, known)
              return [[...candidates], replaced]
            }
          })
        ),
        (open) => Effect.sync(() => open.close())
      )
      reader.on(
        "history",
        keepHistory(historyPath, (sentence) => output.write(`${sentence}\n`))
      )
      reader.on("line", (line) => Queue.offerUnsafe(lines, line))
      reader.on("close", () => Queue.endUnsafe(lines))
      if (isTerminal) {
        const names = kinds.map(({ kind }) => kind).join(", ")
        yield* Console.log(`Actors here: ${names}. "help" shows what to type, Tab completes it.`)
      }
      yield* loop(kinds, lines, reader)
    })
  )

export const repl = Command.make(
  "repl",
  connection,
  Effect.fn(function* (flags) {
    const folder = yield* dataFolder(flags.data)
    yield* connected(flags)(session(join(folder, "repl_history")))
  })
).pipe(
  Command.withDescription("Type messages to actors"),
  examples([""], ["< script.txt", "Lines of a file; fails when one of them does"])
)
