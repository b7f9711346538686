/** What an event is to the VSM that it happens in: something that disturbs it, its answer, or what came of it. */
import { matches } from "../../../protocol/Capability.ts"
import type { HolonEvent } from "../../../protocol/Event.ts"

/** How something ended. */
export const outcomes = ["ok", "degraded", "failed", "unsafe"] as const
export type Outcome = (typeof outcomes)[number]

/** Answers: what the VSM, its controllers and people do about something. */
const responses = [
  "command.accepted",
  "twin.desired-changed",
  "vsm.unit-restarted",
  "vsm.spawning",
  "vsm.quarantined",
  "vsm.released",
  "vsm.retiring",
  "algedonic.acknowledged",
  "policy.*",
  "coordination.*"
]
const outcomeOfType: ReadonlyMap<string, Outcome> = new Map([
  ["command.late", "degraded"],
  ["vsm.unit-quarantined", "failed"],
  ["pattern.loop", "failed"],
  ["algedonic.person-called", "unsafe"],
  ["algedonic.resolved", "ok"]
])
/** What was kept from happening. */
const blocked = ["recursion.blocked", "*.refused", "*-refused", "link.denied", "board.dropped"]
/** What a VSM says about itself disturbs nobody. */
const ownWords = ["vsm.*", "recursion.*", "algedonic.*", "audit.*", "pattern.*"]

const isAny = (globs: ReadonlyArray<string>, type: string): boolean => globs.some((glob) => matches(glob, type))

/** Class of an event: what, how grave, where. */
export const classOf = ({ type, severity, zone }: HolonEvent): string => `${type} ${severity} ${zone ?? "-"}`

/** What came of something; nothing for events that are no end. A command that ended by itself ended well with code 0. */
export const outcomeOf = ({ type, data }: HolonEvent): Outcome | undefined => {
  if (type !== "command.ended") return outcomeOfType.get(type)
  const { code } = Object(data)
  return code === undefined || code === 0 ? "ok" : "failed"
}

export type Role = "disturbance" | "response" | "outcome" | "blocked" | "other"

/** The role of an event. */
export const roleOf = (event: HolonEvent): Role => {
  const { type, severity } = event
  if (isAny(blocked, type)) return "blocked"
  if (outcomeOf(event) !== undefined) return "outcome"
  if (isAny(responses, type)) return "response"
  if (type === "algedonic.felt") return "disturbance"
  if (isAny(ownWords, type) || severity === "debug") return "other"
  return "disturbance"
}
