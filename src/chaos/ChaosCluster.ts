/** Three real node processes with a proxy on every way between them, their database and their boards. */
import { type ChildProcess, spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, Redacted, type Scope } from "effect"
import { freePorts } from "../runtime/FreePorts.ts"
import { paths } from "../runtime/storage/EmbeddedPostgres.ts"
import { processesIn } from "../runtime/storage/PostgresProcess.ts"
import { PostgresUrl } from "../runtime/storage/PostgresUrl.ts"
import { TcpProxy } from "./TcpProxy.ts"

/** Nodes of a run, and one more that joins and leaves. */
export const nodesCount = 3
const joinerIndex = nodesCount

const main = fileURLToPath(new URL("../cli/main.ts", import.meta.url))
const readyLine = "holon node is ready"
const portsPerNode = 4
const stopMillisMax = 10_000
const lastWords = 8

interface NodePlace {
  readonly http: number
  readonly mqtt: number
  readonly runner: number
  readonly relay: number
  readonly boards: TcpProxy
  readonly database: TcpProxy
  /** By the index of the node they lead to; both ways of a pair are cut together. */
  readonly peers: Map<number, { readonly runner: TcpProxy; readonly relay: TcpProxy }>
  readonly config: string
}

export class ChaosCluster {
  readonly #folder: string
  readonly #places: ReadonlyArray<NodePlace>
  readonly #url: URL
  readonly #processes = new Map<number, ChildProcess>()
  readonly #log: (line: string) => void
  /** Lines the nodes wrote, newest last: shown when a check fails. */
  readonly lines: Array<string> = []

  private constructor(folder: string, places: ReadonlyArray<NodePlace>, url: URL, log: (line: string) => void) {
    this.#folder = folder
    this.#places = places
    this.#url = url
    this.#log = log
  }

