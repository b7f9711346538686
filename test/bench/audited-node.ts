/** A node in a process of its own, with an auditor or without one, and somebody who has its boards do things. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Fiber, Layer, ManagedRuntime, Redacted, Schedule, Schema } from "effect"
import * as Actors from "../../src/actors/Actors.ts"
import * as Registry from "../../src/actors/Registry.ts"
import { Auditor } from "../../src/protocol/audit/Auditor.ts"
import { Device } from "../../src/protocol/Device.ts"
import { ClusterConfig, portsOf } from "../../src/runtime/Config.ts"
import * as Node from "../../src/runtime/Node.ts"
import { registry } from "../../src/runtime/Registry.ts"
import { PostgresUrl } from "../../src/runtime/storage/PostgresUrl.ts"
import { serve } from "./Processes.ts"

export type AuditedNodeRequest =
  | { readonly do: "start"; readonly url: string; readonly isAudited: boolean }
  /** Begins so many acts a second, until it is told to rest. */
  | { readonly do: "act"; readonly perSecond: number }
  /** Begins no more; answers how long the acts that are chained since then waited for that. */
  | { readonly do: "rest" }

export interface AuditedNodeAnswer {
  readonly mqttPort: number
  readonly lagMillis: ReadonlyArray<number>
}

/** So many boards are sent what they are to do. */
const askedMax = 20
const asker = { kind: "user", id: "anna", role: "operator" } as const
const tickMillis = 20

const unaudited = Registry.make(
  [...registry.values()].flatMap(({ behaviour }) => (behaviour.contract.kind === Auditor.kind ? [] : [behaviour]))
)

const started = async (url: string, isAudited: boolean) => {
  const data = mkdtempSync(join(tmpdir(), "holon-bench-"))
  process.once("exit", () => rmSync(data, { recursive: true, force: true }))
  const config = {
    ...Schema.decodeUnknownSync(ClusterConfig)({
      http: { port: 0 },
      mqtt: { port: 0 },
      peers: { runnerPort: 0, relayPort: 0 },
      demo: { isOn: false },
      link: { times: { heartbeat: "10 minutes", lease: "21 minutes" }, newPerSecond: 10_000, window: 20 }
    }),
    data
  }
  const node = Node.layer({ config, ports: portsOf(config, 0), ...(!isAudited && { registry: unaudited }) }).pipe(
    Layer.provide(PostgresUrl.layer(Redacted.make(url)))
  )
  const runtime = ManagedRuntime.make(node)
  const context = await runtime.context()
  const actors = Context.get(context, Actors.Actors)
  const sql = Context.get(context, PgClient.PgClient)

  let target = 0
  const actingAt = Effect.fnUntraced(function* (perSecond: number) {
    const devices = yield* sql<{ readonly id: string }>`select id from actor where kind = 'device' limit ${askedMax}`
    const count = Math.round((perSecond * tickMillis) / 1000)
    yield* Effect.repeat(
      Effect.suspend(() =>
        Effect.forEach(
          Array.from({ length: count }, () => ++target),
          (target) => {
            const id = devices[target % devices.length]?.id ?? ""
            return actors.ask(Device, id, "SetDesired", { patch: { target } }, { asker })
          },
          { concurrency: "unbounded", discard: true }
        )
      ),
      Schedule.fixed(tickMillis)
    )
  })

  let acting: Fiber.Fiber<unknown, unknown> | undefined
  let seen = 0
  const act = async (perSecond: number): Promise<void> => {
    if (perSecond > 0) acting = runtime.runFork(Effect.orDie(actingAt(perSecond)))
  }
  const lags = Effect.gen(function* () {
    const rows = yield* sql<{ readonly seq: number; readonly lag: number }>`
      select seq::float8, (extract(epoch from wall) * 1000 - hlc_ms)::float8 as lag from audit_events
      where seq > ${seen} and event_type = 'twin.desired-changed' order by seq`
    seen = rows.at(-1)?.seq ?? seen
    return rows.map(({ lag }) => lag)
  })
  const rest = async (): Promise<ReadonlyArray<number>> => {
    if (acting === undefined) return []
    const ended = acting.pollUnsafe()
    if (ended !== undefined) throw new Error(`nobody acts: ${ended}`)
    await runtime.runPromise(Fiber.interrupt(acting))
    acting = undefined
    return isAudited ? await runtime.runPromise(lags) : []
  }
  return { mqttPort: Context.get(context, Node.Listening).mqtt, act, rest }
}

let node: Awaited<ReturnType<typeof started>> | undefined

serve<AuditedNodeRequest, AuditedNodeAnswer>(async (request) => {
  if (request.do === "start") node = await started(request.url, request.isAudited)
  if (node === undefined) throw new Error("it was not started")
  if (request.do === "act") await node.act(request.perSecond)
  return { mqttPort: node.mqttPort, lagMillis: request.do === "rest" ? await node.rest() : [] }
})
