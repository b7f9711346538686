/** The HTTP API: fixed paths for lists and health, and one path per message of the registry that people may send. */

import { Effect, Layer, Schema } from "effect"
import { isReadonlyArrayNonEmpty, type NonEmptyReadonlyArray } from "effect/Array"
import {
  HttpApi,
  HttpApiBuilder,
  HttpApiEndpoint,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiScalar,
  OpenApi
} from "effect/http-api"
import { Actors } from "../../actors/Actors.ts"
import type { Registry } from "../../actors/Registry.ts"
import type { Contract, Message, PlainSchema } from "../../protocol/Contract.ts"
import { ConditionInvalid } from "../../protocol/condition/ConditionInvalid.ts"
import { HolonError, Malformed } from "../../protocol/Errors.ts"
import { askGroup, askReads } from "./AskApi.ts"
import { auditGroup, auditReads } from "./AuditApi.ts"
import { Authorization, authorizationLayer } from "./Authorization.ts"
import { DeviceLine, DevicePage, NodeExclusion, NodeLine } from "./Control.ts"
import { isForPeople } from "./Describe.ts"
import { ConditionParameters, deviceQueries, Where } from "./DeviceQueries.ts"
import { eventGroup, eventHandlers } from "./EventApi.ts"
import { CurrentAsker } from "./Gatekeeper.ts"
import { Health, HealthReport, NotReady } from "./Health.ts"
import { imageGroup, imageHandlers } from "./ImageApi.ts"
import { Needs } from "./Needs.ts"
import { Operations } from "./Operations.ts"
import { patternGroup, patternHandlers } from "./PatternApi.ts"
import { policyGroup, policyReads } from "./PolicyApi.ts"
import { seen, seenOf } from "./SeenDevices.ts"
import { messageInPlainNumbers } from "./Sources.ts"

const limit = Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 1000 }))

const isUnion = (schema: PlainSchema): schema is PlainSchema & { readonly members: ReadonlyArray<PlainSchema> } =>
  "members" in schema && Array.isArray(schema.members)

/** The members of a union one by one: a response has the status of its member, never that of a union. */
const membersOf = (schema: PlainSchema): ReadonlyArray<PlainSchema> =>
  isUnion(schema) ? schema.members.flatMap(membersOf) : [schema]

const errors = HolonError.members

const fleet = HttpApiGroup.make("fleet")
  .add(
    HttpApiEndpoint.get("listDevices", "/api/devices", {
      query: {
        limit: Schema.optionalKey(limit),
        after: Schema.optionalKey(Schema.String),
        where: Schema.optionalKey(Where),
        parameters: Schema.optionalKey(Schema.fromJsonString(ConditionParameters))
      },
      success: DevicePage,
      error: [...errors, ConditionInvalid]
    })
      .annotate(Needs, "device.read")
      .annotate(
        OpenApi.Description,
        'Devices in order of their ids, as last stored. `next` goes into `after` for the page behind. With `where`, those whose twin fulfils a condition, such as `reported.temp > 90 and state == "online"`; `parameters` says as JSON what `$names` in it stand for, and `asOf` how old the answer is.'
      ),
    HttpApiEndpoint.get("getDevice", "/api/devices/:id", {
      params: { id: Schema.String },
      success: DeviceLine,
      error: errors
    }).annotate(Needs, "device.read"),
    HttpApiEndpoint.get("listNodes", "/api/nodes", { success: Schema.Array(NodeLine), error: errors }).annotate(
      Needs,
      "node.read"
    ),
    HttpApiEndpoint.post("excludeNode", "/api/nodes/:address/exclude", {
      params: { address: NodeExclusion.fields.address },
      payload: Schema.Struct({ reason: NodeExclusion.fields.reason, belowQuorum: NodeExclusion.fields.belowQuorum }),
      success: NodeLine,
      error: errors
    })
      .annotate(Needs, "node.govern")
      .annotate(
        OpenApi.Description,
        "Takes a node out of service: its actors go to others, it stays a member. Until it is readmitted, or starts again."
      ),
    HttpApiEndpoint.post("readmitNode", "/api/nodes/:address/readmit", {
      params: { address: NodeExclusion.fields.address },
      success: NodeLine,
      error: errors
    })
      .annotate(Needs, "node.govern")
      .annotate(OpenApi.Description, "Puts a node back into service at once, whatever it was taken out for.")
  )
  .middleware(Authorization)

const health = HttpApiGroup.make("health", { topLevel: true }).add(
  HttpApiEndpoint.get("live", "/health/live", { success: Schema.Struct({ status: Schema.Literal("live") }) }),
  HttpApiEndpoint.get("ready", "/health/ready", { success: HealthReport, error: NotReady }),
  HttpApiEndpoint.get("health", "/health", { success: HealthReport })
)

/** Path of a message: `/api/device/{id}/SetDesired`. */
const pathOf = (kind: string, tag: string): `/${string}` => `/api/${kind}/:id/${tag}`

