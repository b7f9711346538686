/**
 * The auditor actor: looks at the journal again and again. The chain rests in tables, which a look writes; this row remembers
 * the last segment, so that who rewrites the tables is found out.
 */
import { Effect, Schema } from "effect"
import * as Behaviour from "../../actors/Behaviour.ts"
import { vsmOver } from "../../actors/Supervisor.ts"
import { Auditor, type AuditorState, Witness } from "../../protocol/audit/Auditor.ts"
import { NotFound, Unavailable } from "../../protocol/Errors.ts"
import { rootId, VsmId } from "../../protocol/vsm/VsmId.ts"
import { AuditWatch, type Looked, type Outlook } from "./AuditWatch.ts"
import { erasedType } from "./Chain.ts"

/** A look that has not ended by then never will: it is begun again, ms. */
const stuckMillis = 60_000
/** Before the journal is asked again after it could not be read, ms. */
const againMillis = 1000

interface Resident {
  /** Number of the look; the outcome of another one changes nothing. */
  readonly look: number
  /** When to look again if nothing is heard, ms. */
  readonly dueAt: number
  readonly chained: number
  /** Number of the last record; absent until it has looked. */
  readonly last: number | undefined
  readonly lookedAt: number | undefined
}

type Context = Behaviour.TransitionContext<Resident>

const look = (state: AuditorState, { self, now }: Context, resident: Resident) => {
  const number = resident.look + 1
  const outlook: Outlook = {
    vsm: self.id,
    since: state.since,
    // The root's auditor sees every VSM become active.
    begun: self.id === rootId ? state.begun : undefined
  }
  return {
    resident: { ...resident, look: number, dueAt: now + stuckMillis },
    effects: [{ name: "look", id: String(number), input: outlook }]
  }
}

const isLooked = Schema.is(
  Schema.Union([
    Schema.TaggedStruct("Chained", { records: Schema.Int, last: Schema.Int, witness: Schema.UndefinedOr(Witness) }),
    Schema.TaggedStruct("Beginning", {
      vsms: Schema.Array(Schema.Struct({ id: Schema.String, since: Schema.Finite }))
    }),
    Schema.TaggedStruct("Unavailable", {})
  ])
)

/** VSMs whose auditors are told to begin in one commit: a tell each, and as many may stand in the outbox. */
const beginningsMax = 64

const begin = (state: AuditorState, vsms: Extract<Looked, { readonly _tag: "Beginning" }>["vsms"]) => {
  const fresh = new Map(vsms.slice(0, beginningsMax).map(({ id, since }) => [VsmId.make(id), since]))
  const tells = Array.from(fresh, ([id, since]) => ({
    to: { kind: Auditor.kind, id },
    message: "Begin",
    payload: { since }
  }))
  return { state: { ...state, begun: [...state.begun, ...fresh.keys()] }, tells }
}

/** The behaviour of auditors. */
export const auditor: Behaviour.AnyBehaviour = Behaviour.make<Auditor, Resident>(Auditor, {
  initial: () => ({ since: 0, begun: [] }),
  awake: (_state, now) => ({ look: 0, dueAt: now, chained: 0, last: undefined, lookedAt: undefined }),
  vsmOf: (_state, id) => (id === rootId ? undefined : id),
  supervisor: vsmOver,
  atTakeover: () => true,
  residentDueAt: (_state, { dueAt }) => dueAt,
  timeout: (state, context) => (context.resident.dueAt > context.now ? {} : look(state, context, context.resident)),
  effects: {
    look: (input) => Effect.flatMap(AuditWatch, (watch) => watch.look(input as Outlook))
  },

  completed: (state, { id, outcome }, context) => {
    const { resident, now } = context
    if (id !== String(resident.look)) return {}
    // It went through no storage, so it is what was made.
    const looked = isLooked(outcome) ? outcome : undefined
    switch (looked?._tag) {
      case "Chained": {
        const { witness, last } = looked
        const isNews = witness !== undefined && witness.head !== state.witness?.head
        const next = isNews ? { ...state, witness } : state
        const seen = { ...resident, chained: resident.chained + looked.records, last, lookedAt: now }
        return { ...(isNews && { state: next }), ...look(next, context, seen) }
      }
      case "Beginning": {
        const { state: next, tells } = begin(state, looked.vsms)
        return { state: next, tells, ...look(next, context, resident) }
      }
      default:
        return { resident: { ...resident, dueAt: now + againMillis } }
    }
  },

  Begin: (state, { since }, { resident, now }) =>
    state.since > 0 || state.witness !== undefined
      ? {}
      : { state: { ...state, since }, resident: { ...resident, dueAt: now } },

  Erase: (_state, { seq, reason }, { self, resident: { last } }) => {
    if (last === undefined)
      return Behaviour.refuse(
        new Unavailable({ cause: "the auditor has not looked at its chain yet", retryAfterMs: againMillis })
      )
    if (seq > last) return Behaviour.refuse(new NotFound({ what: `record ${seq} of the audit chain of ${self.id}` }))
    return { reply: { seq }, events: [{ type: erasedType, data: { seq, reason } }] }
  },

  GetProgress: ({ since, witness }, _payload, { resident: { chained, lookedAt } }) => ({
    reply: {
      since,
      ...(witness !== undefined && { witness }),
      chained,
      ...(lookedAt !== undefined && { lookedAt })
    }
  })
})
