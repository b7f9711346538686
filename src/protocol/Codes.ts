/**
 * The one number space for outcomes, on the link, in stored results and in answers to people: 1–199 are errno numbers of
 * Linux, 200–219 belong to the link, 220–239 to the end of a program.
 */

/** Numbers by name. Both are on boards: they are for ever. */
export const codes = {
  ok: 0,
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  EAGAIN: 11,
  ENOMEM: 12,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EINVAL: 22,
  ENOSPC: 28,
  ERANGE: 34,
  ETIME: 62,
  EPROTO: 71,
  EBADMSG: 74,
  EILSEQ: 84,
  EMSGSIZE: 90,
  ENOTSUP: 95,
  ETIMEDOUT: 110,
  ESTALE: 116,
  EDQUOT: 122,
  ECANCELED: 125,
  ENOKEY: 126,
  EKEYEXPIRED: 127,
  EKEYREVOKED: 128,
  EKEYREJECTED: 129,
  EOWNERDEAD: 130,
  Malformed: 200,
  UnknownType: 201,
  Version: 202,
  NotAttached: 203,
  WrongId: 204,
  Unauthenticated: 205,
  Replay: 206,
  Quarantined: 207,
  Retired: 208,
  RateLimited: 209,
  TooDeep: 210,
  NotJson: 211,
  Draining: 212,
  Unavailable: 213,
  Trap: 220,
  OutOfFuel: 221,
  OutOfMemory: 222,
  StackOverflow: 223,
  Uncaught: 224,
  Rejected: 225,
  ExitCode: 226,
  Internal: 240
} as const

/** Name of a code. */
export type CodeName = keyof typeof codes

/** What a code is called, how HTTP says it, and what it means. */
export interface CodeEntry {
  readonly code: number
  readonly name: string
  readonly httpStatus: number
  /** For people; says what is the matter, not what to do. */
  readonly sentence: string
}

/** HTTP status and sentence of each code. A cancelled command is an outcome, so reading it is no failure: 200. */
const meanings: Readonly<Record<CodeName, readonly [httpStatus: number, sentence: string]>> = {
  ok: [200, "Done."],
  EPERM: [403, "It is not allowed."],
  ENOENT: [404, "The board knows no command, file, pin, sensor or key of that name."],
  ESRCH: [404, "There is no such program, transfer or id."],
  EINTR: [502, "The board restarted while the command ran."],
  EIO: [502, "The board's hardware, storage or bus failed."],
  EAGAIN: [503, "The board has no room for it now."],
  ENOMEM: [402, "The board's memory does not suffice."],
  EFAULT: [502, "A program used a bad address."],
  EBUSY: [409, "It is in use, or in a state that does not permit this."],
  EEXIST: [409, "The name or id is taken."],
  EINVAL: [400, "An argument is wrong."],
  ENOSPC: [402, "The storage, the slots or the size limit do not suffice."],
  ERANGE: [400, "A value is outside its range."],
  ETIME: [408, "Its life was over before it began."],
  EPROTO: [400, "A chunk or record arrived damaged."],
  EBADMSG: [422, "The image is corrupt, or its hash is wrong."],
  EILSEQ: [502, "A chunk is missing before this one."],
  EMSGSIZE: [413, "The frame or value is too large."],
  ENOTSUP: [404, "This board or version cannot do it."],
  ETIMEDOUT: [504, "No answer came in time."],
  ESTALE: [409, "It has changed since it was read."],
  EDQUOT: [402, "The quota of the board or program is used up."],
  ECANCELED: [200, "It was cancelled."],
  ENOKEY: [401, "The key is unknown."],
  EKEYEXPIRED: [401, "The key is out of date."],
  EKEYREVOKED: [401, "The key is revoked."],
  EKEYREJECTED: [401, "The signature is wrong."],
  EOWNERDEAD: [502, "The board went away; whether it was done is not known."],
  Malformed: [400, "It cannot be decoded, or has the wrong shape."],
  UnknownType: [400, "The frame's type is not known."],
  Version: [400, "There is no common protocol version."],
  NotAttached: [503, "The board is not attached."],
  WrongId: [403, "It speaks for another id."],
  Unauthenticated: [401, "The credential is missing or wrong."],
  Replay: [409, "The counter or nonce was seen before."],
  Quarantined: [503, "The device is in quarantine."],
  Retired: [404, "The device is retired."],
  RateLimited: [429, "It came too often."],
  TooDeep: [400, "The value is nested too deeply."],
  NotJson: [400, "The value is not one a twin may hold."],
  Draining: [503, "The node is leaving."],
  Unavailable: [503, "The storage or the shard cannot be reached."],
  Trap: [502, "The program ran into an illegal instruction or access."],
  OutOfFuel: [502, "The program used up its steps or its time."],
  OutOfMemory: [502, "The program used up its memory."],
  StackOverflow: [502, "The program used up its stack."],
  Uncaught: [502, "The program raised a condition that nothing handled."],
  Rejected: [422, "The program does not parse, compile, validate or start."],
  ExitCode: [502, "The program ended with a code other than 0."],
  Internal: [500, "Something is wrong inside; the trace says where."]
}

const isCodeName = (name: string): name is CodeName => Object.hasOwn(codes, name)

/** All codes, by number. */
export const codeTable: ReadonlyMap<number, CodeEntry> = new Map(
  Object.keys(codes)
    .filter(isCodeName)
    .map((name) => {
      const [httpStatus, sentence] = meanings[name]
      return [codes[name], { code: codes[name], name, httpStatus, sentence }]
    })
)

/** The entry of any number; a board of a later version may send one that has no name here. */
export const codeEntry = (code: number): CodeEntry =>
  codeTable.get(code) ?? {
    code,
    name: `code ${code}`,
    httpStatus: 502,
    sentence: `The board answered with code ${code}.`
  }
