/** Serves the conversation of `/rpc`: each request is checked for the token, then handed to actors or operations. */
import { Effect, Layer, Option, Redacted, Schema, Stream } from "effect"
import { Headers } from "effect/http"
import { RpcSerialization, RpcServer } from "effect/rpc"
import { Actors, type By, Refused } from "../../actors/Actors.ts"
import { Engine } from "../../actors/Engine.ts"
import { addressKey } from "../../actors/Host.ts"
import { NodePorts } from "../../actors/NodePorts.ts"
import { ConditionInvalid } from "../../protocol/condition/ConditionInvalid.ts"
import { Device } from "../../protocol/Device.ts"
import { bearerToken } from "../Bearer.ts"
import { tracedBy } from "../Traceparent.ts"
import { askReads } from "./AskApi.ts"
import { auditReads } from "./AuditApi.ts"
import { Authenticated, Control } from "./Control.ts"
import { describeRegistry, withHeldBack } from "./Describe.ts"
import { deviceQueries } from "./DeviceQueries.ts"
import { eventReads } from "./EventApi.ts"
import { CurrentAsker, Gatekeeper } from "./Gatekeeper.ts"
import { ImageLibrary } from "./ImageLibrary.ts"
import { demandOf } from "./Needs.ts"
import { Operations } from "./Operations.ts"
import { patternDesk } from "./PatternDesk.ts"
import { patternStats } from "./PatternStats.ts"
import { policyReads } from "./PolicyApi.ts"
import { seen, seenOf } from "./SeenDevices.ts"
import { messageInPlainNumbers } from "./Sources.ts"

const authenticated = Layer.effect(
  Authenticated,
  Effect.gen(function* () {
    const gatekeeper = yield* Gatekeeper
    const { residency } = yield* Engine
    return Authenticated.of(
      Effect.fnUntraced(function* (handle, { headers, rpc, payload }) {
        const token = bearerToken(Option.getOrUndefined(Headers.get(headers, "authorization"))) ?? ""
        const known = yield* gatekeeper.operatorOf(Redacted.make(token))
        const asker = tracedBy(known, Option.getOrUndefined(Headers.get(headers, "traceparent")))
        yield* demandOf(residency, asker, { annotations: rpc.annotations, name: rpc._tag, target: targetOf(payload) })
        return yield* Effect.provideService(handle, CurrentAsker, asker)
      })
    )
  })
)

const NamesTarget = Schema.Union([
  Schema.Struct({ kind: Schema.String, id: Schema.String }),
  Schema.Struct({ id: Schema.String }),
  Schema.Struct({ reference: Schema.String }),
  Schema.Struct({ number: Schema.Int }),
  Schema.Struct({ address: Schema.String })
])
const namesTarget = Schema.is(NamesTarget)

/** Whom or what a request is for, as its refusal names it. What names nothing asks about all. */
const targetOf = (payload: unknown): string => {
  if (!namesTarget(payload)) return "the cluster"
  if ("reference" in payload) return `image ${payload.reference}`
  if ("address" in payload) return `node ${payload.address}`
  if ("number" in payload) return `dead letter ${payload.number}`
  return addressKey({ kind: "kind" in payload ? payload.kind : Device.kind, id: payload.id })
}

const isJson = Schema.is(Schema.Json)
const encodeInvalid = Schema.encodeSync(ConditionInvalid)

/** A reply is JSON by its contract; one without a value answers null. */
const json = (value: unknown): Schema.Json => (isJson(value) ? value : null)

