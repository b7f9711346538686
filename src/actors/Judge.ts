/**
 * The one place that says yes or no to an act: rights, zones and policies, at once and without waiting. The cell of the actor
 * asks before each message for people, whoever sent it; whoever acts otherwise asks here himself. Frames of boards are not
 * judged: what a board reports is a fact.
 */
import { Context } from "effect"
import type { Asker } from "../protocol/Asker.ts"
import type { Message } from "../protocol/Contract.ts"
import type { PolicyDenied, RateLimited, ZoneDenied } from "../protocol/Errors.ts"
import { type Act, actOf, refusalOf, refusalOfMessage } from "./Guard.ts"
import type { Address } from "./Host.ts"

/** An act with all that policies may speak of. */
export interface JudgedAct extends Act {
  /** What policies call it where that is another name than its right: the command that a device is given. */
  readonly name?: string
  /** What it is done with; a map's fields are `arg.…`. */
  readonly args?: unknown
  /** Where what it is for is; absent where that is in no zone. */
  readonly zone?: string | undefined
  /** The VSM that governs what it is for; absent for the root. */
  readonly vsm?: string | undefined
  /** Made only where some policy asks: what is known of what it is for, as the reported state of a device. */
  readonly facts?: () => Readonly<Record<string, unknown>>
  /** Whether it changes something, and so may move something in the world. */
  readonly isActuating: boolean
  /**
   * Whether what it is for is asked again by its own cell, with all that is known there: then limits do not count it here, and
   * what cannot be judged here does not deny it.
   */
  readonly isForwarded?: boolean
  /** Whether what it is for acts for who asks, and asks here about each of those acts. */
  readonly isForOthers?: boolean | undefined
}

/** Why an act may not be done. */
export type Denial = PolicyDenied | RateLimited | ZoneDenied

/** Whether policies have decided it: their keeper says so on the event stream, and nobody was refused for want of a right. */
export const isByPolicies = (denial: Denial): boolean =>
  denial._tag === "RateLimited" || (denial._tag === "PolicyDenied" && denial.decision !== undefined)

/** Judges the acts of a node. By itself it knows rights only; the runtime fills in zones and policies. */
export const Judge = Context.Reference<{
  /** Why not; nothing where it may be done. Never throws, never waits. */
  readonly judge: (asker: Asker, act: JudgedAct) => Denial | undefined
}>("holon/actors/Judge", { defaultValue: () => ({ judge: refusalOf }) })
export type Judge = typeof Judge.Service

/** What is known of the actor that a message is for, and whether its cell says so or somebody on the way to it. */
export type Circumstances = Pick<JudgedAct, "zone" | "vsm" | "facts" | "isForwarded" | "isForOthers">

/** Commands of boards are known to policies by their own names, with their own arguments. */
const wanted = (tag: string, payload: unknown): Pick<JudgedAct, "name" | "args"> => {
  if (typeof payload !== "object" || payload === null) return {}
  if (tag === "SetDesired" && "patch" in payload) return { args: payload.patch }
  if (tag !== "Invoke" || !("name" in payload) || typeof payload.name !== "string") return { args: payload }
  return { name: payload.name, args: "args" in payload ? payload.args : undefined }
}

/** What changes something is taken to move something. */
const isActuating = ({ delivery }: Message): boolean => delivery === "once" || delivery === "idempotent"

/** Why a message may not be sent to an actor; nothing where it may. What is for everybody, or for no people, is not judged. */
export const denialOf = (
  { judge }: Judge,
  asker: Asker,
  { tag, message, payload }: { readonly tag: string; readonly message: Message; readonly payload: unknown },
  self: Address,
  circumstances: Circumstances
): Denial | undefined => {
  const refusal = refusalOfMessage(asker, tag, message, self)
  if (refusal !== undefined || message.audience !== "operator") return refusal
  return judge(asker, {
    ...actOf(tag, message, self),
    ...wanted(tag, payload),
    ...circumstances,
    isActuating: isActuating(message)
  })
}
