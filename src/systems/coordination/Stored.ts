/** How a coordinator rests: its head, and one part for each claim, turn and knob, so that a claim does not write a hundred others. */
import { Schema } from "effect"
import type { Storage } from "../../actors/Behaviour.ts"
import { ClaimView, SlotView } from "../../protocol/vsm/Claim.ts"
import { CoordinatorState, NodeStood } from "../../protocol/vsm/Coordinator.ts"
import { KnobState } from "../../protocol/vsm/Knob.ts"

const claimPrefix = "claim/"
const slotPrefix = "slot/"
const knobPrefix = "knob/"
const nodePrefix = "node/"

const Head = Schema.Struct({
  fence: CoordinatorState.fields.fence,
  isRetired: CoordinatorState.fields.isRetired,
  virtual: Schema.Finite,
  tags: Schema.Record(Schema.String, Schema.Finite)
})
const decodeHead = Schema.decodeUnknownSync(Head)
const decodeClaim = Schema.decodeUnknownSync(ClaimView)
const decodeSlot = Schema.decodeUnknownSync(SlotView)
const decodeKnob = Schema.decodeUnknownSync(KnobState)
const decodeNode = Schema.decodeUnknownSync(NodeStood)

/** The keys of a map and what was decoded of it: a newer node may have written more. */
const keeping = <A extends object>(value: unknown, decoded: A): A => ({ ...Object(value), ...decoded })

const startsWith =
  (prefix: string) =>
  ([key]: readonly [string, unknown]): boolean =>
    key.startsWith(prefix)

/** Who asked first stands first. */
const byAge = (one: { readonly askedAt: number }, other: { readonly askedAt: number }): number =>
  one.askedAt - other.askedAt

/** Cuts the coordinator's state into head and parts, and joins it again. */
export const storage: Storage<CoordinatorState> = {
  split: ({ claims, slots, knobs, nodes, tags, ...head }) => {
    const parts = new Map<string, unknown>()
    for (const [lease, claim] of claims) parts.set(claimPrefix + lease, claim)
    for (const [slot, turn] of slots) parts.set(slotPrefix + slot, turn)
    for (const [key, knob] of knobs) parts.set(knobPrefix + key, knob)
    for (const [address, node] of nodes) parts.set(nodePrefix + address, node)
    return { head: { ...head, tags: Object.fromEntries(tags) }, parts }
  },
  join: (stored, parts) => {
    const { tags, ...head } = decodeHead(stored)
    const entries = [...parts]
    const claims = entries.filter(startsWith(claimPrefix)).map(([, part]) => keeping(part, decodeClaim(part)))
    const slots = entries.filter(startsWith(slotPrefix)).map(([, part]) => keeping(part, decodeSlot(part)))
    const knobs = entries
      .filter(startsWith(knobPrefix))
      .map(([key, part]) => [key.slice(knobPrefix.length), keeping(part, decodeKnob(part))] as const)
    const nodes = entries
      .filter(startsWith(nodePrefix))
      .map(([key, part]) => [key.slice(nodePrefix.length), keeping(part, decodeNode(part))] as const)
    return {
      ...keeping(stored, head),
      tags: new Map(Object.entries(tags)),
      claims: new Map(claims.sort(byAge).map((claim) => [claim.lease, claim])),
      slots: new Map(slots.sort(byAge).map((slot) => [slot.slot, slot])),
      knobs: new Map(knobs),
      nodes: new Map(nodes.sort(([, one], [, other]) => one.since - other.since))
    }
  }
}
