/** Refusals of the provisioning service by the names of their codes, as events and replies have them. */
import { codeEntry, codes } from "../../src/protocol/Codes.ts"
import type { Refused } from "../Refused.ts"

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
