/** The longest silence of any device while a node of three is killed, frozen, stopped, or joins; and a frozen PostgreSQL. */
import type { ChildProcess } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { startPostgres } from "../support/Postgres.ts"
import type { BoardsRequest, RunAnswer } from "./boards.ts"
import { post, startNode, stop, worker, writeConfig } from "./Processes.ts"
import { type BenchOptions, figure } from "./Rounds.ts"

const deviceCount = 30
/** A device is asked again this long after its last answer. */
const pauseMillis = 50
const settleMillis = 4_000
const afterMillis = 9_000
const frozenMillis = 2_000
const goals = { SIGKILL: 2_000, SIGSTOP: 4_000, SIGTERM: 1_200, join: 1_200 }
const maxima = { SIGKILL: 3_000, SIGSTOP: 6_000 }

type Happening = keyof typeof goals

interface Heard {
  readonly silenceMillis: number
  readonly failed: number
}

/** Asks every device again and again by doors that stay open, while `happen` runs and for a while after. */
const listen = async (ids: ReadonlyArray<string>, doors: ReadonlyArray<number>, happen: () => Promise<void>) => {
  let isOver = false
  let longest = 0
  let failed = 0
  const ask = async (id: string, index: number): Promise<void> => {
    const door = doors[index % doors.length] ?? 0
    while (!isOver) {
      const { status, millis } = await post(door, id, "GetStatus", {})
      longest = Math.max(longest, millis)
      if (status !== 200) failed++
      await sleep(pauseMillis)
    }
  }
  const asking = Promise.all(ids.map(ask))
  await sleep(settleMillis / 4)
  await happen()
  await sleep(afterMillis)
  isOver = true
  await asking
  return { silenceMillis: longest, failed } satisfies Heard
}

const claimsAt = async (port: number): Promise<number> => {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(/^holon_actor_claims_total(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1] ?? 0)
}

export const failover = async ({ isQuick }: BenchOptions): Promise<void> => {
  const rounds = isQuick ? 1 : 3
  const server = await startPostgres()
  const { path, httpPorts, mqttPorts } = await writeConfig(3)
  const nodes: Array<ChildProcess> = []
  for (const index of httpPorts.keys()) nodes[index] = await startNode(path, index, server.url)
  // Devices come into being by boards; who is asked needs none.
  const boards = worker<BoardsRequest, RunAnswer | undefined>("./boards.ts")
  await boards.ask({ do: "connect", ports: mqttPorts, count: deviceCount, attaches: true })
  const ids = Array.from({ length: deviceCount }, (_, index) => `bench-${boards.child.pid}-${index}`)
  await stop(boards.child)

  const heard = new Map<Happening, Array<Heard>>()
  const note = (what: Happening, outcome: Heard): void => {
    heard.set(what, [...(heard.get(what) ?? []), outcome])
  }
  for (const signal of ["SIGKILL", "SIGSTOP", "SIGTERM"] as const) {
    for (let round = 0; round < rounds; round++) {
      await sleep(settleMillis)
      const victim = (round + 1) % nodes.length
      const doors = httpPorts.filter((_, index) => index !== victim)
      const node = nodes[victim]
      if (node === undefined) throw new Error("no node")
      note(
        signal,
        await listen(ids, doors, async () => {
          node.kill(signal)
        })
      )
      await stop(node, "SIGKILL")
      note(
        "join",
        await listen(ids, doors, async () => {
          nodes[victim] = await startNode(path, victim, server.url)
        })
      )
    }
  }
  await sleep(settleMillis)
  const claims = async (): Promise<number> => {
    const counts = await Promise.all(httpPorts.map(claimsAt))
    return counts.reduce((sum, count) => sum + count, 0)
  }
  const before = await claims()
  const frozen = await listen(ids, httpPorts, async () => {
    server.freeze()
    await sleep(frozenMillis)
    server.thaw()
  })
  const rebuilt = (await claims()) - before
  console.log(`\nthree nodes, ${deviceCount} devices asked every ${pauseMillis} ms: longest silence of any device`)
  for (const [what, outcomes] of heard) {
    const silences = outcomes.map(({ silenceMillis }) => silenceMillis)
    figure(what, "ms", silences, { atMost: goals[what] })
    const bound = what === "SIGKILL" || what === "SIGSTOP" ? `, longest allowed ${maxima[what]} ms` : ""
    console.log(`    failed asks ${outcomes.map(({ failed }) => failed).join(", ")}${bound}`)
  }
  figure(`PostgreSQL frozen for ${frozenMillis} ms`, "ms", [frozen.silenceMillis])
  console.log(`    actors rebuilt ${rebuilt} (goal 0), failed asks ${frozen.failed}`)
  for (const node of nodes) await stop(node)
  await server.stop()
}
