/**
 * How a device rests: a small head that every report writes, and parts that rarely change: `board`, `desired`, `reported`
 * (the large layer of the section), `zone`, `fences`, `isolation`, one `cmd/<id>` for each command, and those of `StoredWork.ts`.
 */
import { Schema } from "effect"
import { Reason } from "../../protocol/Because.ts"
import type { Board, Command, DeviceState, Fences, Isolation, Membership } from "../../protocol/DeviceState.ts"
import { PathMap } from "../../protocol/PathMap.ts"
import { type StoredDesired as DesiredForm, emptyTwin, loadedDesired } from "../../protocol/Twin.ts"
import { isLeafValue, type LeafValue } from "../../protocol/TwinPath.ts"
import { isTwinValue } from "../../protocol/TwinSchema.ts"
import {
  emptySection,
  indexed,
  type Leaf,
  type Mark,
  type Section,
  type Stamp,
  type StoredBase
} from "../../protocol/TwinSection.ts"
import { VsmId } from "../../protocol/vsm/VsmId.ts"
import type { ZoneWords } from "../../protocol/Zone.ts"
import type { Storage } from "../Behaviour.ts"
import { supervisorPart } from "../Supervisor.ts"
import { noCommands, tableOf } from "./Commands.ts"
import { noWork } from "./Errands.ts"
import { noFences } from "./Fences.ts"
import { keeping, putWork, workOf } from "./StoredWork.ts"

const commandPrefix = "cmd/"

const StoredStamp = Schema.Tuple([Schema.Number, Schema.Number, Schema.Number, Schema.Number, Schema.Boolean])
const StoredMark = Schema.Struct({ deleted: Schema.optionalKey(StoredStamp), mapped: Schema.optionalKey(StoredStamp) })
const Value = Schema.declare<LeafValue>(isLeafValue)

const Head = Schema.Struct({
  connection: Schema.Tuple([
    Schema.Literals(["never", "online", "offline", "silent", "retired"]),
    Schema.Number,
    Schema.String,
    Schema.Number
  ]),
  epoch: Schema.Number,
  numbering: Schema.Tuple([Schema.Number, Schema.Number, Schema.Number]),
  version: Schema.Number,
  desiredVersion: Schema.Number,
  applied: Schema.Number,
  refused: Schema.optionalKey(Schema.Record(Schema.String, Schema.Number)),
  leaves: Schema.Number,
  bytes: Schema.Number,
  stamps: Schema.Array(StoredStamp),
  /** Path, value, version and index of the stamp of each recent leaf; null and -1 for one that is gone. */
  recent: Schema.Array(Schema.Unknown),
  marks: Schema.optionalKey(Schema.Record(Schema.String, StoredMark))
})
const headKeys: ReadonlySet<string> = new Set(Object.keys(Head.fields))
const decodeHead = Schema.decodeUnknownSync(Head)

const StoredBoot = Schema.Struct({
  boot: Schema.Number,
  link: Schema.Number,
  order: Schema.Number,
  numbering: Schema.Struct({ last: Schema.Number, low: Schema.Number, high: Schema.Number })
})
const StoredBoard = Schema.Struct({
  boot: Schema.Number,
  link: Schema.Number,
  order: Schema.Number,
  provenAbove: Schema.Number,
  previous: Schema.Array(StoredBoot),
  node: Schema.String,
  connection: Schema.Number,
  leaseMillis: Schema.Number,
  profile: Schema.String,
  firmware: Schema.String,
  caps: Schema.Number,
  rx: Schema.Number,
  requests: Schema.Number,
  isLossy: Schema.Boolean
})
const decodeBoard: (value: unknown) => Board = keeping(Schema.decodeUnknownSync(StoredBoard))

const StoredZone = Schema.Struct({
  people: Schema.optionalKey(Schema.String),
  rule: Schema.optionalKey(Schema.String),
  board: Schema.optionalKey(Schema.String)
})
const decodeZone: (value: unknown) => ZoneWords = keeping(Schema.decodeUnknownSync(StoredZone))

