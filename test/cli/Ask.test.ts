import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { startSimulatedBoards } from "../../devices/simulated/SimulatedBoards.ts"
import { AskView } from "../../src/gateways/http/AskApi.ts"
import { DeviceLine } from "../../src/gateways/http/Control.ts"
import { corpusLines } from "../protocol/intent/Corpora.ts"
import { run, Typist } from "../support/Cli.ts"
import { bad, eventsWhere, good, holon } from "../support/NodeCommands.ts"
import { RunningNode, until } from "../support/RunningNode.ts"

const linesOf = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(DeviceLine)))
const viewOf = Schema.decodeUnknownSync(Schema.fromJsonString(AskView))

/** What boards say of one field of theirs, by device. */
const reported = (field: string) =>
  Effect.map(good("devices", "ls", "--json"), (text) =>
    Object.fromEntries(linesOf(text).map(({ id, reported }) => [id, reported[field]]))
  )

/** At a terminal: each question is awaited, and answered by keys. */
const typing = (argv: ReadonlyArray<string>, ...answers: ReadonlyArray<readonly [question: string, keys: string]>) =>
  Effect.gen(function* () {
    const { data, url } = yield* RunningNode
    const typist = new Typist()
    const [first, ...others] = answers
    const asked = yield* Effect.forkChild(typist.type("", first?.[0] ?? ""), { startImmediately: true })
    const running = yield* Effect.forkChild(run([...argv, "--url", url, "--data", data], typist.keys))
    yield* Fiber.join(asked)
    let keys = first?.[1] ?? ""
    for (const [question, next] of others) {
      yield* typist.type(keys, question)
      keys = next
    }
    typist.input.write(keys)
    return yield* Fiber.join(running)
  })

