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
