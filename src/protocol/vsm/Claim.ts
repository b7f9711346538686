/**
 * A claim: for a time, the right to act on resources, such as a device or one capability of it. Each that is granted has a fence
 * that is higher than those before, and a device refuses whoever comes with a lower one than it has seen. Times are ms since 1970.
 */
import { Schema } from "effect"
import { isUuidV7 } from "../Ids.ts"
import { Refusal } from "./Spawn.ts"
import { VsmId } from "./VsmId.ts"

const instant = Schema.Finite
const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** Parts with slashes between them. `device/press-1` is the whole of a device, `device/press-1/motor.duty` one capability of it. */
export const Resource = Schema.String.check(
  Schema.isPattern(/^[a-z0-9][a-zA-Z0-9._-]*(\/[a-zA-Z0-9][a-zA-Z0-9._-]*){0,5}$/, {
    expected: "one to six parts of letters, digits, dots, hyphens and underscores, with slashes between them"
  }),
  Schema.isMaxLength(192)
)
export type Resource = typeof Resource.Type

/** Whether one of two resources is the other, or a part of it. */
export const overlaps = (one: string, other: string): boolean =>
  one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`)

/** The device that a resource is of, if it is of one. */
export const deviceOf = (resource: string): string | undefined => {
  const [kind, id] = resource.split("/")
  return kind === "device" ? id : undefined
}

/** `read` bears others that read; `write` and `exclusive` bear nobody. */
export const ClaimMode = Schema.Literals(["read", "write", "exclusive"])
export type ClaimMode = typeof ClaimMode.Type

/** Strongest first. */
export const priorities = ["algedonic", "critical", "high", "normal", "low"] as const
export const Priority = Schema.Literals(priorities)
export type Priority = typeof Priority.Type

/** A UUIDv7 as lower-case text; of two that ask with the same priority the one whose op was made first is the stronger. */
export const OpId = Schema.String.check(
  Schema.makeFilter((text: string) => isUuidV7(text), { expected: "a UUIDv7 in lower case" })
)
export type OpId = typeof OpId.Type

/** One resource that is claimed. */
export const Wanted = Schema.Struct({ resource: Resource, mode: ClaimMode })
export type Wanted = typeof Wanted.Type

/** Most that one claim names, and how long it holds and waits at most, ms. */
export const wantedMax = 16
export const holdMillisMax = 60_000
export const waitMillisMax = 600_000

/**
 * `waiting` somebody has it; `held`; `released` by its holder; `expired` its holder did not renew it; `wounded` taken for a
 * stronger one; `refused` it was waited for in vain.
 */
export const ClaimState = Schema.Literals(["waiting", "held", "released", "expired", "wounded", "refused"])
export type ClaimState = typeof ClaimState.Type

/** A claim, as it rests and as people see it. */
export const ClaimView = Schema.Struct({
  /** Names the claim: id of the request that made it. */
  lease: Schema.String,
  /** What it is for: claims of one op do not stand in each other's way. */
  op: OpId,
  /** Kind and id of who asked. */
  by: Schema.String,
  claims: Schema.Array(Wanted),
  priority: Priority,
  holdMillis: count,
  state: ClaimState,
  askedAt: instant,
  /** When the state began. */
  since: instant,
  /** End of the wait or of the hold; for one that is over, when it is forgotten. */
  until: instant,
  /** Once it is held: what every command under it says. */
  fence: Schema.optionalKey(count),
  waitedMillis: Schema.optionalKey(Schema.Finite),
  /** The op that took it, or has what was waited for in vain. */
  lostTo: Schema.optionalKey(Schema.String),
  refusal: Schema.optionalKey(Refusal)
})
export type ClaimView = typeof ClaimView.Type

/** What a command says of the claim that it is given under. */
export const ClaimToken = Schema.Struct({
  /** Whose coordinator granted it. */
  vsm: VsmId,
  resource: Resource,
  fence: count
})
export type ClaimToken = typeof ClaimToken.Type

/** A turn of a topic: of many that want to do something at once, so many do. */
export const SlotView = Schema.Struct({
  /** Names the turn: id of the request that asked for it. */
  slot: Schema.String,
  topic: Schema.String,
  by: Schema.String,
  /** Share of the turns when all want more than there are. */
  weight: Schema.Finite,
  holdMillis: count,
  state: Schema.Literals(["waiting", "held", "released", "expired", "refused"]),
  askedAt: instant,
  since: instant,
  until: instant
})
export type SlotView = typeof SlotView.Type
