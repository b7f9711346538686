/** Processes of a bench: what is measured never shares a process with what measures it. */
import { type ChildProcess, fork, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { Agent, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import type { ClusterInput } from "../../src/runtime/Config.ts"
import { freePorts } from "../../src/runtime/FreePorts.ts"

/** As a user starts it: with the flags that the start script gives to Node. */
const main = fileURLToPath(new URL("../../scripts/holon.mjs", import.meta.url))
const quiet = "--disable-warning=ExperimentalWarning"

const startMillisMax = 60_000
const stopMillisMax = 15_000

/** A folder that is removed when the bench ends. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "holon-bench-"))
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const running = new Set<ChildProcess>()
process.once("exit", () => {
  // What a node has started ends with it.
  for (const child of running) child.kill("SIGTERM")
})

const watched = (child: ChildProcess): ChildProcess => {
  running.add(child)
  child.once("exit", () => running.delete(child))
  return child
}

/** Ends a process and waits until it is gone. */
export const stop = (child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    const timer = setTimeout(() => child.kill("SIGKILL"), stopMillisMax)
    child.once("exit", () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill(signal)
  })

/** A worker process of ours that answers one message with one message, in order. */
export interface Worker<Request, Answer> {
  readonly child: ChildProcess
  readonly ask: (request: Request) => Promise<Answer>
}

/** Forks `file` beside this one, with the flags of this one, which are the product's. What it answers is trusted. */
export const worker = <Request extends object, Answer>(
  file: string,
  execArgv: ReadonlyArray<string> = []
): Worker<Request, Answer> => {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = watched(fork(path, [], { execArgv: [...process.execArgv, ...execArgv], serialization: "advanced" }))
  const ask = (request: Request): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`${file} ended with ${code}`))
      child.once("exit", ended)
      child.once("message", (answer) => {
        child.off("exit", ended)
        const [value] = answer as [Answer]
        resolve(value)
      })
      child.send(request)
    })
  return { child, ask }
}

/** Serves the requests of {@link worker} in the forked process. */
export const serve = <Request, Answer>(handle: (request: Request) => Promise<Answer>): void => {
  process.on("message", (request) => {
    // Wrapped, because nothing at all is no message.
    handle(request as Request).then((answer) => process.send?.([answer]))
  })
  process.once("disconnect", () => process.exit(0))
}

/** Runs a program of the product until it says `ready`. */
export const start = (
  argv: ReadonlyArray<string>,
  ready: string,
  options: { readonly execArgv?: ReadonlyArray<string>; readonly env?: Readonly<Record<string, string>> } = {}
): Promise<ChildProcess> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [quiet, ...(options.execArgv ?? []), main, ...argv], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env }
    })
    watched(child)
    let said = ""
    const timer = setTimeout(() => reject(new Error(`not ready in a minute:\n${said}`)), startMillisMax)
    const hear = (text: Buffer) => {
      said = (said + text.toString("utf8")).slice(-10_000)
      if (!said.includes(ready)) return
      clearTimeout(timer)
      resolve(child)
    }
    child.stdout.on("data", hear)
    child.stderr.on("data", hear)
    child.once("exit", (code) => reject(new Error(`ended with ${code}:\n${said}`)))
  })

/** A cluster under load, each node a process. */
export interface Cluster {
  readonly mqttPorts: ReadonlyArray<number>
  readonly httpPorts: ReadonlyArray<number>
  readonly config: string
  readonly process: ChildProcess
  readonly stop: () => Promise<void>
}

/** Times of a link on which nobody falls silent while another variant has its turn. */
const patientLink = { times: { heartbeat: "10 minutes", lease: "21 minutes" }, newPerSecond: 10_000 }

/** Writes a config with free ports; answers its path and the first ports of its nodes. */
export const writeConfig = async (nodes: number, more: ClusterInput = {}) => {
  const folder = temporaryFolder()
  const [first = 0] = await Effect.runPromise(freePorts(nodes * 4, "127.0.0.1"))
  const [http, mqtt, runnerPort, relayPort] = [first, first + nodes, first + 2 * nodes, first + 3 * nodes]
  const input: ClusterInput = {
    data: join(folder, "data"),
    nodes,
    http: { port: http },
    mqtt: { port: mqtt },
    peers: { runnerPort, relayPort },
    demo: { isOn: false },
    ...more
  }
  const path = join(folder, "cluster.config.mjs")
  writeFileSync(path, `export default ${JSON.stringify(input)}\n`)
  const portsFrom = (port: number) => Array.from({ length: nodes }, (_, index) => port + index)
  return { path, folder, data: join(folder, "data"), httpPorts: portsFrom(http), mqttPorts: portsFrom(mqtt) }
}

/** Starts `holon up` with that many nodes and boards that may have `window` frames in flight. */
export const startCluster = async (
  nodes: number,
  window: number,
  execArgv: ReadonlyArray<string> = []
): Promise<Cluster> => {
  const { path, httpPorts, mqttPorts } = await writeConfig(nodes, { link: { ...patientLink, window } })
  const child = await start(["up", "--config", path], "holon is ready", { execArgv })
  child.stdout?.pipe(process.stderr)
  child.stderr?.pipe(process.stderr)
  return { mqttPorts, httpPorts, config: path, process: child, stop: () => stop(child) }
}

/** One node of the config, in a process of its own that can be killed. */
export const startNode = (config: string, index: number, postgres: string): Promise<ChildProcess> =>
  start(["node", "--config", config, "--index", String(index), "--postgres", postgres], "holon node is ready")

/** What an HTTP door answers to a message for a device: its status, and the milliseconds it took. */
export interface Answered {
  readonly status: number
  readonly millis: number
}

const agent = new Agent({ keepAlive: true })

/** Sends a message to a device by the HTTP door of a node. Status 0: no answer. */
export const post = (port: number, id: string, message: string, payload: object): Promise<Answered> =>
  new Promise((resolve) => {
    const startedAt = performance.now()
    const answered = (status: number): void => resolve({ status, millis: performance.now() - startedAt })
    const sent = request(
      {
        agent,
        host: "127.0.0.1",
        port,
        method: "POST",
        path: `/api/device/${id}/${message}`,
        headers: { "content-type": "application/json" }
      },
      (response) => {
        response.resume()
        response.once("end", () => answered(response.statusCode ?? 0))
        response.once("error", () => answered(0))
      }
    )
    sent.once("error", () => answered(0))
    sent.end(JSON.stringify(payload))
  })