const AnyValue = Schema.declare(isTwinValue)
const StoredCommand = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  args: Schema.optionalKey(AnyValue),
  program: Schema.optionalKey(Schema.String),
  idempotent: Schema.Boolean,
  state: Schema.Literals(["queued", "sent", "accepted", "done"]),
  place: Schema.Number,
  acceptedAt: Schema.Number,
  expiresAt: Schema.Number,
  keepUntil: Schema.Number,
  wasAccepted: Schema.Boolean,
  isCancelling: Schema.Boolean,
  progress: Schema.optionalKey(Schema.Number),
  note: Schema.optionalKey(Schema.String),
  code: Schema.optionalKey(Schema.Number),
  value: Schema.optionalKey(AnyValue),
  detail: Schema.optionalKey(Schema.String),
  tookMillis: Schema.optionalKey(Schema.Number),
  endedAt: Schema.optionalKey(Schema.Number),
  because: Schema.optionalKey(Reason)
})
const decodeCommand: (value: unknown) => Command = keeping(Schema.decodeUnknownSync(StoredCommand))

const StoredDesired = Schema.Struct({
  leaves: Schema.Record(
    Schema.String,
    Schema.Struct({ value: Value, v: Schema.Number, at: Schema.Number, by: Schema.String })
  ),
  forgotten: Schema.Record(Schema.String, Schema.Number)
})
const decodeDesired: (value: unknown) => DesiredForm = Schema.decodeUnknownSync(StoredDesired)

const StoredMembership = Schema.Struct({ vsm: VsmId, fence: Schema.Number })
/** Reads the part that says whose unit the device is. */
export const decodeMembership: (value: unknown) => Membership = keeping(Schema.decodeUnknownSync(StoredMembership))

const StoredIsolation = Schema.Struct({ mitigation: Schema.String, until: Schema.Number })
const decodeIsolation: (value: unknown) => Isolation = keeping(Schema.decodeUnknownSync(StoredIsolation))

const decodeFences = Schema.decodeUnknownSync(Schema.Record(Schema.String, Schema.Number))
const fencesOf = (part: unknown): Fences =>
  part === undefined ? noFences : new Map(Object.entries(decodeFences(part)))

/** What rests of fences: the same object until they change, so that the part is written only then. */
const restingFences = new WeakMap<Fences, Readonly<Record<string, number>>>()
const restOf = (fences: Fences): Readonly<Record<string, number>> => {
  const known = restingFences.get(fences) ?? Object.fromEntries(fences)
  restingFences.set(fences, known)
  return known
}

const StoredReported = Schema.Struct({
  paths: Schema.Array(Schema.String),
  values: Schema.Array(Value),
  versions: Schema.Array(Schema.Number),
  written: Schema.Array(Schema.Number),
  stamps: Schema.Array(StoredStamp)
})
const decodeReported: (value: unknown) => StoredBase = Schema.decodeUnknownSync(StoredReported)

/** Stamps and leaves of the recent layer in flat lists: most reports have one stamp for all their leaves. */
const flatten = (recent: Section["recent"]): { stamps: ReadonlyArray<Stamp>; recent: ReadonlyArray<unknown> } => {
  const stamps: Array<Stamp> = []
  const flat: Array<unknown> = []
  recent.forEach((leaf, path) => {
    if (leaf === null) {
      flat.push(path, null, 0, -1)
      return
    }
    let place = stamps.lastIndexOf(leaf.stamp)
    if (place < 0) place = stamps.push(leaf.stamp) - 1
    flat.push(path, leaf.value, leaf.v, place)
  })
  return { stamps, recent: flat }
}

const unflatten = (stamps: ReadonlyArray<Stamp>, flat: ReadonlyArray<unknown>): PathMap<Leaf | null> => {
  const recent = PathMap.empty<Leaf | null>()
  for (let at = 0; at < flat.length; at += 4) {
    const path = flat[at]
    const value = flat[at + 1]
    const v = flat[at + 2]
    const place = flat[at + 3]
    if (typeof path !== "string" || typeof v !== "number" || typeof place !== "number")
      throw new Error("malformed leaf of the recent layer")
    const stamp = stamps[place]
    if (place < 0) recent.set(path, null)
    else if (stamp !== undefined && isLeafValue(value)) recent.set(path, { value, v, stamp })
    else throw new Error(`malformed leaf ${path} of the recent layer`)
  }
  return recent
}

