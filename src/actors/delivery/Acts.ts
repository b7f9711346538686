/** What operators do with letters that do not arrive: try them again, or give them up. */
import type { Letter } from "../../protocol/Delivery.ts"
import { Lineup } from "./Lineup.ts"
import { lettersOf } from "./Pages.ts"
import { change, type Turn, targetOf } from "./Turn.ts"

/** Ids that an event names. */
const namedMax = 100

const tell = (turn: Turn, type: "delivery.replayed" | "delivery.discarded", letters: ReadonlyArray<Letter>): void => {
  if (letters.length === 0) return
  const matchIds = letters.slice(0, namedMax).map(({ matchId }) => matchId)
  turn.events.push({ type, severity: "warn", data: { target: targetOf(turn), count: letters.length, matchIds } })
  // Letters have come and gone in the midst of their keys.
  turn.lineup = new Lineup({ ...turn.record, pages: turn.pages }, turn.inFlight)
}

const selected = (turn: Turn, matchIds: ReadonlyArray<string> | undefined, isMeant: (letter: Letter) => boolean) => {
  const named = matchIds === undefined ? undefined : new Set(matchIds)
  return [...lettersOf(turn.pages)].filter((letter) => isMeant(letter) && named?.has(letter.matchId) !== false)
}

/** Dead letters wait again, as new as on their first day and in their old place. Answers how many. */
export const replay = (turn: Turn, matchIds: ReadonlyArray<string> | undefined): number => {
  const letters = selected(turn, matchIds, ({ deadAt }) => deadAt !== undefined)
  for (const { deadAt: _, lastError: __, awayAt: ___, ...letter } of letters)
    change(turn, letter.seq, { ...letter, attempts: 0, at: turn.context.now })
  const { queued, dead } = turn.record
  turn.record = { ...turn.record, queued: queued + letters.length, dead: dead - letters.length }
  tell(turn, "delivery.replayed", letters)
  return letters.length
}

/** Gives letters up; one that is on its way is not called back. Answers how many. */
export const discard = (turn: Turn, matchIds: ReadonlyArray<string> | undefined, isAll: boolean): number => {
  const letters = selected(
    turn,
    matchIds,
    ({ seq, deadAt }) => !turn.inFlight.has(seq) && (deadAt !== undefined || isAll || matchIds !== undefined)
  )
  for (const { seq } of letters) change(turn, seq, undefined)
  const buried = letters.filter(({ deadAt }) => deadAt !== undefined).length
  const { queued, dead } = turn.record
  turn.record = { ...turn.record, queued: queued - (letters.length - buried), dead: dead - buried }
  tell(turn, "delivery.discarded", letters)
  return letters.length
}
