/** May this asker do this? For a message the answer stands in the cell, before the transition, whatever way the message came. */
import type { Asker } from "../protocol/Asker.ts"
import { covers } from "../protocol/Capability.ts"
import type { Message } from "../protocol/Contract.ts"
import { PolicyDenied } from "../protocol/Errors.ts"
import { type Address, addressKey } from "./Host.ts"

/** Something that somebody wants to do, as its refusal and its event name it. */
export interface Act {
  /** The right that it needs. */
  readonly capability: string
  /** The message or the operation. */
  readonly message: string
  /** Whom or what it is for. */
  readonly target: string
}

/** The act of sending a message. */
export const actOf = (tag: string, { capability }: Message, to: Address): Act => ({
  capability,
  message: tag,
  target: addressKey(to)
})

/** A board speaks for itself only; people see what is theirs or everybody's; the runtime sees all. */
const isMeant = (asker: Asker, { audience }: Message, self: Address): boolean => {
  if (asker.role === "internal" || audience === "public") return true
  if (audience === "board") return asker.role === "board" && asker.id === self.id
  return audience === "operator" && asker.role === "operator"
}

/** Whether the asker has less than all rights, and not this one. */
const lacks = ({ may }: Asker, capability: string): boolean => may !== undefined && !covers(may, capability)

const withheld = ({ id }: Asker, { capability, message, target }: Act): PolicyDenied =>
  new PolicyDenied({
    policyIds: [],
    reason: `${id} has no right to ${capability}, which ${message} of ${target} needs`,
    guidance: `whoever keeps the config of the cluster can add "${capability}" to tokens.operators.${id}.may`
  })

/** Why the asker may not do what is no message of an actor; nothing when it may. */
export const refusalOf = (asker: Asker, act: Act): PolicyDenied | undefined =>
  lacks(asker, act.capability) ? withheld(asker, act) : undefined

/** Why the asker may not send this message to this actor; nothing when it may. What is for everybody needs no right. */
export const refusalOfMessage = (
  asker: Asker,
  tag: string,
  message: Message,
  self: Address
): PolicyDenied | undefined => {
  if (!isMeant(asker, message, self))
    return new PolicyDenied({ policyIds: [], reason: `${tag} is for ${message.audience}`, guidance: "" })
  return lacks(asker, message.capability) && message.audience !== "public"
    ? withheld(asker, actOf(tag, message, self))
    : undefined
}