const isEmpty = (record: object): boolean => {
  for (const _ in record) return false
  return true
}

/** Cuts a device into head and parts, and joins it again. Keys of a newer node survive in both. */
export const storage: Storage<DeviceState> = {
  split: ({ connection, board, epoch, numbering, twin, commands, work, zone, unit, fences, isolation, rest }) => {
    const { reported } = twin
    const parts = new Map<string, unknown>()
    if (board !== undefined) parts.set("board", board)
    if (twin.desired.leaves.size > 0 || twin.desired.forgotten.size > 0) parts.set("desired", twin.desired.stored)
    if (reported.base.stored.paths.length > 0) parts.set("reported", reported.base.stored)
    for (const command of commands.byId.values()) parts.set(commandPrefix + command.id, command)
    if (work !== noWork) putWork(parts, work)
    if (zone !== undefined) parts.set("zone", zone)
    if (unit !== undefined) parts.set(supervisorPart, unit)
    if (fences.size > 0) parts.set("fences", restOf(fences))
    if (isolation !== undefined) parts.set("isolation", isolation)
    const { stamps, recent } = flatten(reported.recent)
    const head = {
      connection: [connection.state, connection.since, connection.reason, connection.lastSeen],
      epoch,
      numbering: [numbering.last, numbering.low, numbering.high],
      version: twin.version,
      desiredVersion: twin.desiredVersion,
      applied: twin.applied,
      leaves: reported.leaves,
      bytes: reported.bytes,
      stamps,
      recent
    }
    // Of one shape for nearly all devices: it is written with every report.
    if (isEmpty(rest) && isEmpty(twin.refused) && reported.marks.size === 0) return { head, parts }
    const refused = isEmpty(twin.refused) ? {} : { refused: twin.refused }
    const marks = reported.marks.size === 0 ? {} : { marks: Object.fromEntries(reported.marks) }
    return { head: { ...rest, ...head, ...refused, ...marks }, parts }
  },

  join: (head, parts) => {
    const decoded = decodeHead(head)
    const [state, since, reason, lastSeen] = decoded.connection
    const [last, low, high] = decoded.numbering
    const board = parts.get("board")
    const desired = parts.get("desired")
    const reported = parts.get("reported")
    const zone = parts.get("zone")
    const unit = parts.get(supervisorPart)
    const isolation = parts.get("isolation")
    const byId = new Map<string, Command>()
    for (const [key, part] of parts) {
      if (!key.startsWith(commandPrefix)) continue
      const command = decodeCommand(part)
      byId.set(command.id, command)
    }
    const section: Section = {
      base: reported === undefined ? emptySection.base : indexed(decodeReported(reported)),
      recent: unflatten(decoded.stamps, decoded.recent),
      marks: decoded.marks === undefined ? emptySection.marks : new Map<string, Mark>(Object.entries(decoded.marks)),
      leaves: decoded.leaves,
      bytes: decoded.bytes
    }
    return {
      connection: { state, since, reason, lastSeen },
      board: board === undefined ? undefined : decodeBoard(board),
      epoch: decoded.epoch,
      numbering: { last, low, high },
      twin: {
        version: decoded.version,
        desiredVersion: decoded.desiredVersion,
        desired: desired === undefined ? emptyTwin.desired : loadedDesired(decodeDesired(desired)),
        reported: section,
        applied: decoded.applied,
        refused: decoded.refused ?? {}
      },
      commands: byId.size === 0 ? noCommands : tableOf(byId),
      work: workOf(parts),
      zone: zone === undefined ? undefined : decodeZone(zone),
      unit: unit === undefined ? undefined : decodeMembership(unit),
      fences: fencesOf(parts.get("fences")),
      isolation: isolation === undefined ? undefined : decodeIsolation(isolation),
      rest: Object.fromEntries(Object.entries(Object(head)).filter(([key]) => !headKeys.has(key)))
    }
  }
}
