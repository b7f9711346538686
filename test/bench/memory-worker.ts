/** Worker of the memory bench: a fleet in one process whose collector can be called. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, ManagedRuntime, Redacted } from "effect"
import * as Actors from "../../src/actors/Actors.ts"
import { device } from "../../src/actors/device/Device.ts"
import type { Address } from "../../src/actors/Host.ts"
import { Attacher } from "../../src/gateways/link/Attacher.ts"
import { Link, noTicket } from "../../src/gateways/link/Link.ts"
import { LinkCounters } from "../../src/gateways/link/LinkCounters.ts"
import { defaultTerms } from "../../src/gateways/link/LinkTerms.ts"
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

const measure = async ({ count, alone }: MemoryRequest): Promise<MemoryAnswer> => {
  const server = await startPostgres()
  const url = Redacted.make(server.url)
  const node = layer([device], (host) => new PgStore({ url, host }))
  const runtime = ManagedRuntime.make(
    layerAttacher.pipe(
      Layer.provideMerge(Actors.layer),
      Layer.provideMerge(node),
      Layer.provideMerge(PgClient.layer({ url }))
    )
  )
  await runtime.runPromise(Effect.andThen(migrate(), makePartitions))
  const engine = await runtime.runPromise(untilServing)
  const ports = await runtime.runPromise(Attacher)
  const addresses = Array.from({ length: count }, (_, index): Address => ({ kind: "device", id: `device-${index}` }))
  const counters = new LinkCounters()

  const attach = ({ id }: Address): Promise<Link> =>
    new Promise((resolve) => {
      const link: Link = new Link({
        ports,
        terms: patient,
        counters,
        id,
        transport: {
          ackMode: 0,
          send: () => {
            if (link.state !== "attached") return
            resolve(link)
          },
          acknowledge: () => {},
          pause: () => {},
          close: (ending) => console.error(`${id}: ${ending}`)
        }
      })
      const about = {
        min: 1,
        max: 1,
        id,
        boot: 5,
        link: 1,
        up: 1000,
        profile: "bench",
        firmware: "1",
        caps: 0,
        rx: 4096
      }
      link.receive(encodeUp({ type: "hello", seq: 0, ...about }), noTicket)
    })
  const inGroups = async <A>(run: (address: Address) => Promise<A>): Promise<ReadonlyArray<A>> => {
    const results: Array<A> = []
    for (let first = 0; first < count; first += 500)
      results.push(...(await Promise.all(addresses.slice(first, first + 500).map(run))))
    return results
  }
  const settled = async (): Promise<void> => {
    while (counters.totals.acknowledged < count) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  // Compiles everything once, so that it is not counted.
  await attach({ kind: "device", id: "warm-up" })
  const before = heap()
  let links = await inGroups(attach)
  const report = encodeUp({ type: "report", seq: 1, state: readings })
  for (const link of links) link.receive(report, noTicket)
  await settled()
  const attached = (heap() - before) / count

  // The links end, the cells leave, and what the engine kept for the attaches is of no account any more.
  for (const link of links) link.lost({ reason: 0 })
  links = []
  const release = async (): Promise<void> => {
    await Promise.all(
      engine.shards().map((shard) => new Promise<void>((resolve) => engine.residency.release(shard, resolve)))
    )
  }
  await release()

  const wake = (address: Address): Promise<void> =>
    new Promise((resolve, reject) => {
      const envelope = { message: "GetStatus", payload: {}, requestId: "", asker: operator }
      engine.residency.deliver(address, envelope, (reply) =>
        reply._tag === "Success" ? resolve() : reject(new Error(`${address.id}: ${JSON.stringify(reply)}`))
      )
    })
  const asleep = heap()
  const startedAt = performance.now()
  await Promise.all(addresses.map(wake))
  const allMillis = performance.now() - startedAt
  const idleCell = (heap() - asleep) / count
  await release()
  const aloneMillis: Array<number> = []
  for (const address of addresses.slice(0, alone)) {
    const from = performance.now()
    await wake(address)
    aloneMillis.push(performance.now() - from)
  }
  await runtime.dispose()
  await server.stop()
  return { attached, idleCell, allMillis, aloneMillis }
}

serve(measure)
