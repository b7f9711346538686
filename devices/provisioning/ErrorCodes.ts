/** Refusals of the provisioning service: a number of the one code table, a detail, and their names in events. */
import { codeEntry, codes } from "../../src/protocol/Codes.ts"

/** Why the service did not do it. The caller gets it as the answer; it is a value, never thrown. */
export interface Refused {
  /** A number of the code table. */
  readonly code: number
  /** A token for machines and people, e.g. `budget:code:4096/1024`. */
  readonly detail: string
  /** The sequence number the board waits for; only with EILSEQ and EBUSY of a write. */
  readonly expected?: number
}

/** Names of the codes a transfer may end with. */
export type RefusalName =
  | "EPERM"
  | "ENOENT"
  | "ESRCH"
  | "EIO"
  | "EBUSY"
  | "EEXIST"
  | "EINVAL"
  | "ENOSPC"
  | "EPROTO"
  | "EBADMSG"
  | "EILSEQ"
  | "ENOTSUP"
  | "ETIMEDOUT"
  | "ECANCELED"
  | "ENOKEY"
  | "EKEYREJECTED"

/** A refusal by the name of its code. */
export const refusal = (name: RefusalName, detail: string): Refused => ({ code: codes[name], detail })

/** What events and JSON replies call a code. */
export const refusalName = (code: number): string => (code === codes.ok ? "OK" : codeEntry(code).name)

/** Statuses of the registry of values and commands that mean a failure. */
const registryCodes: ReadonlyMap<number, RefusalName> = new Map([
  [1, "ENOENT"],
  [2, "EPERM"],
  [3, "ENOSPC"],
  [4, "EINVAL"],
  [5, "EEXIST"],
  [6, "EBUSY"]
])

/** The code for a status of the registry of values and commands; 0 stays 0, an unknown one is EIO. */
export const codeOfRegistryStatus = (status: number): number => {
  if (status === 0) return codes.ok
  return codes[registryCodes.get(status) ?? "EIO"]
}

/** Status of the mailbox pool that has no descriptor left. */
const noDescriptor = 5

/** The code for a mailbox status at load: no descriptor left is a matter of room, all else of the image's arguments. */
export const codeOfMailboxStatus = (status: number): number => {
  if (status === 0) return codes.ok
  return status === noDescriptor ? codes.ENOSPC : codes.EINVAL
}