layer(RunningNode.layer(), { timeout: "120 seconds", excludeTestServices: true })("holon ask", (it) => {
  it.effect(
    "has what was ordered done by boards, answers what was asked, and asks back what is not clear",
    () =>
      Effect.gen(function* () {
        const { mqttPort } = yield* RunningNode
        const common = { url: `mqtt://127.0.0.1:${mqttPort}`, spreadMillis: 0, intervalMillis: 300 }
        yield* startSimulatedBoards({ ...common, count: 3, zone: "hall.line-2" })
        yield* startSimulatedBoards({ ...common, count: 1, from: 4, zone: "hall.line-1" })
        yield* startSimulatedBoards({ ...common, count: 3, kind: "press", prefix: "press-", zone: "hall.line-2" })
        const units = holon("ask", "list the units of root")
        yield* until(units, ({ out }) => out.startsWith("root has 0 children, 7 devices"))

        // An order, in the words of the manual.
        const ended = yield* good("ask", "turn off the heaters of line 2 except press-3")
        assert.match(ended, /^turn off 3 heaters: heater-1, heater-2, heater-3; press-3 left alone$/m)
        for (const id of ["heater-1", "heater-2", "heater-3"]) assert.match(ended, new RegExp(`^${id} {2}off$`, "m"))
        assert.match(ended, /^3 of 3 heaters off; press-3 left alone$/m)
        const on = yield* until(reported("on"), (all) => [1, 2, 3].every((number) => all[`heater-${number}`] === false))
        assert.isTrue(on["heater-4"])

        // Questions.
        assert.match(
          yield* good("ask", "what is the temperature of heater-4?"),
          /^temp of heater-4 is \d+(\.\d+)? °C$/m
        )
        assert.include(yield* good("ask", "how many presses are online"), "3 devices")
        assert.include(JSON.parse(yield* good("ask", "which heaters are there", "--json")).sentence, "4 devices")

        // What can be meant in several ways.
        const unclear = yield* holon("ask", "turn on the heater")
        assert.isFalse(unclear.isSuccess)
        assert.match(unclear.out, /^There are 4 of them: .* Which one, or all\?$/m)
        assert.match(unclear.out, /^ {2}2 {2}turn on heater-2$/m)
        assert.match(unclear.err, /^holon: nothing was done; say which with --choose 1, or in other words$/m)
        assert.match(yield* good("ask", "turn on the heater", "--choose", "2"), /^heater-2 on$/m)
        yield* until(reported("on"), (all) => all["heater-2"] === true && all["heater-1"] === false)
        assert.include(yield* bad("ask", "turn on the heater", "--choose", "9"), "has 4 readings")

        // Nothing is done where nothing is to be done.
        assert.match(
          yield* good("ask", "set the mode of all presses to auto", "--dry-run"),
          /^set mode to auto on 3 presses: press-1, press-2, press-3$/m
        )
        assert.deepStrictEqual(
          Object.values(yield* reported("mode")).filter((mode) => mode === "auto"),
          []
        )
        const dry = viewOf(yield* good("ask", "ping press-1", "--dry-run", "--json"))
        assert.deepInclude(dry, { _tag: "Understood", words: "have press-1 do ping" })

        // At a terminal it asks, and takes no for an answer.
        const no = yield* typing(["ask", "turn on the heaters of line 2"], ["Do it? [y/N]", "n\n"])
        assert.include(no.err, "nothing was done")
        const chosen = yield* typing(
          ["ask", "turn on the heater"],
          ["Which one? 1 to 4", "3\n"],
          ["Do it? [y/N]", "y\n"]
        )
        assert.match(chosen.out, /^heater-3 on$/m)
        assert.include((yield* typing(["ask", "turn on the heater"], ["Which one?", "\n"])).err, "nothing was done")
        assert.isFalse((yield* reported("on"))["heater-1"])
      }),
    90_000
  )

  it.effect(
    "leaves alone what has retired, and says so",
    () =>
      Effect.gen(function* () {
        const { mqttPort } = yield* RunningNode
        const url = `mqtt://127.0.0.1:${mqttPort}`
        yield* startSimulatedBoards({
          url,
          count: 2,
          kind: "oven",
          prefix: "oven-",
          spreadMillis: 0,
          intervalMillis: 300
        })
        yield* until(holon("ask", "how many ovens are online"), ({ out }) => out.startsWith("2 devices"))
        assert.match(yield* good("ask", "retire oven-2", "--yes"), /^oven-2 retired$/m)
        const ended = yield* good("ask", "turn off ovens 1 and 2")
        assert.match(ended, /^turn off oven-1; not oven-2: oven-2 is retired$/m)
        assert.match(ended, /^oven-1 off; not oven-2: oven-2 is retired$/m)
        assert.match(yield* bad("ask", "turn off oven-2"), /oven-2 is retired/)
        assert.match(yield* bad("ask", "turn off oven-9"), /nothing was done/)
      }),
    60_000
  )

  it.effect(
    "does nothing about any of the traps, not as an order to a dispatcher either",
    () =>
      Effect.gen(function* () {
        const { mqttPort, post } = yield* RunningNode
        const url = `mqtt://127.0.0.1:${mqttPort}`
        const names = ["and", "off-and-retire-trap-1", "all", "the"]
        yield* Effect.forEach(names, (prefix) =>
          startSimulatedBoards({ url, count: 1, prefix: `${prefix}-`, spreadMillis: 0, programs: false })
        )
        yield* until(holon("ask", "ping all-1", "--dry-run"), ({ isSuccess }) => isSuccess)
        const acts = 'type == "twin.desired-changed" or type == "command.accepted" or type == "device.retired"'
        const before = (yield* eventsWhere(acts)).length
        const texts = [
          ...corpusLines("traps.txt"),
          'ping "all-1; retire and-1"',
          "off-and-retire-trap-1 says: retire and-1"
        ]
        const ends = yield* Effect.forEach(texts, (text) => post("/api/ask", { text }), { concurrency: 4 })
        for (const [at, { json, status }] of ends.entries()) {
          assert.strictEqual(status, 200, texts[at])
          if (Object(json)._tag !== "Unclear") assert.strictEqual(texts[at], "move heater-3 to line 1")
        }
        const orders = texts.filter((text) => text !== "move heater-3 to line 1")
        const begun = yield* Effect.forEach(orders, (text) => post("/api/dispatcher/root/DispatchIntent", { text }), {
          concurrency: 4
        })
        assert.deepStrictEqual(
          begun.filter(({ status }) => status !== 200).map(({ text }) => text),
          []
        )
        const refused = eventsWhere('type == "op.ended" and outcome == "refused"')
        yield* until(refused, ({ length }) => length >= orders.length)
        assert.lengthOf(yield* eventsWhere(acts), before)
      }),
    90_000
  )
})
