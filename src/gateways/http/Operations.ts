/** What operators read and do beside sending messages: devices, nodes, quarantine, dead letters. One service for `/rpc` and `/api`. */
import { Clock, Context, Effect, Layer, Option, Schema } from "effect"
import {
  type ActorRecord,
  ActorRecords,
  type DeadLetterRecord,
  type RecordsUnavailable
} from "../../actors/ActorRecords.ts"
import { Actors, type By, type Refused } from "../../actors/Actors.ts"
import { Engine } from "../../actors/Engine.ts"
import { addressKey } from "../../actors/Host.ts"
import type { Kind } from "../../actors/Registry.ts"
import { decodeRow, look, lookAt } from "../../actors/StoredState.ts"
import type { Asker } from "../../protocol/Asker.ts"
import { Device, DeviceStatus, TwinDocument } from "../../protocol/Device.ts"
import { type HolonError, InvalidTransition, Malformed, NotFound, Unavailable } from "../../protocol/Errors.ts"
import { decodeStored } from "../../protocol/Stored.ts"
import { isWithin } from "../../systems/policy/rule/ZoneAccess.ts"
import type {
  DeadLetterLine,
  DeviceLine,
  DevicePage,
  LookPage,
  NodeExclusion,
  NodeLine,
  QuarantineLine
} from "./Control.ts"
import { demand } from "./Needs.ts"

/** The members of the cluster, as the runtime knows them. */
export class Members extends Context.Service<
  Members,
  {
    readonly list: Effect.Effect<ReadonlyArray<NodeLine>, Unavailable>
    readonly exclude: (
      exclusion: NodeExclusion,
      by: string
    ) => Effect.Effect<NodeLine, Unavailable | NotFound | InvalidTransition>
    readonly readmit: (
      address: string,
      by: string
    ) => Effect.Effect<NodeLine, Unavailable | NotFound | InvalidTransition>
  }
>()("holon/gateways/http/Members") {}

/** Fails with `Unavailable` while the store does not answer, transient. */
export class Operations extends Context.Service<
  Operations,
  {
    /** Reads what is stored, without waking anybody. */
    readonly devices: (page: {
      readonly limit: number
      readonly after?: string
    }) => Effect.Effect<DevicePage, HolonError>
    readonly device: (id: string) => Effect.Effect<DeviceLine, HolonError>
    /** What actors of a kind answer to a query that has no payload, from what is stored: nobody is woken. */
    readonly look: (
      page: {
        readonly kind: string
        readonly message: string
        readonly limit: number
        readonly after?: string
      },
      asker: Asker
    ) => Effect.Effect<LookPage, HolonError>
    readonly nodes: Effect.Effect<ReadonlyArray<NodeLine>, HolonError>
    /** Takes a node out of service, until somebody puts it back or it starts again. */
    readonly excludeNode: (exclusion: NodeExclusion, asker: Asker) => Effect.Effect<NodeLine, HolonError>
    /** Puts a node back into service at once. */
    readonly readmitNode: (address: string, asker: Asker) => Effect.Effect<NodeLine, HolonError>
    /** Resident actors of this node by kind. */
    readonly residents: Effect.Effect<Readonly<Record<string, number>>>
    readonly quarantined: (limit: number) => Effect.Effect<ReadonlyArray<QuarantineLine>, HolonError>
    /** Lets the actor be claimed again and wakes it. */
    readonly release: (kind: string, id: string) => Effect.Effect<void, HolonError>
    readonly deadLetters: (page: {
      readonly limit: number
      readonly after?: number
    }) => Effect.Effect<ReadonlyArray<DeadLetterLine>, HolonError>
    readonly deadLetter: (number: number) => Effect.Effect<DeadLetterLine, HolonError>
    /** Sends the message again under a new id; answers its reply. */
    readonly retry: (number: number, by: By) => Effect.Effect<unknown, HolonError | Refused>
  }
>()("holon/gateways/http/Operations") {}

const outage = (error: RecordsUnavailable) =>
  new Unavailable({ cause: `the store does not answer (${String(error.cause)})` })

/** No text with NUL is stored anywhere, and the store takes the mere question for an error. */
const isStorable = (text: string): boolean => !text.includes("\u0000") && text.isWellFormed()

const isStatus = Schema.is(DeviceStatus)
const isTwin = Schema.is(TwinDocument)
const isJson = Schema.is(Schema.Json)

