/** What is done against whom: for each kind of subject, how grave it is and what speaks against it, one remedy out of a fixed list. */
import type { Policy } from "../../../protocol/policy/Policy.ts"
import { formatPolicy } from "../../../protocol/policy/PolicyFormat.ts"
import {
  partsOf,
  type SignKind,
  type Stage,
  type Subject,
  type SubjectKind,
  type Template,
  type Terms
} from "../../../protocol/vsm/Threat.ts"

/** What an account may still ask for while it is throttled. */
const throttled = { count: 5, millis: 10_000 } as const
/** The reason of its policies is told before those of others. */
const urgent = 90

/** Whom each remedy is for. */
const madeFor: Readonly<Record<Template, SubjectKind>> = {
  bar: "address",
  isolate: "device",
  throttle: "user",
  deny: "user",
  revoke: "user"
}
/** How much each takes away: a stronger one takes the place of a weaker one. */
const strengths: Readonly<Record<Template, number>> = { throttle: 1, deny: 2, bar: 3, isolate: 3, revoke: 3 }

/** Whether a remedy can be used against this subject. */
export const fits = (template: Template, subject: Subject): boolean => madeFor[template] === partsOf(subject).kind

/** Whether one takes away more than the other. */
export const isStronger = (one: Template, other: Template): boolean => strengths[one] > strengths[other]

/** What comes before any rule is asked cannot be denied by one. */
const isBeforeRules = (kind: SignKind): boolean => kind === "bad-input" || kind === "wrong-token" || kind === "replay"

/** What a threat calls for; nothing where it calls for nothing but attention. */
export const remedyFor = (
  subject: Subject,
  stage: Stage,
  kinds: ReadonlyArray<SignKind>,
  { mitigateMillis, isolateMillis }: Terms
): { readonly template: Template; readonly ttlMillis: number } | undefined => {
  if (stage !== "mitigate" && stage !== "isolate") return undefined
  const ttlMillis = stage === "isolate" ? isolateMillis : mitigateMillis
  switch (partsOf(subject).kind) {
    case "address":
      return { template: "bar", ttlMillis }
    case "device":
      return { template: "isolate", ttlMillis }
    case "user":
      if (stage === "mitigate") return { template: "throttle", ttlMillis }
      return { template: kinds.some(isBeforeRules) ? "revoke" : "deny", ttlMillis }
  }
}

const text = (value: string) => ({ _tag: "Text", value }) as const
const field = (...path: [string, ...Array<string>]) => ({ _tag: "Field", path }) as const
const is = (path: [string, ...Array<string>], value: ReturnType<typeof text>) =>
  ({ _tag: "Compare", operator: "==", left: field(...path), right: value }) as const

/** The policy that does it, as text; nothing for what is no policy. `name` names the mitigation. */
export const policyOf = (
  template: Template,
  subject: Subject,
  { name, ttlMillis }: { readonly name: string; readonly ttlMillis: number }
): string | undefined => {
  if (template !== "throttle" && template !== "deny") return undefined
  const { id } = partsOf(subject)
  const policy: Policy = {
    name,
    class: "immune",
    priority: urgent,
    ttlMillis,
    rules: [
      {
        when: {
          _tag: "All",
          of: [
            is(["principal", "kind"], text("user")),
            is(["principal", "id"], text(id)),
            {
              _tag: "Compare",
              operator: "==",
              left: field("protected"),
              right: { _tag: "Boolean", value: false }
            }
          ]
        },
        statements: [
          template === "throttle"
            ? { _tag: "Limit", ...throttled, by: [["principal", "id"]] }
            : {
                _tag: "Deny",
                reason: `${id} is kept apart: too much speaks against this account`,
                guidance: "it ends by itself; whoever has the right threat.govern can lift it"
              }
        ]
      }
    ]
  }
  return formatPolicy(policy)
}
