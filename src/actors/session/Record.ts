/** What rests of a session, as people and its observer see it. */

import { codes } from "../../protocol/Codes.ts"
import type { SessionRecord, SessionView } from "../../protocol/Session.ts"

const stallMillisDefault = 60_000
const totalMillisDefault = 1_800_000

/** A session that has not begun. */
export const initial: SessionRecord = {
  device: "",
  sha256: "",
  state: "idle",
  options: {
    autostart: true,
    persist: true,
    replace: true,
    stallMillis: stallMillisDefault,
    totalMillis: totalMillisDefault
  },
  kind: 0,
  isSigned: false,
  bytes: 0,
  total: 0,
  startedAt: 0,
  movedAt: 0,
  shown: 0,
  shownAt: 0,
  coalesced: 0,
  holdsImage: false
}

/** A session for people. */
export const viewOf = (record: SessionRecord, id: string): SessionView => {
  const {
    device,
    sha256,
    state,
    installed,
    name,
    version,
    options,
    bytes,
    total,
    startedAt,
    endedAt,
    code,
    detail,
    failedBefore
  } = record
  return {
    id,
    device: device as SessionView["device"],
    sha256,
    state,
    ...(installed === undefined ? {} : { installed }),
    ...(name === undefined ? {} : { name }),
    ...(version === undefined ? {} : { version }),
    ...(options.instance === undefined ? {} : { instance: options.instance }),
    bytes,
    total,
    startedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined ? {} : { detail }),
    ...(failedBefore === undefined ? {} : { failedBefore })
  }
}

/** The image was never tried, and nothing speaks against it. */
const isTransient = ({ code, lostAt, installed }: SessionRecord): boolean =>
  code === codes.EBUSY || (lostAt !== undefined && installed !== "trial")

/** How a session ended, for its observer. */
export const outcomeOf = (record: SessionRecord, session: string) => {
  const { device, state, installed, bytes, options, name, code, detail, failedBefore } = record
  const program = options.instance ?? name
  return {
    session,
    device,
    state,
    ...(installed === undefined ? {} : { installed }),
    bytes,
    ...(program === undefined ? {} : { program }),
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined ? {} : { detail }),
    ...(isTransient(record) ? { isTransient: true } : {}),
    ...(failedBefore === undefined ? {} : { failedBefore })
  }
}
