/** How the guard rests: its head, and one part for each VSM it counts and each parent's pace, so that a spawn does not write a thousand others. */
import { Schema } from "effect"
import type { Storage } from "../../../actors/Behaviour.ts"
import { Member, Pace, RecursionState } from "../../../protocol/vsm/Recursion.ts"

const memberPrefix = "member/"
const pacePrefix = "pace/"

const { members: _, paces: __, ...headFields } = RecursionState.fields
const decodeHead = Schema.decodeUnknownSync(Schema.Struct(headFields))
const decodeMember = Schema.decodeUnknownSync(Member)
const decodePace = Schema.decodeUnknownSync(Pace)

/** The keys of a map and what was decoded of it: a newer node may have written more. */
const keeping = <A extends object>(value: unknown, decoded: A): A => ({ ...Object(value), ...decoded })

/** Cuts the guard's state into head and parts, and joins it again. */
export const storage: Storage<RecursionState> = {
  split: ({ members, paces, ...head }) => {
    const parts = new Map<string, unknown>()
    for (const [id, member] of Object.entries(members)) parts.set(memberPrefix + id, member)
    for (const [id, pace] of Object.entries(paces)) parts.set(pacePrefix + id, pace)
    return { head, parts }
  },
  join: (head, parts) => {
    const members: Array<readonly [string, Member]> = []
    const paces: Array<readonly [string, Pace]> = []
    for (const [key, part] of parts) {
      if (key.startsWith(memberPrefix))
        members.push([key.slice(memberPrefix.length), keeping(part, decodeMember(part))])
      else if (key.startsWith(pacePrefix)) paces.push([key.slice(pacePrefix.length), keeping(part, decodePace(part))])
    }
    return {
      ...keeping(head, decodeHead(head)),
      members: Object.fromEntries(members),
      paces: Object.fromEntries(paces)
    }
  }
}
