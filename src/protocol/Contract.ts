/** What an actor says to the world: its kind, its state, its messages and its events. Surfaces are derived from it. */
import { Schema } from "effect"
import type { AuditCategory } from "./audit/Category.ts"

/** Who may send a message: `internal` other actors and the runtime, `board` the board it mirrors, `operator` people, `public` everybody. */
export type Audience = "internal" | "board" | "operator" | "public"

/**
 * How often a message may take effect. `query` changes nothing; `idempotent` may run again; `once` runs once for a
 * request id, a repeat gets the first reply; `watch` is a query whose answer is sent again whenever it changes.
 */
export type Delivery = "query" | "idempotent" | "once" | "watch"

/** A schema that needs no service to decode or encode. */
export type PlainSchema = Schema.Codec<unknown, unknown>

/** One message of a contract, with its defaults filled in. */
export interface Message<
  Payload extends PlainSchema = PlainSchema,
  Success extends PlainSchema = PlainSchema,
  Failure extends PlainSchema = PlainSchema
> {
  readonly delivery: Delivery
  readonly payload: Payload
  readonly success: Success
  readonly error: Failure
  readonly audience: Audience
  /** The right that a policy grants or withholds. */
  readonly capability: string
  /** Whether the message may bring an actor into being that has no row yet. */
  readonly creates: boolean
  /** Payload fields that are shown as `***` in logs, events and dead letters. */
  readonly secret: ReadonlyArray<string>
  /** One sentence for people: REPL, HTTP documentation. */
  readonly about: string
  /** For a message that may have to wait for its answer. */
  readonly waits: Waits | undefined
}

/**
 * How a message waits for an answer that is worth having. The actor answers at once; where the answer is empty, the node that
 * asks waits beside the actor and asks again. So whoever goes away leaves nothing behind.
 */
export interface Waits {
  /** A standing query without payload that answers true once it is worth asking again. */
  readonly query: string
  /** The field of the payload that says how long the sender would wait, ms. */
  readonly millis: string
  /** The list of the reply that is empty while there is nothing. */
  readonly list: string
}

interface Options<Fields extends Schema.Struct.Fields, Success extends PlainSchema, Failure extends PlainSchema> {
  readonly payload?: Fields
  readonly success?: Success
  readonly error?: Failure
  readonly audience?: Audience
  readonly capability?: string
  readonly creates?: boolean
  readonly secret?: ReadonlyArray<string>
  readonly about?: string
  readonly waits?: Waits
}

/** An empty struct would accept any value that is not null; this accepts the empty object only. */
const noPayload = Schema.Record(Schema.String, Schema.Never)

const declare =
  (delivery: Delivery) =>
  <
    const Fields extends Record<string, PlainSchema> = Record<never, never>,
    Success extends PlainSchema = typeof Schema.Void,
    Failure extends PlainSchema = typeof Schema.Never
  >(
    options: Options<Fields, Success, Failure>
  ) => ({
    delivery,
    payload:
      options.payload === undefined
        ? (noPayload as PlainSchema as Schema.Struct<Fields>)
        : Schema.Struct(options.payload),
    success: options.success ?? (Schema.Void as PlainSchema as Success),
    error: options.error ?? (Schema.Never as PlainSchema as Failure),
    audience: options.audience ?? "internal",
    capability: options.capability ?? "",
    creates: options.creates ?? (delivery === "idempotent" || delivery === "once"),
    secret: options.secret ?? [],
    about: options.about ?? "",
    waits: options.waits
  })

/** A message that changes nothing. Unknown ids answer `NotFound` and wake nobody. */
export const query = declare("query")
/** A message whose repeat does no harm. */
export const idempotent = declare("idempotent")
/** A message that takes effect once for its request id, also when its node dies between write and reply. */
export const once = declare("once")
/** A query that answers again whenever its answer changed; items in between may be skipped. */
export const watch = declare("watch")

/** A contract: `kind` is a key in storage and on every surface, for ever. */
export interface Contract<
  Kind extends string = string,
  State extends PlainSchema = PlainSchema,
  Messages extends Record<string, Message> = Record<string, Message>,
  Events extends Record<string, PlainSchema> = Record<string, PlainSchema>
> {
  readonly kind: Kind
  /** Number of the stored form of `state`; a node refuses rows of a higher one. */
  readonly format: number
  readonly state: State
  /** Stored forms of earlier formats: rows rest in them, and are written so while an older node is a member. */
  readonly former: Readonly<Record<number, PlainSchema>>
  readonly messages: Messages
  readonly events: Events
  /** Which events are acts, refusals or decisions, and are chained by auditors. All others are what was seen on the way. */
  readonly audited: Readonly<Record<string, AuditCategory | undefined>>
  /** One sentence for people. */
  readonly about: string
}

/** Makes a contract. State is stored as its encoded form; keys it does not know are kept. */
export const make = <
  const Kind extends string,
  State extends PlainSchema,
  const Messages extends Record<string, Message>,
  const Events extends Record<string, PlainSchema> = Record<never, never>
>(
  kind: Kind,
  options: {
    readonly state: State
    readonly messages: Messages
    readonly events?: Events
    readonly audited?: { readonly [Type in keyof Events]?: AuditCategory }
    readonly format?: number
    /** By format, a schema from its stored form to the state of today. Keep one for as long as rows may rest in it. */
    readonly former?: Readonly<Record<number, Schema.Codec<State["Type"], unknown>>>
    readonly about?: string
  }
): Contract<Kind, State, Messages, Events> => ({
  kind,
  format: options.format ?? 1,
  state: options.state,
  former: options.former ?? {},
  messages: options.messages,
  events: options.events ?? ({} as Events),
  audited: options.audited ?? {},
  about: options.about ?? ""
})

export type StateOf<C extends Contract> = C["state"]["Type"]
export type TagOf<C extends Contract> = keyof C["messages"] & string
export type PayloadOf<C extends Contract, Tag extends TagOf<C>> = C["messages"][Tag]["payload"]["Type"]
export type SuccessOf<C extends Contract, Tag extends TagOf<C>> = C["messages"][Tag]["success"]["Type"]
export type FailureOf<C extends Contract, Tag extends TagOf<C>> = C["messages"][Tag]["error"]["Type"]
