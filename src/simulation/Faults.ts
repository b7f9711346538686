/** The seeded schedule of faults: what breaks, when, and for how long. Drawn before the run, from a stream of its own. */
import { between, pick, randomOf } from "./Random.ts"

/** What can go wrong. */
export const faultKinds = [
  "kill",
  "machine-death",
  "short-freeze",
  "long-freeze",
  "database-cut",
  "node-cut",
  "database-stall",
  "database-restart",
  "leave",
  "board-power",
  "link-loss",
  "link-silence"
] as const
/** Name of a fault. */
export type FaultKind = (typeof faultKinds)[number]

/** One fault of a schedule. */
export interface Fault {
  readonly kind: FaultKind
  /** Ms of the run. */
  readonly at: number
  readonly millis: number
  /** Which node, as a number; taken modulo how many there are. */
  readonly node: number
  /** The other node of a cut. */
  readonly other: number
  /** Which board, likewise. */
  readonly board: number
  /** Boards linked to a frozen node lose their power meanwhile, or their links. */
  readonly takesBoards: boolean
}

/** How likely each kind is, and how long it lasts at least and at most, ms. */
const likelihood: Readonly<Record<FaultKind, readonly [weight: number, least: number, most: number]>> = {
  kill: [14, 1000, 7000],
  "machine-death": [4, 2000, 7000],
  "short-freeze": [10, 500, 4000],
  "long-freeze": [10, 3000, 13_000],
  "database-cut": [13, 300, 9300],
  "node-cut": [13, 500, 10_500],
  "database-stall": [8, 300, 4000],
  "database-restart": [5, 300, 1800],
  leave: [9, 5000, 8000],
  "board-power": [10, 200, 8000],
  "link-loss": [9, 0, 0],
  "link-silence": [7, 1000, 9000]
}

/** The faults of a seed between `from` and `until`, in order of time. */
export const scheduleOf = (seed: number, from: number, until: number): ReadonlyArray<Fault> => {
  const random = randomOf(seed, "faults")
  const total = Object.values(likelihood).reduce((sum, [weight]) => sum + weight, 0)
  const draw = (): FaultKind => {
    let left = random() * total
    for (const kind of faultKinds) {
      left -= likelihood[kind][0]
      if (left < 0) return kind
    }
    return "kill"
  }
  // Some seeds know only two kinds: what several of one kind do together hides behind a mix.
  const only = random() < 0.3 ? [draw(), draw()] : undefined
  const faults = Array.from({ length: 3 + Math.floor(random() * 9) }, (): Fault => {
    const kind = only === undefined ? draw() : (pick(random, only) ?? draw())
    const [, least, most] = likelihood[kind]
    const node = Math.floor(random() * 64)
    return {
      kind,
      at: between(random, from, until),
      millis: between(random, least, most),
      node,
      other: node + 1 + Math.floor(random() * 2),
      board: Math.floor(random() * 64),
      takesBoards: random() < 0.35
    }
  })
  return faults.sort((left, right) => left.at - right.at)
}
