/** Codes of refusals and results on the link: 1 to 199 are errno numbers, 200 to 219 the link's own, 220 to 239 ends of programs. */

/** One code: its number, and what it means to people. */
interface Code {
  readonly number: number
  readonly about: string
}

const table = {
  ok: { number: 0, about: "done" },
  EPERM: { number: 1, about: "not allowed" },
  ENOENT: { number: 2, about: "no such command, file, pin, sensor or key" },
  ESRCH: { number: 3, about: "no such program, transfer or id" },
  EINTR: { number: 4, about: "started, then the board restarted" },
  EIO: { number: 5, about: "hardware, storage or bus failed" },
  EAGAIN: { number: 11, about: "no buffer now, try again" },
  ENOMEM: { number: 12, about: "the board has no memory left" },
  EFAULT: { number: 14, about: "bad address in a program" },
  EBUSY: { number: 16, about: "in use, or the wrong state" },
  EEXIST: { number: 17, about: "name or id is taken" },
  EINVAL: { number: 22, about: "bad argument" },
  ENOSPC: { number: 28, about: "no room in storage or slots" },
  ERANGE: { number: 34, about: "value outside its range" },
  ETIME: { number: 62, about: "its life was over before it began" },
  EPROTO: { number: 71, about: "bad checksum or record" },
  EBADMSG: { number: 74, about: "image corrupt or hash wrong" },
  EILSEQ: { number: 84, about: "gap in the chunks" },
  EMSGSIZE: { number: 90, about: "frame or value too large" },
  ENOTSUP: { number: 95, about: "not on this board or version" },
  ETIMEDOUT: { number: 110, about: "no answer in time" },
  ESTALE: { number: 116, about: "the expected version differs" },
  EDQUOT: { number: 122, about: "quota of the board or program is used up" },
  ECANCELED: { number: 125, about: "cancelled" },
  ENOKEY: { number: 126, about: "key unknown" },
  EKEYEXPIRED: { number: 127, about: "key out of date" },
  EKEYREVOKED: { number: 128, about: "key revoked" },
  EKEYREJECTED: { number: 129, about: "signature wrong" },
  EOWNERDEAD: { number: 130, about: "outcome unknown" },
  Malformed: { number: 200, about: "undecodable or of the wrong shape" },
  UnknownType: { number: 201, about: "frame type not known" },
  Version: { number: 202, about: "no common protocol version" },
  NotAttached: { number: 203, about: "frame before the welcome" },
  WrongId: { number: 204, about: "speaks for another id" },
  Unauthenticated: { number: 205, about: "no credential, or a wrong one" },
  Replay: { number: 206, about: "counter or nonce seen before" },
  Quarantined: { number: 207, about: "the device actor is quarantined" },
  Retired: { number: 208, about: "the device is retired" },
  RateLimited: { number: 209, about: "over the rate, try again later" },
  TooDeep: { number: 210, about: "nested too deep" },
  NotJson: { number: 211, about: "not a twin value" },
  Draining: { number: 212, about: "the node leaves, come back elsewhere" },
  Unavailable: { number: 213, about: "storage or shard is away, try again" },
  Trap: { number: 220, about: "the program trapped" },
  OutOfFuel: { number: 221, about: "the program used up its steps or time" },
  OutOfMemory: { number: 222, about: "the program used up its memory" },
  StackOverflow: { number: 223, about: "the program's stack overflowed" },
  Uncaught: { number: 224, about: "a condition of the program was not handled" },
  Rejected: { number: 225, about: "the program does not parse, compile or validate" },
  ExitCode: { number: 226, about: "the program ended with a code other than 0" },
  Internal: { number: 240, about: "a defect, logged with a trace id" }
} as const satisfies Record<string, Code>

export type CodeName = keyof typeof table

const entries: ReadonlyArray<readonly [string, Code]> = Object.entries(table)
const byNumber = new Map(entries.map(([name, { number, about }]) => [number, { name, about }]))

/** Numbers by name. */
export const codes: { readonly [Name in CodeName]: (typeof table)[Name]["number"] } = Object.fromEntries(
  entries.map(([name, { number }]) => [name, number])
) as { readonly [Name in CodeName]: (typeof table)[Name]["number"] }

/** Name and meaning of a number, as one line for people. */
export const describeCode = (number: number): string => {
  const code = byNumber.get(number)
  return code === undefined ? `code ${number}` : `${code.name} (${number}): ${code.about}`
}

/** All codes, for the reference page. */
export const allCodes: ReadonlyArray<{ readonly name: string; readonly number: number; readonly about: string }> =
  entries.map(([name, { number, about }]) => ({ name, number, about }))
