import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { Agent } from "../../devices/agent/Agent.ts"
import type { Clock } from "../../devices/agent/Clock.ts"
import { transportFor } from "../../devices/agent/Connect.ts"
import { realClock } from "../../devices/agent/RealTime.ts"
import type { Transport } from "../../devices/agent/Transport.ts"
import { NvStore } from "../../devices/nv/NvStore.ts"
import { profileOf } from "../../devices/profiles/Profiles.ts"
import { programsOn, simulatedMemories } from "../../devices/programs/BoardPrograms.ts"
import { trustsAll } from "../../devices/programs/ImageChecks.ts"
import { type ChaosCluster, nodesCount } from "../../src/chaos/ChaosCluster.ts"
import { writeHxe } from "../../src/protocol/hxe/HxeWriter.ts"
import { ask, post, requestId } from "./AnyNode.ts"
import { clustered } from "./Clustered.ts"

/** Chunks of 512 bytes: an image takes hundreds. */
const rx = 1024
/** How late the board's frames leave, ms: a transfer then takes some seconds, and nodes can die in its middle. */
const lagMillis = 700
const codeBytes = 60_000
/** LDI R0, 0 and RET: it returns at once, and well. */
const ret = [0x01, 0, 0, 0, 0x25, 0, 0, 0]

/** A program whose code is followed by bytes that only a byte-wise comparison tells apart. */
const image = (): Uint8Array => {
  const code = Uint8Array.from({ length: codeBytes }, (_, at) => ret[at] ?? (at * 7 + (at >> 8)) & 255)
  return writeHxe({ version: 2, appName: "long", entry: 0, code, rodata: new Uint8Array(0) })
}

/** Dials another node each time; what the board says leaves late. */
const slow = (urls: ReadonlyArray<string>, { schedule }: Clock): Transport => {
  let dials = 0
  return {
    open: (opening, events) => {
      const transport = transportFor({ url: urls[dials++ % urls.length] ?? "" }, "sim-board")
      if (transport === undefined) throw new Error("no transport")
      const connection = transport.open(opening, events)
      return {
        send: (bytes, carriage) => void schedule(lagMillis, () => connection.send(bytes, carriage)),
        close: (orderly) => connection.close(orderly)
      }
    }
  }
}

interface View {
  readonly state: string
  readonly bytes: number
  readonly total: number
  readonly endedAt?: number
  readonly installed?: string
  readonly detail?: string
}

const provisioned = (cluster: ChaosCluster) =>
  Effect.gen(function* () {
    const clock = yield* realClock
    const [firstHttp = ""] = cluster.httpUrls
    const bytes = image()
    const memories = simulatedMemories()
    const profile = profileOf("sim-board")
    const report = (what: string, cause: unknown): void => assert.fail(`${what}: ${String(cause)}`)
    const programs = programsOn({ memories, trust: trustsAll }, { profile, clock, report })
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        const agent = new Agent(
          { id: "long-1", profile: profile.id, firmware: "1", rx, requests: 4 },
          {
            clock,
            transport: slow(cluster.boardUrls, clock),
            nextBoot: () => 1,
            report,
            ...(programs === undefined ? {} : { programs })
          },
          () => ({ execute: () => undefined, applyDesired: () => ({}), state: () => ({}) })
        )
        agent.start()
        return agent
      }),
      (agent) => Effect.promise(() => new Promise<void>((resolve) => agent.stop(0, resolve)))
    )
    yield* Effect.promise(async () => {
      const pushed = (await post(`${firstHttp}/api/images`, {
        headers: { "content-type": "application/octet-stream" },
        body: new Uint8Array(bytes)
      })) as { sha256: string }
      const status = () => ask(cluster.httpUrls, "/api/device/long-1/GetStatus", {}) as Promise<{ boot: number }>
      while ((await status().catch(() => ({ boot: 0 }))).boot === 0)
        await new Promise((resolve) => setTimeout(resolve, 50))
      await ask(
        cluster.httpUrls,
        "/api/session/s-1/Provision",
        { device: "long-1", sha256: pushed.sha256 },
        requestId()
      )
      const view = () => ask(cluster.httpUrls, "/api/session/s-1/GetSession", {}) as Promise<View>
      const killedAt: Array<number> = []
      // Each node dies once while chunks are on their way: that of the session, of the device and of the board's link.
      for (let node = 0; node < nodesCount; node++) {
        for (;;) {
          const { bytes: held, total, state } = await view()
          assert.strictEqual(state, "loading", "the transfer was over before every node had died")
          if (total > 0 && held > ((node + 1) * total) / 5) break
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
        await cluster.signal(node, "SIGKILL")
        killedAt.push(node)
        await cluster.start(node)
      }
      let end = await view()
      for (; end.endedAt === undefined && end.installed !== "trial"; end = await view())
        await new Promise((resolve) => setTimeout(resolve, 200))
      assert.strictEqual(end.state, "ready", end.detail)
      assert.strictEqual(killedAt.length, nodesCount)
    })
    const store = Result.getOrThrow(NvStore.mount({ devices: memories.open() }))
    assert.deepStrictEqual(Result.getOrThrow(store.image("long")).bytes, bytes)
  })

describe("provisioning", () => {
  it.live(
    "ends ready, the board's image equal byte for byte, though every node is killed while chunks are on their way",
    () => clustered(provisioned),
    180_000
  )
})
