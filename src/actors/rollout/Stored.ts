/** How a rollout rests: its head, and one part for each board, so that a board that moves does not write ten thousand others. */
import { Schema } from "effect"
import { RolloutBoard, RolloutView } from "../../protocol/Rollout.ts"
import type { Storage } from "../Behaviour.ts"

const prefix = "board/"

const { boards: _, ...headFields } = RolloutView.fields
const decodeHead = Schema.decodeUnknownSync(Schema.Struct(headFields))
const decodeBoard = Schema.decodeUnknownSync(RolloutBoard)

/** The keys of a map and what was decoded of it: a newer node may have written more. */
const keeping = <A extends object>(value: unknown, decoded: A): A => ({ ...Object(value), ...decoded })

/** Keys are made once: every commit asks for all of them. */
const keys: Array<string> = []
const keyOf = (place: number): string => {
  const key = keys[place] ?? `${prefix}${place}`
  keys[place] = key
  return key
}

/** Cuts a rollout into head and boards, and joins it again in their order. */
export const storage: Storage<RolloutView> = {
  split: ({ boards, ...head }) => {
    const parts = new Map<string, unknown>()
    for (const [place, board] of boards.entries()) parts.set(keyOf(place), board)
    return { head, parts }
  },
  join: (head, parts) => {
    const boards: Array<RolloutBoard> = []
    for (let place = 0; parts.has(keyOf(place)); place++) {
      const part = parts.get(keyOf(place))
      boards.push(keeping(part, decodeBoard(part)))
    }
    return { ...keeping(head, decodeHead(head)), boards }
  }
}
