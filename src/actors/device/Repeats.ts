/** When a request that a board has not answered goes out again: ever more rarely, and sooner on a line that loses frames. */
import type { Board } from "../../protocol/DeviceState.ts"
import type { Repeat } from "./Turn.ts"

const repeatMillis = { first: 5000, most: 60_000 } as const
/** On a line that may lose frames. */
const lossyRepeatMillis = { first: 500, most: 4000 } as const

/** The first wait and the longest, ms. */
export const pace = (board: Board): { readonly first: number; readonly most: number } =>
  board.isLossy ? lossyRepeatMillis : repeatMillis

/** After it went out for the first time. */
export const firstRepeat = (board: Board, now: number): Repeat => {
  const { first } = pace(board)
  return { at: now + first, waitMillis: first * 2 }
}

/** After it went out again. */
export const nextRepeat = ({ waitMillis }: Repeat, most: number, now: number): Repeat => {
  const wait = Math.min(waitMillis, most)
  return { at: now + wait, waitMillis: wait * 2 }
}