  /** Starts proxies and nodes; all of it ends with the scope. */
  static readonly make = (
    folder: string,
    log: (line: string) => void
  ): Effect.Effect<ChaosCluster, never, Scope.Scope | PostgresUrl> =>
    Effect.gen(function* () {
      const url = new URL(Redacted.value(yield* PostgresUrl))
      const cluster = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const database = { host: url.hostname, port: Number(url.port) }
          return new ChaosCluster(folder, await placesOf(folder, database), url, log)
        }),
        (made) => Effect.promise(() => made.#close())
      )
      yield* Effect.promise(() => Promise.all(Array.from({ length: nodesCount }, (_, index) => cluster.start(index))))
      return cluster
    })

  /** Where boards attach: one address a node, behind its proxy. */
  get boardUrls(): ReadonlyArray<string> {
    return this.#places.slice(0, nodesCount).map(({ boards }) => `mqtt://127.0.0.1:${boards.port}`)
  }

  /** Where nodes meet: what a node is called in the list of nodes. */
  addressOf(node: number): string {
    return `127.0.0.1:${this.#places[node]?.runner ?? 0}`
  }

  /** Where people ask: one address a node. */
  get httpUrls(): ReadonlyArray<string> {
    return this.#places.slice(0, nodesCount).map(({ http }) => `http://127.0.0.1:${http}`)
  }

  /** Starts a node and waits until it serves; a node that ends meanwhile is started by whoever asks again. */
  start(index: number): Promise<void> {
    const place = this.#places[index]
    if (place === undefined || this.#processes.has(index)) return Promise.resolve()
    const url = new URL(this.#url)
    url.port = String(place.database.port)
    const child = spawn(process.execPath, [...process.execArgv, main, "node", "--leashed", "--config", place.config], {
      // A node ends with its input, however this process ends.
      stdio: ["pipe", "pipe", "pipe"],
      cwd: this.#folder,
      env: { ...process.env, HOLON_POSTGRES: url.href }
    })
    this.#processes.set(index, child)
    return new Promise((resolve) => {
      const read = (text: string): void => {
        for (const line of text.split("\n")) if (line !== "") this.lines.push(`node ${index + 1}: ${line}`)
        this.lines.splice(0, this.lines.length - 2000)
        if (text.includes(readyLine)) resolve()
      }
      child.stdout.setEncoding("utf8").on("data", read)
      child.stderr.setEncoding("utf8").on("data", read)
      child.once("exit", (code, signal) => {
        if (this.#processes.get(index) === child) {
          this.#processes.delete(index)
          if (code !== 0 && signal === null) this.#tellEnd(index, code)
        }
        resolve()
      })
    })
  }

  #tellEnd(index: number, code: number | null): void {
    this.#log(`node ${index + 1} ended by itself with code ${code}; its last words:`)
    const own = this.lines.filter((line) => line.startsWith(`node ${index + 1}: `))
    for (const line of own.slice(-lastWords)) this.#log(`  ${line}`)
  }

  /** SIGKILL, SIGSTOP, SIGCONT or SIGTERM; answers when the process is gone, at once for the two that stop and wake. */
  signal(index: number, signal: "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM"): Promise<void> {
    const child = this.#processes.get(index)
    if (child === undefined) return Promise.resolve()
    child.kill(signal)
    if (signal === "SIGSTOP" || signal === "SIGCONT") return Promise.resolve()
    this.#processes.delete(index)
    return new Promise((resolve) => child.once("exit", () => resolve()))
  }

  join(): Promise<void> {
    return this.start(joinerIndex)
  }

  leave(): Promise<void> {
    return this.signal(joinerIndex, "SIGTERM")
  }

  cutNodes(from: number, to: number, isCut: boolean): void {
    for (const [source, target] of [
      [from, to],
      [to, from]
    ] as const) {
      const ways = this.#places[source]?.peers.get(target)
      for (const way of [ways?.runner, ways?.relay]) way?.set(isCut ? "stall" : "pass")
    }
  }

  cutDatabase(node: number, isCut: boolean): void {
    this.#places[node]?.database.set(isCut ? "stall" : "pass")
  }

  /** What actors read and write hangs, the heartbeats of the node go on: it lives, and gets nothing done. */
  stallWork(node: number, isStalled: boolean): void {
    this.#places[node]?.database.set(isStalled ? "stall" : "pass", isMembership)
  }

  cutBoards(node: number, passage: "pass" | "drop" | "stall"): void {
    this.#places[node]?.boards.set(passage)
  }

  signalDatabase(signal: "SIGSTOP" | "SIGCONT"): void {
    for (const pid of this.#databaseProcesses()) process.kill(pid, signal)
  }

  /** Kills the whole server; who started it starts it again on the same port. */
  killDatabase(): void {
    for (const pid of this.#databaseProcesses()) process.kill(pid, "SIGKILL")
  }

  #databaseProcesses(): ReadonlyArray<number> {
    return processesIn(paths(join(this.#folder, "data")).data) ?? []
  }

  async #close(): Promise<void> {
    await Promise.all(
      [...this.#processes.keys()].map(async (index) => {
        await this.signal(index, "SIGCONT")
        const child = this.#processes.get(index)
        const late = setTimeout(() => {
          this.#log(`node ${index + 1} did not stop within ${stopMillisMax / 1000} s of SIGTERM`)
          child?.kill("SIGKILL")
        }, stopMillisMax)
        await this.signal(index, "SIGTERM")
        clearTimeout(late)
      })
    )
    for (const { boards, database, peers } of this.#places) {
      for (const proxy of [boards, database, ...[...peers.values()].flatMap(({ runner, relay }) => [runner, relay])])
        proxy.close()
    }
  }
}

/** Whether a connection to PostgreSQL is one of the membership: its name stands in the startup message. */
const isMembership = (greeting: Buffer): boolean =>
  greeting.includes("holon lock ") || greeting.includes("holon membership")

const local = (port: number) => ({ host: "127.0.0.1", port })

const placesOf = async (
  folder: string,
  database: { readonly host: string; readonly port: number }
): Promise<ReadonlyArray<NodePlace>> => {
  const count = nodesCount + 1
  const ports = await Effect.runPromise(freePorts(count * portsPerNode, "127.0.0.1"))
  const portOf = (index: number, which: number): number => ports[index * portsPerNode + which] ?? 0
  const indexes = Array.from({ length: count }, (_, index) => index)
  return Promise.all(
    indexes.map(async (index) => {
      const peers = new Map<number, { readonly runner: TcpProxy; readonly relay: TcpProxy }>()
      const via: Record<string, string> = {}
      for (const other of indexes) {
        if (other === index) continue
        const runner = await new TcpProxy(local(portOf(other, 2))).listen()
        const relay = await new TcpProxy(local(portOf(other, 3))).listen()
        peers.set(other, { runner, relay })
        via[`127.0.0.1:${portOf(other, 2)}`] = `127.0.0.1:${runner.port}`
        via[`127.0.0.1:${portOf(other, 3)}`] = `127.0.0.1:${relay.port}`
      }
      const [http, mqtt, runner, relay] = [0, 1, 2, 3].map((which) => portOf(index, which))
      const config = join(folder, `node-${index + 1}.config.mjs`)
      const value = {
        data: join(folder, "data"),
        http: { port: http },
        mqtt: { port: mqtt },
        peers: { runnerPort: runner, relayPort: relay, via },
        link: { times: { heartbeat: "1 second", lease: "4 seconds" } },
        demo: { isOn: false },
        storage: { url: { env: "HOLON_POSTGRES" } }
      }
      writeFileSync(config, `export default ${JSON.stringify(value, null, 2)}\n`)
      return {
        http: http ?? 0,
        mqtt: mqtt ?? 0,
        runner: runner ?? 0,
        relay: relay ?? 0,
        boards: await new TcpProxy(local(mqtt ?? 0)).listen(),
        database: await new TcpProxy(database).listen(),
        peers,
        config
      }
    })
  )
}
