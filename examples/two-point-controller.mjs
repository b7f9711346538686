/**
 * A two-point controller of a tank: below its target it opens the valve, above it closes it. Each second it looks at the device and, if
 * the level is not near enough, proposes a setpoint to the coordinator of the device's VSM and applies what it is allowed. With
 * `--alone` it asks nobody.
 *
 *     node examples/two-point-controller.mjs --device tank-1 --name heat --target 0.6 --rank 2
 */
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"

const { values: flags } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:7700" },
    device: { type: "string", default: "tank-1" },
    vsm: { type: "string", default: "root" },
    name: { type: "string", default: "controller" },
    rank: { type: "string", default: "0" },
    target: { type: "string", default: "0.5" },
    band: { type: "string", default: "0.03" },
    alone: { type: "boolean", default: false }
  }
})
const target = Number(flags.target)
const band = Number(flags.band)
const everyMillis = 1000

const post = async (path, body) => {
  const response = await fetch(`${flags.url}/api/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(5000)
  })
  const answer = await response.json()
  // 409: the valve belongs to another controller for now.
  if (!response.ok && response.status !== 409) throw new Error(`${path}: ${response.status} ${answer.detail}`)
  return response.ok ? answer : undefined
}

/** What the coordinator allows of it; nothing while another controller has the valve. */
const allowed = async (value) => {
  if (flags.alone) return value
  const { vsm, device, name, rank } = flags
  const proposal = { unit: device, knob: "valve", value, min: 0, max: 1, by: name, rank: Number(rank) }
  return (await post(`coordinator/${vsm}/ProposeSetpoint`, proposal))?.value
}

const look = async () => {
  const response = await fetch(`${flags.url}/api/devices/${flags.device}`, { signal: AbortSignal.timeout(5000) })
  const level = (await response.json()).reported?.level
  if (typeof level !== "number" || Math.abs(level - target) <= band) return
  const valve = await allowed(level < target ? 1 : 0)
  if (valve !== undefined) await post(`device/${flags.device}/SetDesired`, { patch: { valve } })
}

for (;;) {
  const began = performance.now()
  await look().catch((error) => console.error(String(error.message ?? error)))
  await sleep(Math.max(0, everyMillis - (performance.now() - began)))
}