const handlers = Control.toLayer(
  Effect.gen(function* () {
    const actors = yield* Actors
    const operations = yield* Operations
    const images = yield* ImageLibrary
    const events = yield* eventReads
    const audit = yield* auditReads
    const ask = yield* askReads
    const policies = yield* policyReads
    const patterns = yield* patternDesk
    const statsOf = yield* patternStats
    const search = yield* deviceQueries
    const inPlainNumbers = yield* messageInPlainNumbers
    const { registry } = yield* Engine
    const { agreement } = yield* NodePorts
    const kinds = describeRegistry(registry)
    const by = (requestId: string | undefined): Effect.Effect<By, never, CurrentAsker> =>
      Effect.map(CurrentAsker, (asker) => ({ asker, ...(requestId !== undefined && { requestId }) }))
    return Control.of({
      Describe: () => Effect.sync(() => withHeldBack(kinds, agreement)),
      Send: ({ kind, id, message, payload, requestId }) =>
        Effect.gen(function* () {
          const plain = yield* Effect.mapError(
            inPlainNumbers(kind, message, payload),
            (error) => new Refused({ kind, id, error: encodeInvalid(error) })
          )
          return json(yield* actors.send({ kind, id }, message, plain, yield* by(requestId)))
        }),
      Watch: ({ kind, id, message, payload, requestId }) =>
        Effect.map(by(requestId), (who) => Stream.map(actors.watch({ kind, id }, message, payload, who), json)).pipe(
          Stream.unwrap
        ),
      Devices: ({ where, parameters, ...page }) =>
        where === undefined
          ? Effect.flatMap(operations.devices(page), seenOf)
          : Effect.flatMap(search({ where, ...(parameters !== undefined && { parameters }), ...page }), seenOf),
      Device: ({ id }) => Effect.flatMap(operations.device(id), seen),
      Look: (page) => Effect.flatMap(CurrentAsker, (asker) => operations.look(page, asker)),
      Image: ({ reference }) =>
        Effect.map(images.find(reference), ({ sha256, name, version, size }) => ({ sha256, name, version, size })),
      Events: ({ follow, ...asked }) =>
        Stream.unwrap(follow ? events.tail(asked, { _tag: "Now" }) : Effect.succeed(events.past(asked))),
      Trace: ({ id }) => events.trace(id),
      AuditLog: (asked) => audit.list(asked),
      AuditVerify: ({ vsm }) => audit.verify(vsm),
      AuditProve: ({ id, vsm }) => audit.prove(id, vsm),
      AuditKeys: () => audit.keys,
      AuditWhy: ({ id }) => audit.why(id),
      Ask: (asked) => ask(asked),
      PatternPut: ({ given, expected }) =>
        Effect.flatMap(CurrentAsker, (asker) => patterns.put(given, asker, expected)),
      PatternsPut: ({ given }) => Effect.flatMap(CurrentAsker, (asker) => patterns.putAll(given, asker)),
      Patterns: ({ limit, after }) => patterns.list(limit, after),
      Pattern: ({ name: pattern }) => patterns.get(pattern),
      PatternStats: ({ name: pattern }) => statsOf(pattern),
      PatternRemove: ({ name: pattern }) => Effect.flatMap(CurrentAsker, (asker) => patterns.remove(pattern, asker)),
      PatternSwitch: ({ name: pattern, ...change }) =>
        Effect.flatMap(CurrentAsker, (asker) => patterns.setOn(pattern, change, asker)),
      PatternTry: ({ given, ...asked }) => patterns.trial(given, asked),
      PolicyDecision: ({ id }) => policies.decision(id),
      PolicyWould: (asked) => policies.would(asked),
      PolicyImpact: (draft) => policies.impact(draft),
      Nodes: () => operations.nodes,
      NodeExclude: (exclusion) => Effect.flatMap(CurrentAsker, (asker) => operations.excludeNode(exclusion, asker)),
      NodeReadmit: ({ address }) => Effect.flatMap(CurrentAsker, (asker) => operations.readmitNode(address, asker)),
      Residents: () => operations.residents,
      Quarantined: ({ limit }) => operations.quarantined(limit),
      Release: ({ kind, id }) => operations.release(kind, id),
      DeadLetters: (page) => operations.deadLetters(page),
      DeadLetter: ({ number }) => operations.deadLetter(number),
      Retry: ({ number }) => Effect.flatMap(by(undefined), (who) => Effect.map(operations.retry(number, who), json))
    })
  })
)

/** The route `/rpc`: WebSocket, JSON, one token for each request. */
export const layer = RpcServer.layer(Control, { disableTracing: true, concurrency: "unbounded" }).pipe(
  Layer.provide([handlers, authenticated]),
  Layer.provide(RpcServer.layerProtocolWebsocket({ path: "/rpc" })),
  Layer.provide(RpcSerialization.layerJson)
)