const isShown = (message: Message): boolean => message.delivery !== "watch" && isForPeople(message)

const shownOf = (messages: Readonly<Record<string, Message>>): ReadonlyArray<readonly [string, Message]> =>
  Object.entries(messages).filter(([, message]) => isShown(message))

const endpointOf = (kind: string, tag: string, message: Message) =>
  HttpApiEndpoint.post(tag, pathOf(kind, tag), {
    params: { id: Schema.String },
    headers: { "idempotency-key": Schema.optionalKey(Schema.String) },
    payload: message.payload,
    success: message.success,
    error: [...new Set([...membersOf(message.error), ...errors])]
  })
    .annotate(Needs, "message")
    .annotate(OpenApi.Description, message.about)

const messageGroup = (kind: string, [first, ...rest]: NonEmptyReadonlyArray<readonly [string, Message]>) =>
  HttpApiGroup.make(kind)
    .add(endpointOf(kind, ...first), ...rest.map(([tag, message]) => endpointOf(kind, tag, message)))
    .middleware(Authorization)

type MessageGroup = ReturnType<typeof messageGroup>

const fixed = HttpApi.make("holon")
  .add(fleet)
  .add(health)
  .add(imageGroup)
  .add(eventGroup)
  .add(patternGroup)
  .add(auditGroup)
  .add(policyGroup)
  .add(askGroup)
  .annotate(HttpApi.PayloadParseOptions, { onExcessProperty: "error" })
  .annotate(HttpApi.QueryParseOptions, { onExcessProperty: "error" })
  .annotate(OpenApi.Title, "Holon")
  .annotate(OpenApi.Version, "0.1.0")
  .annotate(OpenApi.Description, "Messages to actors, lists and health, derived from the contracts of the actors.")

const messageHandlers = (
  api: HttpApi.HttpApi<"holon", MessageGroup>,
  contract: Contract,
  messages: NonEmptyReadonlyArray<readonly [string, Message]>
) =>
  HttpApiBuilder.group(
    api,
    contract.kind,
    Effect.fnUntraced(function* (handlers) {
      const actors = yield* Actors
      const inPlainNumbers = yield* messageInPlainNumbers
      const send =
        (tag: string) =>
        ({ params, payload, headers }: MessageRequest) =>
          Effect.gen(function* () {
            const asker = yield* CurrentAsker
            const requestId = headers["idempotency-key"]
            const by = { asker, ...(requestId !== undefined && { requestId }) }
            return yield* actors.ask(contract, params.id, tag, yield* inPlainNumbers(contract.kind, tag, payload), by)
          })
      return handlers.handleAll(Object.fromEntries(messages.map(([tag]) => [tag, send(tag)])))
    })
  )

interface MessageRequest {
  readonly params: { readonly id: string }
  readonly payload: unknown
  readonly headers: { readonly "idempotency-key"?: string }
}

const fleetHandlers = (api: typeof fixed) =>
  HttpApiBuilder.group(
    api,
    "fleet",
    Effect.fnUntraced(function* (handlers) {
      const operations = yield* Operations
      const search = yield* deviceQueries
      return handlers
        .handle("listDevices", ({ query: { limit = 100, after, where, parameters } }) => {
          const page = { limit, ...(after !== undefined && { after }) }
          if (where !== undefined)
            return Effect.flatMap(search({ where, ...(parameters !== undefined && { parameters }), ...page }), seenOf)
          return parameters === undefined
            ? Effect.flatMap(operations.devices(page), seenOf)
            : Effect.fail(new Malformed({ path: "parameters", reason: "there is no `where` that they belong to" }))
        })
        .handle("getDevice", ({ params }) => Effect.flatMap(operations.device(params.id), seen))
        .handle("listNodes", () => operations.nodes)
        .handle("excludeNode", ({ params, payload }) =>
          Effect.flatMap(CurrentAsker, (asker) => operations.excludeNode({ ...params, ...payload }, asker))
        )
        .handle("readmitNode", ({ params }) =>
          Effect.flatMap(CurrentAsker, (asker) => operations.readmitNode(params.address, asker))
        )
    })
  )

const imagesHandlers = (api: typeof fixed) =>
  HttpApiBuilder.group(
    api,
    "images",
    Effect.fnUntraced(function* (handlers) {
      const images = yield* imageHandlers
      return (
        handlers
          // Read by hand: a body that breaks off is no defect here, but what the answer says.
          .handleRaw("pushImage", ({ query, headers, request }) =>
            images.push(request.stream, query, headers["holon-manifest"])
          )
          .handle("listImages", ({ query }) => images.list(query))
          .handle("getImage", ({ params }) => images.get(params.image))
          .handle("getImageContent", ({ params }) => images.content(params.image))
          .handle("putImageManifest", ({ params, payload }) => images.sign(params.image, payload))
          .handle("deleteImage", ({ params }) => images.remove(params.image))
      )
    })
  )

