/**
 * Two controllers fight over one valve, on a node of its own with simulated tanks: over `tank-1` each alone, over `tank-2` through the
 * coordinator, both at the same time. Draws what happened and fails when coordination did not calm the valve:
 * `node scripts/run.mjs scripts/two-controllers.ts [--seconds 240] [--out FILE]`.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { Effect, Option, Schema } from "effect"
import { freePorts } from "../src/runtime/FreePorts.ts"
import { errorOf, type Moment, plot, reversalsOf } from "./valve-plot.ts"

const { values: flags } = parseArgs({
  options: {
    seconds: { type: "string", default: "240" },
    /** What each of the two wants of the level; the first is of the higher rank. */
    heat: { type: "string", default: "0.6" },
    save: { type: "string", default: "0.4" },
    out: { type: "string" }
  }
})
const seconds = Number(flags.seconds)
const controllers = [
  { name: "heat", rank: 2, target: Number(flags.heat) },
  { name: "save", rank: 1, target: Number(flags.save) }
]
const tanks = ["tank-1", "tank-2"]
const lookMillis = 100
/** The second controller looks half a second after the first, so that what each does is seen. */
const apartMillis = 500
const startMillisMax = 120_000

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "holon-valve-"))
const children: Array<ChildProcess> = []

const run = (...argv: ReadonlyArray<string>): ChildProcess => {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...argv], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"]
  })
  children.push(child)
  return child
}

/** Ends every process that was started here, the node last: the others talk to it. */
const stop = async (): Promise<void> => {
  for (const child of children.reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = new Promise((resolve) => child.once("exit", resolve))
    child.kill("SIGTERM")
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
}

const Tank = Schema.Struct({ reported: Schema.Struct({ valve: Schema.Finite, level: Schema.Finite }) })
const decodeTank = Schema.decodeUnknownOption(Tank)

/** Where a tank is; nothing before its board has reported. */
const look = async (url: string, tank: string): Promise<Omit<Moment, "at"> | undefined> => {
  const response = await fetch(`${url}/api/devices/${tank}`).catch(() => undefined)
  if (response?.ok !== true) return undefined
  return Option.getOrUndefined(decodeTank(await response.json()))?.reported
}

const started = async (url: string): Promise<void> => {
  const until = performance.now() + startMillisMax
  while ((await Promise.all(tanks.map((tank) => look(url, tank)))).includes(undefined)) {
    if (performance.now() > until) throw new Error(`no node with tanks at ${url}`)
    await sleep(lookMillis)
  }
}

const show = async (): Promise<boolean> => {
  const [http = 0, mqtt = 0, runner = 0, relay = 0] = await Effect.runPromise(freePorts(4, "127.0.0.1"))
  const config = join(folder, "cluster.config.mjs")
  const value = {
    data: join(folder, "data"),
    http: { port: http },
    mqtt: { port: mqtt },
    peers: { runnerPort: runner, relayPort: relay },
    demo: { isOn: false }
  }
  writeFileSync(config, `export default ${JSON.stringify(value)}\n`)
  const url = `http://127.0.0.1:${http}`
  const holon = fileOf("../src/cli/main.ts")
  run(holon, "up", "--config", config)
  const boards = ["--kind", "tank", "--prefix", "tank-", "--count", String(tanks.length), "--interval", "200"]
  run(holon, "board", "sim", ...boards, "--url", `mqtt://127.0.0.1:${mqtt}`)
  await started(url)
  const controller = fileOf("../examples/two-point-controller.mjs")
  for (const { name, rank, target } of controllers) {
    for (const [place, tank] of tanks.entries())
      run(
        ...[controller, "--url", url, "--device", tank, "--name", name, "--rank", String(rank)],
        ...["--target", String(target), ...(place === 0 ? ["--alone"] : [])]
      )
    await sleep(apartMillis)
  }

  const runs: ReadonlyArray<{ readonly tank: string; readonly moments: Array<Moment> }> = tanks.map((tank) => ({
    tank,
    moments: []
  }))
  const began = performance.now()
  for (let at = 0; at < seconds; at = (performance.now() - began) / 1000) {
    for (const { tank, moments } of runs) {
      const found = await look(url, tank)
      if (found !== undefined) moments.push({ at: Math.round(at * 100) / 100, ...found })
    }
    await sleep(lookMillis)
  }
  const [alone = [], coordinated = []] = runs.map(({ moments }) => moments)
  if (flags.out !== undefined)
    writeFileSync(
      flags.out,
      plot(
        [
          { title: "each alone", moments: alone },
          { title: "through the coordinator", moments: coordinated }
        ],
        controllers.map(({ target }) => target),
        seconds,
        "Two controllers and one valve of a simulated tank: blue the valve, red the level, dashed what each controller wants"
      )
    )
  const target = controllers[0]?.target ?? 0
  const [before, after] = [reversalsOf(alone), reversalsOf(coordinated)]
  // Half of the time is for settling.
  const error = errorOf(coordinated, target, Math.min(120, seconds / 2))
  console.log(JSON.stringify({ seconds, alone: before, coordinated: after, error: Math.round(error * 1000) / 1000 }))
  return before >= 5 && after <= 0.2 * before && error <= 0.05
}

const isCalm = await show().finally(stop)
process.exitCode = isCalm ? 0 : 1