const make = Effect.gen(function* () {
  const records = yield* ActorRecords
  const actors = yield* Actors
  const members = yield* Members
  const { registry, residency } = yield* Engine

  const lineOf = (record: ActorRecord, now: number, asker: Asker): DeviceLine | undefined => {
    const type = registry.get(record.kind)
    if (type === undefined) return undefined
    const answer = lookAt(type, record, record, { now, asker })
    const status = answer("GetStatus")
    const twin = answer("GetTwin")
    if (!isStatus(status) || !isTwin(twin)) return undefined
    return { id: record.id, status, desired: twin.desired, reported: twin.reported }
  }
  const reader: Asker = { kind: "service", id: "http", role: "operator" }

  return Operations.of({
    devices: Effect.fnUntraced(function* ({ limit, after }) {
      if (after !== undefined && !isStorable(after))
        return yield* new Malformed({ path: "after", reason: "no id has NUL" })
      const now = yield* Clock.currentTimeMillis
      const found = yield* Effect.mapError(
        records.list(Device.kind, { limit, ...(after !== undefined && { after }) }),
        outage
      )
      const devices = found.flatMap((record) => lineOf(record, now, reader) ?? [])
      const last = found.at(-1)
      return { devices, ...(found.length === limit && last !== undefined && { next: last.id }) }
    }),
    device: Effect.fnUntraced(function* (id) {
      if (!isStorable(id)) return yield* new NotFound({ what: `device ${id}` })
      const now = yield* Clock.currentTimeMillis
      const record = yield* Effect.mapError(records.read({ kind: Device.kind, id }), outage)
      const line = Option.isSome(record) ? lineOf(record.value, now, reader) : undefined
      if (line === undefined) return yield* new NotFound({ what: `device ${id}` })
      return line
    }),
    look: Effect.fnUntraced(function* ({ kind, message, limit, after }, asker) {
      const type = registry.get(kind)
      const view = type?.behaviour.contract.messages[message]
      const isOpen = view?.audience === "operator" || view?.audience === "public"
      if (type === undefined || view === undefined || !isOpen || view.delivery !== "query")
        return yield* new NotFound({ what: `query ${message} of ${kind}` })
      const { capability } = view
      yield* demand(residency, asker, { capability, message, target: `every ${kind}`, isActuating: false })
      if (after !== undefined && !isStorable(after))
        return yield* new Malformed({ path: "after", reason: "no id has NUL" })
      const now = yield* Clock.currentTimeMillis
      const found = yield* Effect.mapError(records.list(kind, { limit, ...(after !== undefined && { after }) }), outage)
      const encode = type.codec.messages.get(message)?.success.encode
      const items = found.flatMap((record) => {
        if (!isSeenBy(asker, type, record)) return []
        const value = encode?.(look(type, record, record, message, { now, asker: reader }))
        return isJson(value) ? [{ id: record.id, value }] : []
      })
      const last = found.at(-1)
      return { items, ...(found.length === limit && last !== undefined && { next: last.id }) }
    }),
    nodes: members.list,
    excludeNode: (exclusion, asker) => members.exclude(exclusion, nameOf(asker)),
    readmitNode: (address, asker) =>
      isStorable(address)
        ? members.readmit(address, nameOf(asker))
        : Effect.fail(new NotFound({ what: "such a node" })),
    residents: Effect.sync(() => Object.fromEntries(residency.residents())),
    quarantined: (limit) => Effect.mapError(records.quarantined({ limit }), outage),
    release: Effect.fnUntraced(function* (kind, id) {
      const isKnown = isStorable(kind) && isStorable(id)
      const released = isKnown ? yield* Effect.mapError(records.release({ kind, id }), outage) : Option.none()
      if (Option.isNone(released)) return yield* new NotFound({ what: `quarantine of ${kind}/${id}` })
      residency.wake([{ kind, id }])
    }),
    deadLetters: ({ limit, after }) =>
      records.deadLetters({ limit, ...(after !== undefined && { after }) }).pipe(
        Effect.map((letters) => letters.map(letterLine)),
        Effect.mapError(outage)
      ),
    deadLetter: (number) => Effect.map(letterOf(records, number), letterLine),
    retry: Effect.fnUntraced(function* (number, by) {
      const letter = yield* letterOf(records, number)
      const type = registry.get(letter.kind)
      if (type?.codec.messages.get(letter.message) === undefined)
        return yield* new InvalidTransition({ from: `a dead ${letter.message}`, event: "a retry" })
      // Before it is marked: a retry that is refused must leave the letter for somebody else.
      const { capability } = type.behaviour.contract.messages[letter.message] ?? { capability: "" }
      const { message } = letter
      // What it is for judges it once more, with all that is known there.
      const act = { capability, message, target: addressKey(letter), isActuating: true, isForwarded: true }
      yield* demand(residency, by.asker, act)
      const isFirst = yield* Effect.mapError(records.markRetried(number), outage)
      if (!isFirst) return yield* new InvalidTransition({ from: "already retried", event: "a retry" })
      return yield* actors.send(letter, letter.message, decodeStored(letter.payload), by)
    })
  })
})

const nameOf = ({ kind, id }: Asker): string => `${kind}/${id}`

/** Whether an actor is where who asks may look. */
const isSeenBy = ({ zones }: Asker, type: Kind, record: ActorRecord): boolean => {
  const { zoneOf } = type.behaviour.reactions
  if (zones === undefined || zoneOf === undefined) return true
  const zone = zoneOf(decodeRow(type, record.id, record).state)
  return zone === undefined || isWithin(zones, zone)
}

const letterOf = Effect.fnUntraced(function* (records: ActorRecords["Service"], number: number) {
  const letter = yield* Effect.mapError(records.deadLetter(number), outage)
  if (Option.isNone(letter)) return yield* new NotFound({ what: `dead letter ${number}` })
  return letter.value
})

const letterLine = (letter: DeadLetterRecord): DeadLetterLine => {
  const { number, kind, id, message, cause, traceId, at, isRetried } = letter
  const payload = letter.payload.length === 0 ? null : decodeStored(letter.payload)
  return {
    number,
    kind,
    id,
    letter: letter.letter,
    message,
    cause,
    traceId,
    at,
    isRetried,
    payload: isJson(payload) ? payload : null
  }
}

/** Over the records of the store and the cells of this node. */
export const layer: Layer.Layer<Operations, never, ActorRecords | Actors | Members | Engine> = Layer.effect(
  Operations,
  make
)