const eventsHandlers = (api: typeof fixed) =>
  HttpApiBuilder.group(
    api,
    "events",
    Effect.fnUntraced(function* (handlers) {
      const events = yield* eventHandlers
      return handlers
        .handle("traceEvents", ({ params }) => events.trace(params.id))
        .handle("listEvents", ({ query }) => events.list(query))
        .handle("tailEvents", ({ query, headers }) => events.tail(query, headers["last-event-id"]))
    })
  )

const patternsHandlers = (api: typeof fixed) =>
  HttpApiBuilder.group(
    api,
    "patterns",
    Effect.fnUntraced(function* (handlers) {
      const patterns = yield* patternHandlers
      return handlers
        .handle("putPattern", ({ payload, query }) => patterns.put(payload, query.expected))
        .handle("putPatterns", ({ payload }) => patterns.putAll(payload))
        .handle("listPatterns", ({ query }) => patterns.list(query))
        .handle("statsOfPattern", ({ params }) => patterns.stats(params.name))
        .handle("getPattern", ({ params }) => patterns.get(params.name))
        .handle("removePattern", ({ params }) => patterns.remove(params.name))
        .handle("switchPattern", ({ params, payload }) => patterns.setOn(params.name, payload))
        .handle("tryPattern", ({ payload, query }) => patterns.trial(payload, query))
    })
  )

const auditHandlers = (api: typeof fixed) =>
  HttpApiBuilder.group(
    api,
    "audit",
    Effect.fnUntraced(function* (handlers) {
      const audit = yield* auditReads
      return handlers
        .handle("listAudit", ({ query }) => audit.list(query))
        .handle("verifyAudit", ({ query }) => audit.verify(query.vsm))
        .handle("whyAudit", ({ params }) => audit.why(params.id))
        .handle("proveAudit", ({ params, query }) => audit.prove(params.id, query.vsm))
        .handle("auditKeys", () => audit.keys)
    })
  )

const policiesHandlers = (api: typeof fixed) =>
  HttpApiBuilder.group(
    api,
    "policies",
    Effect.fnUntraced(function* (handlers) {
      const policies = yield* policyReads
      return handlers
        .handle("explainDecision", ({ params }) => policies.decision(params.id))
        .handle("explainRequest", ({ payload }) => policies.would(payload))
        .handle("impactOfPolicy", ({ payload }) => policies.impact(payload))
    })
  )

const askHandlers = (api: typeof fixed) =>
  HttpApiBuilder.group(
    api,
    "ask",
    Effect.fnUntraced(function* (handlers) {
      const ask = yield* askReads
      return handlers.handle("ask", ({ payload }) => ask(payload))
    })
  )

const healthHandlers = (api: typeof fixed) =>
  HttpApiBuilder.group(
    api,
    "health",
    Effect.fnUntraced(function* (handlers) {
      const { report } = yield* Health
      return handlers
        .handle("live", () => Effect.succeed({ status: "live" as const }))
        .handle("ready", () =>
          Effect.flatMap(report, (found) =>
            found.status === "ready" ? Effect.succeed(found) : Effect.fail(new NotReady({ report: found }))
          )
        )
        .handle("health", () => report)
    })
  )

/** The whole API with the messages of the registry, and the kinds that have some for people. */
export const apiOf = (registry: Registry) => {
  const shown = [...registry.values()].flatMap(({ behaviour: { contract } }) => {
    const messages = shownOf(contract.messages)
    return isReadonlyArrayNonEmpty(messages) ? [{ contract, messages }] : []
  })
  // The groups of the registry are known at run time only; each of the two types names the part its handlers need.
  let whole = fixed
  for (const { contract, messages } of shown)
    whole = whole.add(messageGroup(contract.kind, messages)) as unknown as typeof fixed
  return { whole: whole.middleware(HttpApiMiddleware.ProblemDetails) as typeof fixed, shown }
}

/** Routes of the API, its OpenAPI document at `/openapi.json` and its pages at `/docs`. */
export const layer = (registry: Registry) => {
  const { whole, shown } = apiOf(registry)
  const derived = whole as unknown as HttpApi.HttpApi<"holon", MessageGroup>
  const groups = shown.map(({ contract, messages }) => messageHandlers(derived, contract, messages))
  return Layer.mergeAll(
    HttpApiBuilder.layer(whole, { openapiPath: "/openapi.json" }),
    HttpApiScalar.layer(whole, { path: "/docs" })
  ).pipe(
    Layer.provide([
      fleetHandlers(whole),
      healthHandlers(whole),
      imagesHandlers(whole),
      eventsHandlers(whole),
      patternsHandlers(whole),
      auditHandlers(whole),
      policiesHandlers(whole),
      askHandlers(whole),
      ...groups
    ]),
    Layer.provide([authorizationLayer, HttpApiMiddleware.layerProblemDetails({ includeDetails: true })])
  )
}
