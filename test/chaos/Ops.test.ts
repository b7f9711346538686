import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { plainBody } from "../../devices/simulated/PlainBoard.ts"
import type { Body } from "../../devices/simulated/SimulatedApplication.ts"
import { type ChaosCluster, nodesCount } from "../../src/chaos/ChaosCluster.ts"
import { AuditPage } from "../../src/protocol/audit/AuditView.ts"
import { Verdict } from "../../src/protocol/audit/Verdict.ts"
import { ClaimView } from "../../src/protocol/vsm/Claim.ts"
import { OpView } from "../../src/protocol/vsm/Op.ts"
import { ask, eventually, requestId } from "./AnyNode.ts"
import { boardsOnline } from "./Boards.ts"
import { clustered } from "./Clustered.ts"

const ids = Array.from({ length: 5 }, (_, at) => `cell-${at + 1}`)
/** Long enough that a node dies in the middle of it. */
const commandMillis = 1500

const opOf = Schema.decodeUnknownSync(OpView)
const claimsOf = Schema.decodeUnknownSync(Schema.Struct({ claims: Schema.Array(ClaimView) }))
const pageOf = Schema.decodeUnknownSync(AuditPage)
const verdictOf = Schema.decodeUnknownSync(Verdict)

/** Counts what the board really begins, by the ids of its commands. */
const counting = (begun: Map<string, number>) => (): Body => {
  const { power, ...body } = plainBody()
  return {
    ...body,
    power: (powered) => {
      const application = power(powered)
      return {
        ...application,
        execute: (command, execution) => {
          begun.set(command.id, (begun.get(command.id) ?? 0) + 1)
          return application.execute(command, execution)
        }
      }
    }
  }
}

const get = async (urls: ReadonlyArray<string>, path: string): Promise<unknown> => {
  const answer = async (): Promise<unknown> => {
    for (const url of urls) {
      const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined)
      if (response?.ok === true) return response.json()
    }
    return undefined
  }
  return eventually(answer, (found) => found !== undefined)
}

const order = (device: string, idempotencyKey: string) => ({
  capability: "device.command.invoke@1",
  targets: { of: [{ id: device }], except: [] },
  args: { command: "sleep", millis: commandMillis },
  idempotencyKey,
  lifeMillis: 120_000
})

const commanded = (cluster: ChaosCluster) =>
  Effect.gen(function* () {
    const { httpUrls } = cluster
    const begun = new Map<string, number>()
    yield* boardsOnline(cluster, ids, counting(begun))
    yield* Effect.promise(async () => {
      const give = async (payload: object, turn: number) => {
        const urls = [...httpUrls.slice(turn), ...httpUrls.slice(0, turn)]
        return opOf(await ask(urls, "/api/dispatcher/root/DispatchIntent", payload, requestId()))
      }
      const look = async (op: string) => opOf(await ask(httpUrls, "/api/dispatcher/root/OpStatus", { op }))
      const ended = (op: string) =>
        eventually(
          () => look(op),
          ({ state }) => state === "ended"
        )
      // The words of the fleet follow its boards within a second or two.
      await eventually(
        async () => ended((await give({ text: `let ${ids.join(", ")} sleep for 1 second`, dryRun: true }, 0)).op),
        ({ outcome }) => outcome === "done"
      )

      const given = new Map<string, string>()
      for (let node = 0; node < nodesCount; node++) {
        const keys = ids.map((id) => `${id} in round ${node}`)
        const first = await Promise.all(ids.map((id, at) => give(order(id, keys[at] ?? ""), at % nodesCount)))
        await eventually(
          async () => begun.size,
          (count) => count > node * ids.length
        )
        await cluster.signal(node, "SIGKILL")
        // Who gave the order heard nothing, and gives it again.
        const again = await Promise.all(ids.map((id, at) => give(order(id, keys[at] ?? ""), (at + 1) % nodesCount)))
        assert.deepStrictEqual(
          again.map(({ op }) => op),
          first.map(({ op }) => op)
        )
        const [unwanted] = first
        if (unwanted !== undefined) await ask(httpUrls, "/api/dispatcher/root/CancelOp", { op: unwanted.op })
        await cluster.start(node)
        for (const [at, { op }] of first.entries()) given.set(op, keys[at] ?? "")
        for (const { op } of first) await ended(op)
      }

      for (const op of given.keys()) {
        const view = await look(op)
        assert.include(["done", "cancelled"], view.outcome, JSON.stringify(view))
        assert.deepStrictEqual(
          view.chunks.map(({ seq }) => seq),
          [0]
        )
      }
      assert.isAtMost(Math.max(...begun.values()), 1, "no board ran a command twice")
      assert.isAtMost(begun.size, given.size, "no op had two commands")

      const where = encodeURIComponent('type == "op.ended"')
      const records = await eventually(
        async () => pageOf(await get(httpUrls, `/api/audit?limit=200&where=${where}`)).records,
        (found) => [...given.keys()].every((op) => found.some(({ data }) => Object(data).op === op))
      )
      const ends = records.map(({ data }) => Object(data).op)
      assert.strictEqual(new Set(ends).size, ends.length, "every op ended once")
      const verdict = verdictOf(await get(httpUrls, "/api/audit/verify"))
      assert.isTrue(verdict.isWhole, JSON.stringify(verdict.broken))
      await eventually(
        async () => claimsOf(await ask(httpUrls, "/api/coordinator/root/GetClaims", { state: "held" })).claims,
        ({ length }) => length === 0
      )
    })
  })

describe("orders", () => {
  it.live(
    "are carried out once and end once, though every node is killed in the middle of them, and the audit says so",
    () => clustered(commanded),
    180_000
  )
})
