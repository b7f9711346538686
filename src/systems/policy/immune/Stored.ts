/** How an immune system rests: its head, and a part for each suspect and mitigation, so that one sign does not write all others. */
import { Schema } from "effect"
import type { Storage } from "../../../actors/Behaviour.ts"
import { ImmuneState } from "../../../protocol/vsm/Immune.ts"
import { Mitigation, Suspect } from "../../../protocol/vsm/Threat.ts"

const suspectPrefix = "suspect/"
const mitigationPrefix = "mitigation/"
const { suspects: _, mitigations: __, ...headFields } = ImmuneState.fields
const decodeHead = Schema.decodeUnknownSync(Schema.Struct(headFields))
const decodeSuspect = Schema.decodeUnknownSync(Suspect)
const decodeMitigation = Schema.decodeUnknownSync(Mitigation)

/** The keys of a map and what was decoded of it: a newer node may have written more. */
const keeping = <A extends object>(value: unknown, decoded: A): A => ({ ...Object(value), ...decoded })

/** Cuts the state into head and parts, and joins it again. */
export const storage: Storage<ImmuneState> = {
  split: ({ suspects, mitigations, ...head }) => ({
    head,
    parts: new Map<string, unknown>([
      ...[...suspects].map(([subject, suspect]) => [suspectPrefix + subject, suspect] as const),
      ...[...mitigations].map(([id, mitigation]) => [mitigationPrefix + id, mitigation] as const)
    ])
  }),
  join: (head, parts) => {
    const suspects = new Map<string, Suspect>()
    const mitigations = new Map<string, Mitigation>()
    for (const [key, part] of parts) {
      if (key.startsWith(suspectPrefix))
        suspects.set(key.slice(suspectPrefix.length), keeping(part, decodeSuspect(part)))
      if (key.startsWith(mitigationPrefix))
        mitigations.set(key.slice(mitigationPrefix.length), keeping(part, decodeMitigation(part)))
    }
    const inOrder = [...mitigations].sort(([, one], [, other]) => one.createdAt - other.createdAt)
    return { ...keeping(head, decodeHead(head)), suspects, mitigations: new Map(inOrder) }
  }
}
