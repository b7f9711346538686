/** How a keeper rests: its head, and one part for each version of a policy, so that an approval does not write a thousand others. */
import { Schema } from "effect"
import type { Storage } from "../../../actors/Behaviour.ts"
import { PolicyKeeperState } from "../../../protocol/vsm/PolicyKeeper.ts"
import { PolicyView } from "../../../protocol/vsm/PolicyView.ts"

const prefix = "policy/"

const { policies: _, ...headFields } = PolicyKeeperState.fields
const decodeHead = Schema.decodeUnknownSync(Schema.Struct(headFields))
const decodePolicy = Schema.decodeUnknownSync(PolicyView)

/** The keys of a map and what was decoded of it: a newer node may have written more. */
const keeping = <A extends object>(value: unknown, decoded: A): A => ({ ...Object(value), ...decoded })

/** Cuts the keeper's state into head and parts, and joins it again. */
export const storage: Storage<PolicyKeeperState> = {
  split: ({ policies, ...head }) => ({
    head,
    parts: new Map(Array.from(policies, ([key, view]) => [prefix + key, view]))
  }),
  join: (head, parts) => {
    const policies = new Map<string, PolicyView>()
    for (const [key, part] of parts)
      if (key.startsWith(prefix)) policies.set(key.slice(prefix.length), keeping(part, decodePolicy(part)))
    return { ...keeping(head, decodeHead(head)), policies }
  }
}
