/** From `npm start` to the line that says it is ready, demo boards included. */
import { spawn } from "node:child_process"
import { rmSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { stop, writeConfig } from "./Processes.ts"
import { type BenchOptions, figure } from "./Rounds.ts"

const goals = { warmMillis: 2_000, freshMillis: 4_000 }
const root = fileURLToPath(new URL("../..", import.meta.url))

/** Milliseconds until it says that it is ready. */
const boot = (config: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const startedAt = performance.now()
    const child = spawn("npm", ["start", "--silent", "--", "--config", config], {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"]
    })
    let said = ""
    let readyAt: number | undefined
    child.stdout.on("data", (text: Buffer) => {
      said += text.toString("utf8")
      if (readyAt !== undefined || !said.includes("holon is ready")) return
      readyAt = performance.now()
      void stop(child)
    })
    child.once("exit", () => {
      if (readyAt === undefined) reject(new Error(`not ready:\n${said}`))
      else resolve(readyAt - startedAt)
    })
  })

export const boots = async ({ isQuick }: BenchOptions): Promise<void> => {
  const { path, data } = await writeConfig(1, { demo: { isOn: true } })
  const fresh: Array<number> = []
  const warm: Array<number> = []
  for (let round = 0; round < (isQuick ? 1 : 5); round++) {
    rmSync(data, { recursive: true, force: true })
    fresh.push(await boot(path))
    warm.push(await boot(path))
  }
  console.log("\nnpm start, dependencies present, demo boards attached")
  figure("to the ready line, warm", "ms", warm, { atMost: goals.warmMillis })
  figure("to the ready line, new data folder", "ms", fresh, { atMost: goals.freshMillis })
}
