/** Groups of consumers of a whole node: they wait over HTTP and by the command, go away, and put aside what they cannot do. */
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { holon } from "../support/NodeCommands.ts"
import { freePorts, RunningNode, until } from "../support/RunningNode.ts"

const json = (text: string): unknown => JSON.parse(text)

const desire = (target: number) =>
  Effect.flatMap(RunningNode, ({ post }) => post("/api/device/heater-1/SetDesired", { patch: { target } }))

/** What a pull over HTTP brought: the targets that were desired. */
const pull = (name: string, consumer: string, waitMillis: number) =>
  Effect.flatMap(RunningNode, ({ post }) =>
    Effect.map(post(`/api/subscription/${name}/Pull`, { consumer, max: 10, waitMillis }), ({ json: reply, status }) => {
      assert.strictEqual(status, 200)
      const events: ReadonlyArray<unknown> = Object(reply).events
      return events.map((each) => ({
        cursor: String(Object(each).cursor),
        attempt: Number(Object(each).attempt),
        target: Object(each).event.data.patch.target
      }))
    })
  )

const stateOf = (name: string) =>
  Effect.flatMap(RunningNode, ({ post }) =>
    Effect.map(post(`/api/subscription/${name}/GetState`, {}), ({ json: reply }) => Object(reply))
  )

/** Until so many consumers wait: each has a standing query. */
const waiting = (count: number) =>
  Effect.flatMap(RunningNode, ({ engine }) =>
    until(
      Effect.sync(() => engine.residency.watches().get("subscription") ?? 0),
      (watches) => watches === count
    )
  )

const created = (name: string, settings: object = {}) =>
  Effect.flatMap(RunningNode, ({ post }) =>
    post(`/api/subscription/${name}/Create`, { where: 'type == "twin.desired-changed"', ...settings })
  )

