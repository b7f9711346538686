/** The audit over HTTP: what was chained, whether it still is as it was written, and why something was done. */
import { Effect, Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Actors } from "../../actors/Actors.ts"
import { Engine } from "../../actors/Engine.ts"
import type { ChainIndex } from "../../events/ChainIndex.ts"
import { documentPredicate } from "../../events/condition/Closure.ts"
import type { EventStream } from "../../events/EventStream.ts"
import type { CursorMalformed, JournalReader, JournalUnavailable } from "../../events/JournalReader.ts"
import { runtimeAsker } from "../../protocol/Asker.ts"
import type { KeyCertificate } from "../../protocol/audit/AuditKey.ts"
import { Auditor } from "../../protocol/audit/Auditor.ts"
import { AuditIssuer, AuditPage, type AuditRecordView, viewOf, WhyView } from "../../protocol/audit/AuditView.ts"
import { AuditCategory } from "../../protocol/audit/Category.ts"
import { hexOf, isSameHash } from "../../protocol/audit/Hash.ts"
import { Proof } from "../../protocol/audit/Proof.ts"
import { segmentMillisMax } from "../../protocol/audit/Segment.ts"
import { Verdict } from "../../protocol/audit/Verdict.ts"
import { bindText } from "../../protocol/condition/Bind.ts"
import { ConditionInvalid } from "../../protocol/condition/ConditionInvalid.ts"
import { events as eventSource } from "../../protocol/condition/Source.ts"
import { charactersMax } from "../../protocol/condition/Token.ts"
import { HolonError, IntegrityFailed, NotFound, Unavailable } from "../../protocol/Errors.ts"
import { isUuid } from "../../protocol/Ids.ts"
import { rootId, VsmId } from "../../protocol/vsm/VsmId.ts"
import { AuditLog, AuditUnavailable } from "../../systems/audit/AuditLog.ts"
import { catalogueOf } from "../../systems/audit/Catalogue.ts"
import { type NotProven, prove, RecordNotFound, type Sought } from "../../systems/audit/Prove.ts"
import { verify } from "../../systems/audit/Verify.ts"
import { ActNotFound, whyOf } from "../../systems/audit/Why.ts"
import { Authorization } from "./Authorization.ts"
import { TraceId, timeOf } from "./EventQueries.ts"
import { Needs } from "./Needs.ts"

const word = (most: number) => Schema.optionalKey(Schema.String.check(Schema.isMaxLength(most)))
const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))
/** Records of one page, at most. */
export const pageMax = 200
const limit = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: pageMax }))
const pageDefault = 50
/** Records looked through for one page, so that a condition which nothing fulfils ends. */
const scannedMax = 10_000

/** Which records are asked for. */
export const auditQueryFields = {
  vsm: Schema.optionalKey(VsmId),
  since: word(64),
  until: word(64),
  /** `KIND/ID` of who spoke, or `KIND:ID` of who asked. */
  actor: word(200),
  category: Schema.optionalKey(AuditCategory),
  where: word(charactersMax)
}
const AuditQuery = Schema.Struct({
  ...auditQueryFields,
  before: Schema.optionalKey(count),
  limit: Schema.optionalKey(limit)
})
type AuditQuery = typeof AuditQuery.Type

const fromText = Schema.FiniteFromString.pipe(Schema.decodeTo(count))
const limitFromText = Schema.FiniteFromString.pipe(Schema.decodeTo(limit))

/** The group of the API. */
export const auditGroup = HttpApiGroup.make("audit")
  .add(
    HttpApiEndpoint.get("listAudit", "/api/audit", {
      query: { ...auditQueryFields, before: Schema.optionalKey(fromText), limit: Schema.optionalKey(limitFromText) },
      success: AuditPage,
      error: [...HolonError.members, ConditionInvalid]
    })
      .annotate(Needs, "audit.read")
      .annotate(
        OpenApi.Description,
        `Acts, refusals and decisions that the auditor of a VSM has chained, newest first (default: of the root, ${pageDefault} of them). \`since\` and \`until\` are times of chaining; \`actor\` is who spoke, as \`device/press-1\`, or who asked, as \`user:anna\`; \`where\` a condition over events. \`next\` goes into \`before\` for the page behind, also where the condition left all out.`
      ),
    HttpApiEndpoint.get("verifyAudit", "/api/audit/verify", {
      query: { vsm: Schema.optionalKey(VsmId) },
      success: Verdict,
      error: HolonError.members
    })
      .annotate(Needs, "audit.verify")
      .annotate(
        OpenApi.Description,
        "Walks the chain of a VSM (default: the root) beside the journal. `broken` names the first record, or segment, that is not as it was written; `unsealed` the tail that no segment stands for yet."
      ),
    HttpApiEndpoint.get("whyAudit", "/api/audit/why/:id", {
      params: { id: TraceId },
      success: WhyView,
      error: HolonError.members
    })
      .annotate(Needs, "audit.read")
      .annotate(
        OpenApi.Description,
        "All that led to the event of this id, nearest first, back to who or what `began` it: a person, a frame of a board, a rule, the runtime."
      )
  )
  .add(
    HttpApiEndpoint.get("proveAudit", "/api/audit/proof/:id", {
      params: { id: TraceId },
      query: { vsm: Schema.optionalKey(VsmId) },
      success: Proof,
      error: HolonError.members
    })
      .annotate(Needs, "audit.read")
      .annotate(
        OpenApi.Description,
        "The proof that a record stands in a sealed chain, for somebody who has a public key and nothing else. `id` is that of its event, or its number in the chain of `vsm` (default: the root)."
      ),
    HttpApiEndpoint.get("auditKeys", "/api/audit/keys", {
      success: Schema.Struct({ issuers: Schema.Array(AuditIssuer) }),
      error: HolonError.members
    })
      .annotate(Needs, "audit.read")
      .annotate(
        OpenApi.Description,
        "Whose keys sign what is sealed: keep the public keys where nobody can change them."
      )
  )
  .middleware(Authorization)

