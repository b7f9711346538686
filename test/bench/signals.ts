/**
 * How long it takes from a device at depth 5 until the agony that it feels is durable with its own VSM, and with the root: alone,
 * and while the VSMs on its way are sent ten times the commands that they may be sent. fsync is on.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Fiber, Layer, ManagedRuntime, Redacted, Schedule } from "effect"
import * as Actors from "../../src/actors/Actors.ts"
import { device } from "../../src/actors/device/Device.ts"
import type { Store } from "../../src/actors/Store.ts"
import { vsm } from "../../src/actors/vsm/Vsm.ts"
import { type Asker, runtimeAsker } from "../../src/protocol/Asker.ts"
import { Device } from "../../src/protocol/Device.ts"
import { Algedonic } from "../../src/protocol/vsm/Algedonic.ts"
import { Vsm } from "../../src/protocol/vsm/Vsm.ts"
import { rootId, VsmId } from "../../src/protocol/vsm/VsmId.ts"
import { makePartitions } from "../../src/runtime/storage/JournalPartitions.ts"
import { migrate } from "../../src/runtime/storage/Migrations.ts"
import { PgStore } from "../../src/runtime/storage/PgStore.ts"
import { algedonic } from "../../src/systems/policy/algedonic/Channel.ts"
import { recursion } from "../../src/systems/policy/recursion/Recursion.ts"
import { hello } from "../actors/device/Bench.ts"
import { startPostgres } from "../support/Postgres.ts"
import { layer, untilServing } from "./LoneNode.ts"
import { type BenchOptions, figure, percentile, show } from "./Rounds.ts"

const operator: Asker = { kind: "user", id: "bench", role: "operator" }
const line = ["root", "area", "hall", "line", "cell", "press"].map((id) => VsmId.make(id))
const own = line[5] ?? rootId
const board = "press-1"
/** A VSM may be sent 200 commands a second. */
const commandsPerSecond = 2000
const batchMillis = 10
const goals = { p99Millis: 100 }

/** Hears of the commits that hold a signal. */
class Arrivals {
  #waiting = new Map<string, () => void>()

  /** A store that says when a channel's commit with a signal is durable. */
  over(store: Store): Store {
    return {
      ...store,
      claim: (...all) => store.claim(...all),
      due: (...all) => store.due(...all),
      quarantine: (...all) => store.quarantine(...all),
      told: (...all) => store.told(...all),
      commit: (lane, owner, rows, done) =>
        store.commit(lane, owner, rows, (answer) => {
          for (const { kind, id, put } of rows)
            if (kind === "algedonic") for (const [part] of put) this.#waiting.get(`${id} ${part}`)?.()
          done(answer)
        })
    }
  }

  until(channel: string, signal: string): Promise<number> {
    return new Promise((resolve) => {
      const key = `${channel} signal/${signal}`
      this.#waiting.set(key, () => {
        this.#waiting.delete(key)
        resolve(performance.now())
      })
    })
  }
}

export const signals = async ({ isQuick }: BenchOptions): Promise<void> => {
  const count = isQuick ? 50 : 300
  const arrivals = new Arrivals()
  const postgres = await startPostgres()
  const url = Redacted.make(postgres.url)
  const client = PgClient.layer({ url, connectTimeout: "30 seconds" })
  const node = layer([vsm, recursion, device, algedonic], (host) => arrivals.over(new PgStore({ url, host })))
  const runtime = ManagedRuntime.make(Actors.layer.pipe(Layer.provideMerge(node), Layer.provideMerge(client)))
  await runtime.runPromise(Effect.andThen(migrate(), makePartitions))
  await runtime.runPromise(untilServing)
  const actors = await runtime.runPromise(Actors.Actors)
  const internal = { asker: runtimeAsker }
  const by = { asker: operator }

  await runtime.runPromise(
    Effect.gen(function* () {
      yield* actors.ask(Vsm, rootId, "Found", {}, internal)
      const boardAsker: Asker = { kind: "device", id: board, role: "board" }
      yield* actors.ask(Device, board, "Attach", hello, { asker: boardAsker })
      for (let depth = 1; depth < line.length; depth++) {
        const path = line.slice(0, depth)
        const [child = rootId] = line.slice(depth, depth + 1)
        yield* actors.ask(Vsm, child, "Start", { spawn: "bench", path, budget: {} }, internal)
        yield* actors.ask(Vsm, child, "Activate", { spawn: "bench" }, internal)
      }
      const from = [rootId]
      yield* actors.ask(Device, board, "AssignUnit", { to: own, from, by: rootId }, internal)
      yield* actors.ask(Algedonic, own, "Placed", { path: line }, internal)
    })
  )

  let number = 0
  /** Ms until it is with the VSM, and with the root. */
  const felt = async (): Promise<readonly [number, number]> => {
    const signal = `${own}.${++number}`
    const arrived = [arrivals.until(own, signal), arrivals.until(rootId, signal)] as const
    const startedAt = performance.now()
    const feeling = { metric: `heat-${number}`, intensity: 0.96 }
    await runtime.runPromise(actors.ask(Device, board, "Feel", feeling, internal))
    const [here, root] = await Promise.all(arrived)
    await runtime.runPromise(actors.ask(Algedonic, own, "Resolve", { signal }, by))
    return [here - startedAt, root - startedAt]
  }
  const bare = async (): Promise<number> => {
    const startedAt = performance.now()
    await runtime.runPromise(
      actors.ask(Algedonic, own, "SetFilter", { metric: "none", below: number++ % 2 ? 0.5 : 0.4 }, by)
    )
    return performance.now() - startedAt
  }
  const run = async (name: string): Promise<void> => {
    const times: Array<readonly [number, number]> = []
    for (let at = 0; at < count; at++) times.push(await felt())
    for (const [where, place] of [
      ["its own VSM", 0],
      ["the root, five above", 1]
    ] as const) {
      const each = times.map((both) => both[place])
      figure(`${name}: until ${where} has it`, "ms", each)
      figure(`  99th percentile of ${each.length}`, "ms", [percentile(each, 0.99)], { atMost: goals.p99Millis })
    }
  }

  const commits: Array<number> = []
  const before = number
  for (let at = 0; at < count; at++) commits.push(await bare())
  number = before
  console.log(`\nagony of a device at depth ${line.length - 1}`)
  figure("for comparison: one ask of a channel with its commit", "ms", commits)
  await run("alone")
  let commands = 0
  const command = Effect.suspend(() =>
    Effect.ignore(
      actors.ask(Vsm, own, ++commands % 2 ? "Quarantine" : "Release", commands % 2 ? { reason: "bench" } : {}, by)
    )
  )
  const startedAt = performance.now()
  const load = runtime.runFork(
    Effect.forEach(Array.from({ length: (commandsPerSecond * batchMillis) / 1000 }), () => Effect.forkDetach(command), {
      discard: true
    }).pipe(Effect.repeat(Schedule.fixed(batchMillis)))
  )
  await run("while its VSM is sent commands")
  const perSecond = (commands * 1000) / (performance.now() - startedAt)
  await runtime.runPromise(Fiber.interrupt(load))
  console.log(`  ${show(perSecond)} commands a second were sent to ${own} meanwhile`)
  await runtime.dispose()
  await postgres.stop()
}
