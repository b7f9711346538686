/** Simulated boards of a cluster whose nodes come and go. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { transportFor } from "../../devices/agent/Connect.ts"
import { realClock } from "../../devices/agent/RealTime.ts"
import type { Transport } from "../../devices/agent/Transport.ts"
import { simulatedFiles } from "../../devices/hal/BoardFiles.ts"
import { simulatedMemories } from "../../devices/programs/BoardPrograms.ts"
import { trustsAll } from "../../devices/programs/ImageChecks.ts"
import { plainBody } from "../../devices/simulated/PlainBoard.ts"
import type { Body } from "../../devices/simulated/SimulatedApplication.ts"
import { SimulatedBoard } from "../../devices/simulated/SimulatedBoard.ts"
import type { ChaosCluster } from "../../src/chaos/ChaosCluster.ts"
import { ask, eventually } from "./AnyNode.ts"

/** Dials another node each time. */
export const dialling = (urls: ReadonlyArray<string>, first: number): Transport => {
  let dials = first
  return {
    open: (opening, events) => {
      const transport = transportFor({ url: urls[dials++ % urls.length] ?? "" }, "sim-board")
      if (transport === undefined) throw new Error("no transport")
      return transport.open(opening, events)
    }
  }
}

/** A board that takes programs, attached until the scope ends. Answers its memories. */
export const board = (id: string, transport: Transport, body: Body = plainBody()) =>
  Effect.gen(function* () {
    const clock = yield* realClock
    const memories = simulatedMemories()
    const report = (what: string, cause: unknown): void => assert.fail(`${id}: ${what}: ${String(cause)}`)
    const programs = { memories, trust: trustsAll, files: simulatedFiles() }
    const made = new SimulatedBoard({ id, seed: 1, body, nextBoot: () => 1, programs }, { clock, transport, report })
    yield* Effect.acquireRelease(
      Effect.sync(() => made.start()),
      () => Effect.promise(() => new Promise<void>((resolve) => made.stop(resolve)))
    )
    return memories
  })

/** Boards of a cluster, all of them online; each dials another node first. Answers their memories. */
export const boardsOnline = (
  { httpUrls, boardUrls }: ChaosCluster,
  ids: ReadonlyArray<string>,
  bodyOf: (id: string) => Body = plainBody
) =>
  Effect.gen(function* () {
    const memories = yield* Effect.forEach(ids, (id, at) => board(id, dialling(boardUrls, at), bodyOf(id)))
    yield* Effect.forEach(
      ids,
      (id) =>
        Effect.promise(() =>
          eventually(
            () => ask(httpUrls, `/api/device/${id}/GetStatus`, {}).catch(() => ({})),
            (status) => Object(status).connection?.state === "online"
          )
        ),
      { discard: true }
    )
    return memories
  })
