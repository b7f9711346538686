/** Policies that an older release has checked and this one cannot read. */
import { Result } from "effect"
import type { BoundPolicy } from "../../../protocol/policy/BoundPolicy.ts"
import { checkPolicyText } from "../../../protocol/policy/PolicyCheck.ts"
import { parsePolicy } from "../../../protocol/policy/PolicyText.ts"

/**
 * The bound policy of a text; where that cannot be read any more, one that takes away in its zone whatever may be taken away.
 * Nothing is let through that it would have kept, and policies stay open, so that people can end it or write it anew.
 */
export const boundOrShut = (
  name: string,
  source: string
): { readonly bound: BoundPolicy; readonly isShut: boolean } => {
  const checked = checkPolicyText(source)
  if (Result.isSuccess(checked)) return { bound: checked.success, isShut: false }
  const parsed = parsePolicy(source)
  const zone = Result.isSuccess(parsed) ? parsed.success.policy.zone : undefined
  const head = `policy ${JSON.stringify(name)}${zone === undefined ? "" : ` zone ${zone}`}`
  const rule = `when protected == false { deny ${JSON.stringify(`this release cannot read ${name}`)} guidance "withdraw it, or write it anew" }`
  return { bound: Result.getOrThrow(checkPolicyText(`${head} { ${rule} }`)), isShut: true }
}
