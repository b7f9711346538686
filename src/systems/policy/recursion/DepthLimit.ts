/** How deep a VSM may stand, by how busy the cluster is: lowered at once, raised a step a minute. */
import { depthMax, depthMin } from "../../../protocol/vsm/Recursion.ts"

/** How busy a node is; shares are 0 to 1. */
export interface Load {
  readonly cpu: number
  readonly memory: number
  readonly lagMillis: number
}

/** Weight of the latest look at the loads in their average. */
const smoothing = 0.2
const raiseMillis = 60_000
const bounded = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value))

/** How well a node is, 0 to 1: as its scarcest resource says. `spawnErrors` is the share of spawns that failed of late. */
export const healthOf = ({ cpu, memory, lagMillis }: Load, spawnErrors: number): number =>
  bounded(
    Math.min(
      1 - Math.max(0, (cpu - 0.7) / 0.3),
      1 - Math.max(0, (memory - 0.8) / 0.2),
      1 - Math.max(0, (lagMillis - 50) / 450),
      1 - Math.max(0, (spawnErrors - 0.05) / 0.45)
    ),
    0,
    1
  )

/** The average after one more look. */
export const smoothed = (average: number, health: number): number => average + smoothing * (health - average)

/** The limit that a health asks for. */
export const limitAt = (base: number, health: number): number =>
  // A health that was averaged misses its mark by a rounding: 5 · 0.6 must not be 2.
  bounded(Math.floor(base * (0.4 + 0.8 * health) + 1e-9), depthMin, depthMax)

/** The limit in force after the one before. */
export const limitAfter = (
  current: { readonly depthLimit: number; readonly raisedAt: number },
  wanted: number,
  now: number
): { readonly depthLimit: number; readonly raisedAt: number } => {
  const { depthLimit, raisedAt } = current
  if (wanted < depthLimit) return { depthLimit: wanted, raisedAt }
  return wanted > depthLimit && now >= raisedAt + raiseMillis ? { depthLimit: depthLimit + 1, raisedAt: now } : current
}