layer(RunningNode.layer({ boards: 1, config: freePorts }), { timeout: "60 seconds", excludeTestServices: true })(
  "a group of consumers",
  (it) => {
    it.effect(
      "waits for what comes and gets it at once, one of those who wait, over HTTP and by the command",
      () =>
        Effect.gen(function* () {
          yield* created("waiting")
          const pulls = yield* Effect.forEach(["one", "two"], (consumer) =>
            Effect.forkChild(
              Effect.map(pull("waiting", consumer, 4000), (events) => ({ consumer, events, at: performance.now() })),
              { startImmediately: true }
            )
          )
          yield* waiting(2)
          const before = performance.now()
          yield* desire(21)
          const answers = yield* Effect.forEach(pulls, Fiber.join)
          const [winner] = answers.filter(({ events }) => events.length > 0)
          assert.isBelow((winner?.at ?? Number.NaN) - before, 2000)
          assert.deepStrictEqual(
            answers.flatMap(({ events }) => events.map(({ target, attempt }) => [target, attempt])),
            [[21, 1]],
            "one of them"
          )
          const cursor = winner?.events[0]?.cursor ?? ""
          yield* holon("subscription", "ack", "waiting", cursor, "--consumer", winner?.consumer ?? "")
          const asked = yield* Effect.forkChild(
            holon("subscription", "pull", "waiting", "--consumer", "three", "--wait", "20s", "--json"),
            { startImmediately: true }
          )
          yield* waiting(1)
          yield* desire(22)
          const { out } = yield* Fiber.join(asked)
          assert.strictEqual(Object(json(out)).event.data.patch.target, 22)
          const late = yield* holon("subscription", "pull", "waiting", "--wait", "1s")
          assert.deepInclude(late, { out: "", err: "nothing to lend now\n" })
          assert.match((yield* holon("subscription", "pull", "waiting", "--wait", "40s")).err, /no time up to 30s/)
        }),
      30_000
    )

    it.effect("gets what is on its topic and fulfils its condition, and says what is wrong with a topic", () =>
      Effect.gen(function* () {
        const { out } = yield* holon(
          ...["subscription", "create", "topical", "--topic", "root.*.twin.*.info", "--where", "patch.target > 50"]
        )
        assert.match(out, /subscription topical is there/)
        yield* created("whole", { topic: "*.twin.desired-changed.info" })
        yield* created("elsewhere", { topic: "root.hall.*" })
        for (const target of [51, 11, 52]) yield* desire(target)
        yield* until(pull("whole", "me", 5000), (events) => events.some(({ target }) => target === 52))
        const got: Array<number> = []
        yield* until(
          Effect.tap(pull("topical", "me", 5000), (events) =>
            Effect.sync(() => got.push(...events.map(({ target }) => target)))
          ).pipe(
            Effect.tap(() => holon("subscription", "ack", "topical", "--consumer", "me", "--up-to", "9999999999.1"))
          ),
          () => got.length >= 2
        )
        assert.deepStrictEqual(got, [51, 52])
        assert.deepStrictEqual(yield* pull("elsewhere", "me", 500), [])
        assert.match((yield* holon("subscription", "ls")).out, /root\.\*\.twin\.\*\.info, patch\.target > 50/)
        const other = yield* holon("subscription", "create", "topical", "--topic", "root.*")
        assert.match(other.err, /with other settings/)
        assert.match(
          (yield* holon("subscription", "create", "wrong", "--topic", "twin.desired-changed")).err,
          /^holon: .*topic: no topic is like this: a topic is VSM\.ZONE\.TYPE\.SEVERITY/
        )
        const refused = yield* created("wrong", { topic: "root/#" })
        assert.deepStrictEqual([refused.status, refused.text.includes("no topic has the character `/`")], [400, true])
      })
    )

    it.effect("lends nothing to who went away while waiting", () =>
      Effect.gen(function* () {
        yield* created("leaving")
        const { url, token } = yield* RunningNode
        const going = new AbortController()
        const gone = fetch(`${url}/api/subscription/leaving/Pull`, {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify({ consumer: "gone", max: 10, waitMillis: 30_000 }),
          signal: going.signal
        }).catch(() => undefined)
        yield* waiting(1)
        going.abort()
        yield* Effect.promise(() => gone)
        yield* waiting(0)
        yield* desire(31)
        const got = yield* pull("leaving", "here", 10_000)
        assert.deepStrictEqual(
          got.map(({ target, attempt }) => [target, attempt]),
          [[31, 1]]
        )
      })
    )

    it.effect("puts aside what it gives back too often, which operators see, lend again and give up", () =>
      Effect.gen(function* () {
        yield* holon(
          ...["subscription", "create", "poisoned", "--where", 'type == "twin.desired-changed"', "--attempts", "2"]
        )
        for (const target of [41, 42]) yield* desire(target)
        const [poison] = yield* pull("poisoned", "me", 10_000)
        const cursor = poison?.cursor ?? ""
        assert.strictEqual(poison?.target, 41)
        const back = (...more: ReadonlyArray<string>) =>
          holon("subscription", "nack", "poisoned", cursor, "--consumer", "me", ...more)
        assert.match((yield* back()).out, /given back/)
        assert.deepInclude(yield* pull("poisoned", "me", 10_000), { cursor, attempt: 2, target: 41 })
        yield* back("--reason", "no such hall", "--delay", "200ms")
        const next = yield* until(pull("poisoned", "me", 10_000), (events) => events.length > 0)
        assert.deepStrictEqual(
          next.map(({ target }) => target),
          [42]
        )
        const listed = yield* holon("subscription", "dead", "poisoned")
        assert.match(listed.out, /twin\.desired-changed +device\/heater-1 +2 +me +\d+ s ago +no such hall/)
        const whole = json((yield* holon("subscription", "dead", "poisoned", cursor)).out)
        assert.strictEqual(Object(whole).event.data.patch.target, 41)
        assert.match((yield* holon("subscription", "ls")).out, /poisoned +active +1 +0 +1 +0/)
        yield* holon("subscription", "ack", "poisoned", "--consumer", "me", "--up-to", next[0]?.cursor ?? "")
        assert.match((yield* holon("subscription", "replay", "poisoned")).err, /name cursors, or say --all/)
        assert.match((yield* holon("subscription", "replay", "poisoned", "--all")).out, /1 lent again/)
        assert.deepInclude(yield* pull("poisoned", "me", 10_000), { cursor, attempt: 1, target: 41 })
        yield* back()
        yield* pull("poisoned", "me", 1000)
        yield* back()
        yield* until(Effect.andThen(pull("poisoned", "me", 100), stateOf("poisoned")), ({ dead }) => dead === 1)
        assert.match((yield* holon("subscription", "drop", "poisoned", cursor)).out, /1 given up/)
        assert.match((yield* holon("subscription", "dead", "poisoned")).out, /nothing is dead/)
        const { out } = yield* holon("events", "--last", "1000", "--where", 'type glob "subscription.*"', "--json")
        const events = out
          .trim()
          .split("\n")
          .map((line) => Object(json(line)).event)
          .filter(({ source }) => source.id === "poisoned")
        assert.deepStrictEqual(
          events.map(({ type }) => type),
          [
            ...["subscription.created", "subscription.dead", "subscription.replayed", "subscription.dead"],
            "subscription.discarded"
          ]
        )
        assert.match(events[2].context.principal, /^user:/)
        assert.deepStrictEqual(events[1].causes, [Object(whole).event.id])
      })
    )
  }
)
