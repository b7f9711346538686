/** A device for people: whether its board is there, what that reports and is to be, and what stands in the way. */
import { codeEntry } from "../protocol/Codes.ts"
import type { CommandView, DeviceStatus, TwinDocument } from "../protocol/Device.ts"
import { explained } from "./Details.ts"
import type { ListedProgram } from "./Programs.ts"
import { ago, type Cell, table } from "./Table.ts"
import { zoneWords } from "./Zones.ts"

/** All that is shown of a device. */
export interface ShownDevice {
  readonly id: string
  readonly status: DeviceStatus
  readonly twin: TwinDocument
  readonly commands: ReadonlyArray<CommandView>
  readonly programs: ReadonlyArray<ListedProgram>
}

/** Characters of a value on its line. */
const valueMax = 60

/** The leaf that a pointer names; `undefined` where there is none. */
const at = (section: unknown, pointer: string): unknown => {
  let value = section
  for (const step of pointer.split("/").slice(1)) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~")
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined
    value = Reflect.get(value, name)
  }
  return value
}

const nameOf = (pointer: string): string =>
  pointer.slice(1).replaceAll("/", ".").replaceAll("~1", "/").replaceAll("~0", "~")

const shown = (value: unknown): string => {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing")
  return text.length > valueMax ? `${text.slice(0, valueMax - 1)}…` : text
}

const why = (code: number | undefined, detail: string | undefined): string => {
  if (detail !== undefined) return explained(detail)
  return code === undefined || code === 0 ? "" : codeEntry(code).sentence.replace(/\.$/, "")
}

const connectionLine = ({ connection, boot, link }: DeviceStatus, now: number): string => {
  const { state, since, reason, lastSeen } = connection
  if (state === "never") return "its board has not been here yet"
  const heard = lastSeen === 0 ? "never heard" : `heard ${ago(now - lastSeen)} ago`
  const cause = state === "online" ? "" : ` (${reason})`
  return `${state} for ${ago(now - since)}${cause}, ${heard}, boot ${boot}, link ${link}`
}

const vitalsOf = ({ freeBytes, load, signal, power }: DeviceStatus): string =>
  [
    freeBytes === undefined ? "" : `${Math.round(freeBytes / 1024)} KiB free`,
    load === undefined ? "" : `load ${Math.round(load * 100)} %`,
    signal === undefined ? "" : `signal ${signal} dBm`,
    power === undefined ? "" : `battery ${Math.round(power * 100)} %`
  ]
    .filter((part) => part !== "")
    .join(", ")

const reportedTable = ({ reported, meta }: TwinDocument, now: number): string =>
  table(
    ["reported", "value", "age"],
    Object.entries(meta.reported).map(([pointer, { at: time, estimated }]) => [
      nameOf(pointer),
      shown(at(reported, pointer)),
      `${ago(now - time)}${estimated ? ", about" : ""}`
    ])
  )

/** How the board stands to a field it is to have. */
const standing = ({ reported, desired, refused, applied, meta }: TwinDocument, pointer: string): string => {
  const code = refused[pointer]
  if (code !== undefined) return `refused: ${why(code, undefined)}`
  if ((meta.desired[pointer]?.v ?? 0) > applied) return "not applied yet"
  const has = at(reported, pointer)
  const isSame = JSON.stringify(has) === JSON.stringify(at(desired, pointer))
  return isSame ? "applied" : `taken, but the board reports ${shown(has)}`
}

const desiredTable = (twin: TwinDocument, now: number): string =>
  table(
    ["desired", "value", "state", "set"],
    Object.entries(twin.meta.desired).map(([pointer, { at: time, by }]) => [
      nameOf(pointer),
      shown(at(twin.desired, pointer)),
      standing(twin, pointer),
      `${ago(now - time)} ago by ${by}`
    ])
  )

const commandTable = (commands: ReadonlyArray<CommandView>, now: number): string =>
  table(
    ["command", "state", "age", "progress", "id"],
    commands.map(({ id, name, state, acceptedAt, progress, note, isCancelling }) => [
      name,
      isCancelling === true ? `${state}, being cancelled` : state,
      ago(now - acceptedAt),
      [progress === undefined ? "" : `${Math.round(progress * 100)} %`, note ?? ""]
        .filter((part) => part !== "")
        .join(" "),
      id
    ])
  )

const programTable = (programs: ReadonlyArray<ListedProgram>): string =>
  table(
    ["program", "state", "version", "image", "restarts", "detail"],
    programs.map(
      ({ name, state, version, sha256, restarts, code, detail }): ReadonlyArray<Cell> => [
        name,
        state,
        version ?? "",
        sha256?.slice(0, 12) ?? "",
        restarts ?? 0,
        why(code, detail)
      ]
    )
  )

const failingTable = (failing: NonNullable<DeviceStatus["failing"]>, now: number): string =>
  table(
    ["failing", "state", "since", "why"],
    failing.map(({ program, state, since, code, detail }) => [
      program,
      state,
      `${ago(now - since)} ago`,
      why(code, detail)
    ])
  )

const failedTable = (images: NonNullable<DeviceStatus["failedImages"]>, now: number): string =>
  table(
    ["failed image", "when", "why"],
    images.map(({ sha256, at: time, code, detail }) => [
      sha256.slice(0, 12),
      `${ago(now - time)} ago`,
      why(code, detail)
    ])
  )

/** What a person wants to know of a device, part by part; parts without content are left out. */
export const deviceReport = ({ id, status, twin, commands, programs }: ShownDevice, now: number): string => {
  const open = commands.filter(({ state }) => state !== "done")
  const vitals = vitalsOf(status)
  const board = [
    status.firmware === "" ? "" : `firmware ${status.firmware}`,
    status.profile === "" ? "" : `profile ${status.profile}`,
    status.zone === undefined ? "" : zoneWords(status),
    vitals
  ]
  const head = [`${id}: ${connectionLine(status, now)}`, board.filter((part) => part !== "").join(", ")]
  const { failing = [], failedImages = [] } = status
  return [
    head.filter((line) => line !== "").join("\n"),
    Object.keys(twin.meta.reported).length === 0 ? "nothing reported yet" : reportedTable(twin, now),
    Object.keys(twin.meta.desired).length === 0 ? "" : desiredTable(twin, now),
    open.length === 0 ? "" : commandTable(open, now),
    programs.length === 0 ? "" : programTable(programs),
    failing.length === 0 ? "" : failingTable(failing, now),
    failedImages.length === 0 ? "" : failedTable(failedImages, now)
  ]
    .filter((part) => part !== "")
    .join("\n\n")
}
