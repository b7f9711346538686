/** Statuses of the registries of values and commands, and how full a table is. */
import { codes } from "../../../src/protocol/Codes.ts"
import type { Emit } from "./Events.ts"

/** What a program finds in R0. The last two only commands give. */
export const registryStatus = {
  ok: 0,
  notFound: 1,
  notPermitted: 2,
  noSpace: 3,
  invalid: 4,
  exists: 5,
  busy: 6,
  /** The command cannot be called without waiting for it. */
  notAsync: 6,
  /** The handler did not return. */
  failed: 7
} as const

const valueCodes = [codes.ok, codes.ENOENT, codes.EPERM, codes.ENOSPC, codes.EINVAL, codes.EEXIST, codes.EBUSY]

/** The code of the link for a status of the registry of values. */
export const valueCode = (status: number): number => valueCodes[status] ?? codes.EIO

/** The code of the link for a status of a command, in whose numbers 6 and 7 mean something else. */
export const commandCode = (status: number): number => {
  if (status === registryStatus.notAsync) return codes.ENOTSUP
  return valueCodes[status] ?? codes.EIO
}

/** Group and number of a value or command as one number. */
export const oidOf = (groupId: number, id: number): number => ((groupId & 0xff) << 8) | (id & 0xff)

/** In a filter: every group. */
export const allGroups = 0xff

/** Entries of a table, and bytes of the string pool. */
export interface RegistryUse {
  readonly entries: number
  readonly stringBytes: number
}

/** Nothing. */
export const noUse: RegistryUse = { entries: 0, stringBytes: 0 }

/** What these entries take. */
export const registryUse = (records: ReadonlyArray<{ readonly stringBytes: number }>): RegistryUse => ({
  entries: records.length,
  stringBytes: records.reduce((sum, record) => sum + record.stringBytes, 0)
})

/** What one task may take of a table, and of the texts, by calls: what images declare was judged when they were loaded. */
const callShare = { entries: 0.5, stringBytes: 0.25 } as const

/** Whether one more entry of this size is too much for a task that has these already. */
export const isOverShare = (
  own: ReadonlyArray<{ readonly stringBytes: number }>,
  stringBytes: number,
  limits: RegistryUse
): boolean => {
  const use = registryUse(own)
  return (
    use.entries >= limits.entries * callShare.entries ||
    use.stringBytes + stringBytes > limits.stringBytes * callShare.stringBytes
  )
}

const warnShare = 0.8
const clearShare = 0.7

/** Says once that a table is nearly full, and again only after it was emptier for a while. */
export class Occupancy {
  readonly #what: string
  readonly #limit: number
  readonly #emit: Emit
  #isWarned = false

  constructor(what: string, limit: number, emit: Emit) {
    this.#what = what
    this.#limit = limit
    this.#emit = emit
  }

  update(used: number): void {
    const share = used / this.#limit
    if (!this.#isWarned && share >= warnShare) {
      this.#isWarned = true
      this.#emit("warning", null, { reason: "registry_full", table: this.#what, used, limit: this.#limit })
    } else if (this.#isWarned && share <= clearShare) {
      this.#isWarned = false
    }
  }
}
