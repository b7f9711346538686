/** An ask of a resident actor: through the cluster client and by the direct way of a gateway, against a bare entity. */
import { Effect, Layer, ManagedRuntime, Schema } from "effect"
import { Entity, Sharding } from "effect/cluster"
import { Rpc } from "effect/rpc"
import * as Behaviour from "../../src/actors/Behaviour.ts"
import { toBytes } from "../../src/actors/Codec.ts"
import type { Address } from "../../src/actors/Host.ts"
import type { Asker } from "../../src/protocol/Asker.ts"
import * as Contract from "../../src/protocol/Contract.ts"
import { instantStore, layer, untilServing } from "./LoneNode.ts"
import { type BenchOptions, compare } from "./Rounds.ts"

const Adder = Contract.make("adder", {
  state: Schema.Struct({ total: Schema.Int }),
  messages: {
    Peek: Contract.idempotent({
      payload: { by: Schema.Int, note: Schema.String },
      success: Schema.Int,
      audience: "operator"
    }),
    Add: Contract.once({ payload: { by: Schema.Int, note: Schema.String }, success: Schema.Int, audience: "operator" })
  }
})

const adder = Behaviour.make(Adder, {
  initial: () => ({ total: 0 }),
  Peek: (state, { by }) => ({ reply: state.total + by }),
  Add: ({ total }, { by }) => ({ state: { total: total + by }, reply: total + by })
})

const Bare = Entity.make("bare", [
  Rpc.make("Peek", { payload: { by: Schema.Int, note: Schema.String }, success: Schema.Int })
])
const bare = Bare.toLayer(
  Effect.sync(() => {
    const total = 0
    return Bare.of({ Peek: ({ payload }) => Effect.sync(() => total + payload.by) })
  }),
  { maxIdleTime: "1 hour" }
)

const operator: Asker = { kind: "user", id: "ada", role: "operator" }
const payload = { by: 1, note: "press-1" }
const actorCount = 64
const asksEach = 400
const directCalls = 200_000
const ids = Array.from({ length: actorCount }, (_, index) => `a-${index}`)
/** Through the client; the direct call. */
const goals = { cluster: 1.25, direct: 0.1 }

type Ask = (id: string) => Effect.Effect<unknown, unknown>

/** Microseconds of one ask while as many callers as actors ask one after another. */
const each = (ask: Ask): Effect.Effect<number, unknown> =>
  Effect.gen(function* () {
    const startedAt = performance.now()
    const caller = (id: string) => Effect.repeat(ask(id), { times: asksEach - 1 })
    yield* Effect.forEach(ids, caller, { concurrency: "unbounded", discard: true })
    return ((performance.now() - startedAt) * 1000) / (actorCount * asksEach)
  })

export const asks = async ({ isQuick }: BenchOptions): Promise<void> => {
  const runtime = ManagedRuntime.make(bare.pipe(Layer.provideMerge(layer([adder], instantStore))))
  const engine = await runtime.runPromise(untilServing)
  const sharding = await runtime.runPromise(Sharding.Sharding)
  const client = await runtime.runPromise(sharding.makeClient(Bare))
  const clients = new Map(ids.map((id) => [id, client(id)]))
  const kind = engine.registry.get("adder")
  const message = kind?.codec.messages.get("Peek")
  if (kind === undefined || message === undefined) throw new Error("no adder")
  const body = toBytes(message.payload, payload)
  const posted = { message: "Peek", body, requestId: "", asker: operator }
  const bareAsk: Ask = (id) => clients.get(id)?.Peek(payload) ?? Effect.die("no client")
  const clusterAsk: Ask = (id) => engine.ask({ kind: "adder", id }, posted, 5_000)
  await runtime.runPromise(each(bareAsk))
  await runtime.runPromise(each(clusterAsk))
  const addresses = ids.map((id): Address => ({ kind: "adder", id }))
  const envelope = { message: "Peek", payload, requestId: "", asker: operator }
  const direct = async (): Promise<number> => {
    let answers = 0
    const startedAt = performance.now()
    for (let call = 0; call < directCalls; call++) {
      const address = addresses[call % actorCount]
      if (address !== undefined) engine.residency.direct(address, envelope, () => answers++)
    }
    if (answers !== directCalls) throw new Error(`${answers} answers to ${directCalls} direct calls`)
    return ((performance.now() - startedAt) * 1000) / directCalls
  }
  await direct()
  await compare(
    `an ask of a resident actor, ${actorCount} callers and actors, µs each`,
    [
      { name: "bare entity", unit: "µs", run: () => runtime.runPromise(each(bareAsk)) },
      {
        name: "actor through the cluster client",
        unit: "µs",
        goal: { atMost: goals.cluster },
        run: () => runtime.runPromise(each(clusterAsk))
      },
      { name: "gateway to a resident cell", unit: "µs", goal: { atMost: goals.direct }, run: direct }
    ],
    isQuick ? 2 : 5
  )
  await runtime.dispose()
}
