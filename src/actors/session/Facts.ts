/** What a session puts on the event stream: every fact with the phase it happened in, progress no more often than people look. */
import { codeEntry } from "../../protocol/Codes.ts"
import type { Session, SessionRecord } from "../../protocol/Session.ts"
import type { Emitted } from "../Behaviour.ts"

type Facts = Session["events"]
type Type = keyof Facts & string

/** Least time between two facts of progress, ms, and the least share of the whole. */
const progressMillis = 1000
const progressPercent = 1

/** Share of the image that the board holds, whole percent. */
export const percentOf = ({ bytes, total }: Pick<SessionRecord, "bytes" | "total">): number =>
  total === 0 ? 100 : Math.floor((bytes * 100) / total)

const commonOf = (record: SessionRecord, phase: string) => ({
  device: record.device,
  phase,
  source: `image:${record.sha256.slice(0, 12)}`,
  app_name: record.options.instance ?? record.name ?? null
})

/** One fact of a session. */
export const fact = <T extends Type>(
  record: SessionRecord,
  type: T,
  phase: string,
  data: Omit<Facts[T]["Type"], "device" | "phase" | "source" | "app_name">,
  severity?: Emitted["severity"]
): Emitted => ({
  type,
  data: { ...commonOf(record, phase), ...data },
  unit: record.device,
  ...(severity === undefined ? {} : { severity })
})

/** The fact of a failure. */
export const failure = (
  record: SessionRecord,
  where: "begin" | "write" | "verify" | "persist" | "boot",
  errno: number,
  detail: string
): Emitted =>
  fact(
    record,
    "provisioning.error",
    where,
    { where, code: codeEntry(errno).name, errno, detail, bytes_written: record.bytes },
    "error"
  )

/** Progress as a fact, when enough has gone by; else it is counted for the next one. */
export const progressed = (
  record: SessionRecord,
  now: number
): { readonly record: SessionRecord; readonly events: ReadonlyArray<Emitted> } => {
  const percent = percentOf(record)
  const before = percentOf({ bytes: record.shown, total: record.total })
  const isEnd = record.bytes === record.total && record.shown < record.total
  const isDue = now >= record.shownAt + progressMillis && percent >= before + progressPercent
  if (!isEnd && !isDue) return { record: { ...record, coalesced: record.coalesced + 1 }, events: [] }
  const seconds = Math.max(1, now - record.shownAt) / 1000
  const event = fact(record, "provisioning.progress", "transfer", {
    bytes_written: record.bytes,
    total_bytes: record.total,
    percent,
    rate_bps: Math.round((record.bytes - record.shown) / seconds),
    coalesced: record.coalesced
  })
  return { record: { ...record, shown: record.bytes, shownAt: now, coalesced: 0 }, events: [event] }
}
