/** Holds a machine against a reference, over many random stories. */
import { assert } from "@effect/vitest"
import type { Match } from "../../../src/events/temporal/Match.ts"
import type { Pattern } from "../../../src/protocol/pattern/Pattern.ts"
import { randomFrom } from "../../support/Random.ts"
import { epoch, Rig, type Told } from "./Rig.ts"
import { type Counted, counted, type Recipe, story } from "./Story.ts"

/** Long enough after any story for all to be over. */
const end = 4_000_000
export const boards = ["press-1", "press-2", "press-3"]
export const seeds = Array.from({ length: 60 }, (_, index) => index + 1)

/** A match in short, with what was computed. */
const shown = ({ key, kind, at, events, values }: Match) => {
  const { value } = values
  const ids = events.map((id) => Number.parseInt(id.slice(-12), 16))
  return line(key, kind, at - epoch, ids, typeof value === "number" ? value : undefined)
}
export const line = (key: string, kind: string, at: number, ids: ReadonlyArray<number>, value?: number) =>
  `${key} ${kind} at ${at} of ${ids.join(" ")}${value === undefined ? "" : ` = ${value.toFixed(9)}`}`

/** What the machine says when it is left in peace, and when it is woken and cut at any point; that must be the same. */
export const machineSays = (
  seed: number,
  given: Pattern,
  told: ReadonlyArray<Told>,
  allowLateMillis = 0
): ReadonlyArray<string> => {
  const peaceful = new Rig(given, { allowLateMillis }).tell(...told).pass(end)
  const next = randomFrom(seed + 1_000_000)
  const disturbed = new Rig(given, { allowLateMillis })
  let now = told[0]?.comes ?? 0
  for (const each of told) {
    const { comes = each.at } = each
    if (next() < 0.3) disturbed.pass(now + Math.floor(next() * (comes - now)))
    disturbed.tell(each)
    if (next() < 0.15) disturbed.cut()
    now = comes
  }
  for (let time = now; time < now + 60_000; time += 1 + Math.floor(next() * 5000)) disturbed.pass(time)
  disturbed.pass(end)
  const byId = (one: Match, other: Match) => (one.id < other.id ? -1 : 1)
  assert.deepStrictEqual(disturbed.matches.toSorted(byId), peaceful.matches.toSorted(byId), `seed ${seed}`)
  assert.strictEqual(new Set(peaceful.matches.map(({ id }) => id)).size, peaceful.matches.length, `seed ${seed}`)
  return peaceful.matches.map(shown).toSorted()
}

/** Holds the machine against a reference that keeps every event of a board and computes from scratch. */
export const agrees = (
  given: Pattern,
  recipe: Recipe,
  reference: (who: string, events: ReadonlyArray<Counted>) => ReadonlyArray<string>,
  { allowLateMillis = 0, fewest = 300, stories = seeds.length } = {}
) => {
  let matches = 0
  for (const seed of seeds.slice(0, stories)) {
    const told = story(randomFrom(seed), recipe)
    const expected = boards.flatMap((who) => reference(who, counted(told, who))).toSorted()
    assert.deepStrictEqual(machineSays(seed, given, told, allowLateMillis), expected, `seed ${seed}`)
    matches += expected.length
  }
  // A reference that never says anything would agree with a machine that does not either.
  assert.isAbove(matches, fewest)
}

export const delayed: Recipe = { events: 120, types: ["a", "b", "c"], hasDelays: true }
export const onTime = (events: ReadonlyArray<Counted>) => events.filter(({ isLate }) => !isLate)
export const ofType = (type: string) => ({ from: [type] as const })
export const n = ({ told: { data } }: Counted): number =>
  typeof data === "object" && data !== null && "n" in data && typeof data.n === "number" ? data.n : Number.NaN
