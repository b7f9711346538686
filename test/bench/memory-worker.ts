/** Worker of the memory bench: a fleet in one process whose collector can be called. */
import { setTimeout as sleep } from "node:timers/promises"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, ManagedRuntime, Redacted } from "effect"
import * as Actors from "../../src/actors/Actors.ts"
import { device } from "../../src/actors/device/Device.ts"
import { vsm } from "../../src/actors/vsm/Vsm.ts"
import { Attacher } from "../../src/gateways/link/Attacher.ts"
import { Link } from "../../src/gateways/link/Link.ts"
import { LinkCounters } from "../../src/gateways/link/LinkCounters.ts"
import { defaultTerms } from "../../src/gateways/link/LinkTerms.ts"
import { noTicket } from "../../src/gateways/link/LinkTransport.ts"
import { encodeUp } from "../../src/protocol/FrameCodec.ts"
import { layerAttacher } from "../../src/runtime/Attaching.ts"
import { makePartitions } from "../../src/runtime/storage/JournalPartitions.ts"
import { migrate } from "../../src/runtime/storage/Migrations.ts"
import { PgStore } from "../../src/runtime/storage/PgStore.ts"
import { startPostgres } from "../support/Postgres.ts"
import { layer, untilServing } from "./LoneNode.ts"
import { serve } from "./Processes.ts"

export interface MemoryRequest {
  readonly count: number
  /** Wakes one by one, after all. */
  readonly alone: number
}

export interface MemoryAnswer {
  /** Bytes of heap for each. */
  readonly attached: number
  readonly idleCell: number
  /** With what the engine keeps for an actor that was asked through the cluster. */
  readonly idleAsked: number
  readonly allMillis: number
  readonly aloneMillis: ReadonlyArray<number>
}

const operator = { kind: "user", id: "ada", role: "operator" } as const
const readings = {
  temp: 71.25,
  cpu: 0.42,
  mem: 812_345_344,
  load: [0.5, 0.4, 0.2],
  led: "on",
  fan: { rpm: 1200, ok: true },
  uptime: 1
}
const patient = { ...defaultTerms, heartbeatMillis: 600_000, leaseMillis: 1_300_000 }

const heap = (): number => {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().heapUsed + process.memoryUsage().external
}

/** A node over the database, as a process that starts now would have it. */
const startNode = async (url: Redacted.Redacted) => {
  const node = layer([device, vsm], (host) => new PgStore({ url, host }))
  const client = PgClient.layer({ url, connectTimeout: "30 seconds" })
  const runtime = ManagedRuntime.make(
    layerAttacher([]).pipe(Layer.provideMerge(Actors.layer), Layer.provideMerge(node), Layer.provideMerge(client))
  )
  await runtime.runPromise(Effect.andThen(migrate(), makePartitions))
  return { runtime, engine: await runtime.runPromise(untilServing), ports: await runtime.runPromise(Attacher) }
}
type Node = Awaited<ReturnType<typeof startNode>>

const attach = (ports: Node["ports"], counters: LinkCounters, id: string): Promise<Link> =>
  new Promise((resolve) => {
    const link: Link = new Link({
      ports,
      terms: patient,
      counters,
      id,
      transport: {
        ackMode: 0,
        send: () => {
          if (link.state === "attached") resolve(link)
        },
        acknowledge: () => {},
        pause: () => {},
        close: () => {}
      }
    })
    const about = { min: 1, max: 1, id, boot: 5, link: 1, up: 1000, profile: "bench", firmware: "1", caps: 0, rx: 4096 }
    link.receive(encodeUp({ type: "hello", seq: 0, ...about }), noTicket)
  })

/** An orderly end, as by a board that said goodbye. */
const goodbyeReason = 0
/** Devices that come at a time. */
const groupSize = 500

/** Some at a time, as the gateway lets them in. */
const inGroups = async <A>(ids: ReadonlyArray<string>, run: (id: string) => Promise<A>): Promise<ReadonlyArray<A>> => {
  const results: Array<A> = []
  for (let first = 0; first < ids.length; first += groupSize)
    results.push(...(await Promise.all(ids.slice(first, first + groupSize).map(run))))
  return results
}

/** Bytes of an attached device: cell, twin of seven readings, link, and what the engine keeps for its attach. */
const attachAll = async (url: Redacted.Redacted, ids: ReadonlyArray<string>): Promise<number> => {
  const { runtime, ports } = await startNode(url)
  const counters = new LinkCounters()
  // Compiles everything once, so that it is not counted.
  const warmUp = await attach(ports, counters, "warm-up")
  const before = heap()
  const links = await inGroups(ids, (id) => attach(ports, counters, id))
  const report = encodeUp({ type: "report", seq: 1, state: readings })
  for (const [index, link] of links.entries()) {
    link.receive(report, noTicket)
    // Some at a time here too: a turn of the event loop that lasts for seconds looks like a silent store.
    while (index % groupSize === groupSize - 1 && counters.totals.acknowledged <= index) await sleep(5)
  }
  while (counters.totals.acknowledged < ids.length) await sleep(20)
  const bytes = (heap() - before) / links.length
  for (const link of [warmUp, ...links]) link.lost({ reason: goodbyeReason })
  await runtime.dispose()
  return bytes
}

const wake = ({ engine }: Node, id: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const envelope = { message: "GetStatus", payload: {}, requestId: "", asker: operator }
    engine.residency.deliver({ kind: "device", id }, envelope, (reply) =>
      reply._tag === "Success" ? resolve() : reject(new Error(`${id}: ${JSON.stringify(reply)}`))
    )
  })

const measure = async ({ count, alone }: MemoryRequest): Promise<MemoryAnswer> => {
  const server = await startPostgres()
  const url = Redacted.make(server.url)
  const ids = Array.from({ length: count }, (_, index) => `device-${index}`)
  const attached = await attachAll(url, ids)

  const node = await startNode(url)
  const [first, ...others] = ids
  await wake(node, first ?? "")
  const asleep = heap()
  const aloneMillis: Array<number> = []
  for (const id of others.slice(0, alone)) {
    const from = performance.now()
    await wake(node, id)
    aloneMillis.push(performance.now() - from)
  }
  const startedAt = performance.now()
  const sleeping = others.slice(alone)
  await Promise.all(sleeping.map((id) => wake(node, id)))
  const allMillis = ((performance.now() - startedAt) * count) / sleeping.length
  const idleCell = (heap() - asleep) / count

  const body = new Uint8Array([0xa0])
  const posted = { message: "GetStatus", body, requestId: "", asker: operator }
  await inGroups(ids, (id) => node.runtime.runPromise(node.engine.ask({ kind: "device", id }, posted, 5_000)))
  const idleAsked = (heap() - asleep) / count
  await node.runtime.dispose()
  await server.stop()
  return { attached, idleCell, idleAsked, allMillis, aloneMillis }
}

serve(measure)
