/** May this asker send this message? The answer stands in the cell, before the transition, whatever way the message came. */
import type { Asker } from "../protocol/Asker.ts"
import type { Message } from "../protocol/Contract.ts"
import type { Address } from "./Host.ts"

/** A board speaks for itself only; people see what is theirs or everybody's; the runtime sees all. */
export const permits = (asker: Asker, message: Message, self: Address): boolean => {
  if (asker.role === "internal" || message.audience === "public") return true
  if (message.audience === "board") return asker.role === "board" && asker.id === self.id
  return message.audience === "operator" && asker.role === "operator"
}
