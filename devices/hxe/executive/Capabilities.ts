/** What a program needs of its board, and what the board lacks. */
import { codes } from "../../../src/protocol/Codes.ts"
import { capabilities, type HxeMetadata, mailboxesNeeded } from "../../../src/protocol/hxe/Hxe.ts"
import type { Refused } from "../../Refused.ts"

/** Mailboxes every task gets: three streams and its own. */
export const standardMailboxes = 4

const namedBits = 0xff
const reservedBits = 0xffff_0000

/** The capabilities of a header and a manifest, and those that the image's own sections imply. */
export const neededCapabilities = (
  headerCaps: number,
  manifestCaps: number | undefined,
  metadata: HxeMetadata | undefined
): number => {
  const mailboxes = (metadata?.mailboxes.length ?? 0) > 0 ? capabilities.mailbox : 0
  const registry = (metadata?.values.length ?? 0) + (metadata?.commands.length ?? 0) > 0 ? capabilities.valueCommand : 0
  return (headerCaps | (manifestCaps ?? 0) | mailboxes | registry) >>> 0
}

/** Refuses a program with 95 when the board lacks something; the detail names the missing bits. */
export const capabilityRefusal = (needed: number, offered: number, mailboxesFree: number): Refused | undefined => {
  const count = mailboxesNeeded(needed)
  const isShort = count > mailboxesFree - standardMailboxes
  const missing = ((needed & namedBits & ~offered) | (needed & reservedBits) | (isShort ? count << 8 : 0)) >>> 0
  return missing === 0 ? undefined : { code: codes.ENOTSUP, detail: `caps:${missing.toString(16)}` }
}
