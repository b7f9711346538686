/** Which events speak against somebody, and against whom. */
import { Schema } from "effect"
import { codes } from "../../../protocol/Codes.ts"
import type { HolonEvent } from "../../../protocol/Event.ts"
import { RefusedAct } from "../../../protocol/Operator.ts"
import { NotedDecision } from "../../../protocol/policy/NotedDecision.ts"
import { countMax, type Sign, type SignKind, type Subject, subjectOf } from "../../../protocol/vsm/Threat.ts"
import { isOwnPolicy } from "./Mitigating.ts"

/** What gateways saw on the links of boards. `link.stuck` is a fault of ours. */
const ofLinks: Readonly<Record<string, SignKind | undefined>> = {
  "link.malformed-burst": "malformed-burst",
  "link.flood": "flood",
  "link.duplicate": "duplicate-id",
  "link.denied": "denied-topic"
}
/** Codes of frames that no board of ours sends. */
const unreadable: ReadonlySet<number> = new Set([codes.Malformed, codes.UnknownType, codes.EMSGSIZE])

const isRefusedAct = Schema.is(RefusedAct)
const isRefusedFrame = Schema.is(Schema.Struct({ code: Schema.Int }))
const decisionOf = Schema.decodeUnknownOption(NotedDecision)

const found = ({ id, zone }: HolonEvent, kind: SignKind, subject: Subject | undefined, count = 1): Sign | undefined =>
  subject === undefined
    ? undefined
    : { kind, subject, count: Math.min(countMax, count), ids: [id], ...(zone !== undefined && { zone }) }

/** A denial by a policy of the immune system follows from what is known already: it would feed itself. */
const ofDenial = (event: HolonEvent): Sign | undefined => {
  const noted = decisionOf(event.data)
  if (noted._tag === "None") return undefined
  const { request, decision, count } = noted.value
  const { kind, id } = request.principal
  if (kind !== "user" || decision.policies.some(isOwnPolicy)) return undefined
  return found(event, "refused-act", subjectOf("user", id), count)
}

/** The sign that an event is; nothing for one that speaks against nobody. */
export const signOf = (event: HolonEvent): Sign | undefined => {
  const { type, source, data } = event
  if (source.actor === "device") {
    const kind = Object.hasOwn(ofLinks, type) ? ofLinks[type] : undefined
    if (kind !== undefined) return found(event, kind, subjectOf("device", source.id))
    return type === "link.refused" && isRefusedFrame(data) && unreadable.has(data.code)
      ? found(event, "bad-input", subjectOf("device", source.id))
      : undefined
  }
  if (source.actor === "operator" && type === "operator.refused" && isRefusedAct(data))
    return found(event, "refused-act", subjectOf("user", source.id), data.count)
  return source.actor === "policy" && type === "policy.denied" ? ofDenial(event) : undefined
}