const spoken = (error: AuditUnavailable | JournalUnavailable | CursorMalformed) =>
  new Unavailable({ cause: error instanceof AuditUnavailable ? error.reason : "the journal does not answer" })

/** What a condition over events sees of a record. */
const documentOf = ({ subject, ...record }: AuditRecordView) => {
  const [actor = "", id = ""] = subject.split(/\/(.*)/s)
  return { ...record, source: { actor, id } }
}

/** A number in a chain; anything else is the id of an event. */
const soughtOf = (id: string, vsm: VsmId): Sought =>
  /^\d{1,15}$/.test(id) ? { vsm, seq: Number(id) } : { id: isUuid(id) ? id : "" }

const unproven = (id: string, error: NotProven) => {
  switch (error._tag) {
    case "RecordNotFound":
      return new NotFound({ what: `record ${id} of the audit` })
    case "NotSealed":
      return error.isSealed
        ? new NotFound({ what: `signature over record ${error.seq}: it was sealed before heads were signed` })
        : new Unavailable({ cause: `record ${error.seq} is in no segment yet`, retryAfterMs: segmentMillisMax })
    case "ProofImpossible":
      return new IntegrityFailed({ expected: "", actual: "", at: `record ${error.seq}: ${error.reason}` })
    default:
      return spoken(error)
  }
}

/** The keys of each issuer as people see them. */
const issuersOf = (keys: ReadonlyArray<KeyCertificate>): ReadonlyArray<AuditIssuer> =>
  keys
    .filter(({ epoch }) => epoch === 1)
    .map(({ issuer, publicKey, from }) => {
      const own = keys.filter((key) => isSameHash(key.issuer, issuer))
      const until = own.at(-1)?.until ?? from
      return { issuer: hexOf(issuer), publicKey: hexOf(publicKey), keys: own.length, from, until }
    })

/** Reads the audit; failures in the words of the API. */
export const auditReads = Effect.gen(function* () {
  const log = yield* AuditLog
  const actors = yield* Actors
  const { registry } = yield* Engine
  const reads = yield* Effect.context<AuditLog | ChainIndex | EventStream | JournalReader>()
  const catalogue = catalogueOf(registry)

  const list = Effect.fnUntraced(function* (asked: AuditQuery) {
    const { vsm = rootId, actor, category, where, limit = pageDefault } = asked
    const since = asked.since === undefined ? undefined : yield* timeOf(asked.since)
    const until = asked.until === undefined ? undefined : yield* timeOf(asked.until)
    const holds =
      where === undefined ? () => true : documentPredicate(yield* Effect.fromResult(bindText(where, eventSource)))
    const records: Array<AuditRecordView> = []
    let before = asked.before
    for (let scanned = 0; scanned < scannedMax; ) {
      const rows = yield* log
        .find({
          vsm,
          limit: where === undefined ? limit : pageMax,
          ...(before !== undefined && { before }),
          ...(since !== undefined && { since }),
          ...(until !== undefined && { until }),
          ...(actor !== undefined && { actor }),
          ...(category !== undefined && { category })
        })
        .pipe(Effect.mapError(spoken))
      for (const row of rows) {
        const view = viewOf(row)
        before = view.seq
        if (holds(documentOf(view))) records.push(view)
        if (records.length === limit) return { records, next: before } satisfies AuditPage
      }
      scanned += rows.length
      if (rows.length < (where === undefined ? limit : pageMax)) return { records } satisfies AuditPage
    }
    return { records, ...(before !== undefined && { next: before }) } satisfies AuditPage
  })

  return {
    list,
    prove: (id: string, vsm: VsmId = rootId) => {
      const sought = soughtOf(id, vsm)
      const isNone = "id" in sought && sought.id === ""
      return (isNone ? Effect.fail(new RecordNotFound()) : prove(sought)).pipe(
        Effect.provideContext(reads),
        Effect.mapError((error) => unproven(id, error))
      )
    },
    keys: log.keys.pipe(
      Effect.map((keys) => ({ issuers: issuersOf(keys) })),
      Effect.mapError(spoken)
    ),
    verify: Effect.fnUntraced(function* (vsm: VsmId = rootId) {
      // Read first: what is sealed meanwhile is ahead of what the auditor remembered.
      const witness = yield* actors.ask(Auditor, vsm, "GetProgress", {}, { asker: runtimeAsker }).pipe(
        Effect.map((progress) => progress.witness),
        Effect.orElseSucceed(() => undefined)
      )
      const verdict = yield* verify(vsm, witness, catalogue).pipe(Effect.provideContext(reads), Effect.mapError(spoken))
      return verdict ?? (yield* new NotFound({ what: `audit chain of vsm ${vsm}` }))
    }),
    why: (id: string) =>
      whyOf(id).pipe(
        Effect.provideContext(reads),
        Effect.mapError((error) =>
          error instanceof ActNotFound
            ? new NotFound({ what: `event ${id} in the journal and the audit` })
            : spoken(error)
        )
      )
  }
})
