/** A fleet as the store would have it, without a store: devices are rows of their own behaviour, all else is as given. */
import { Effect } from "effect"
import { lookAt } from "../../../../src/actors/StoredState.ts"
import { initial } from "../../../../src/actors/vsm/Begun.ts"
import { viewOf } from "../../../../src/actors/vsm/Views.ts"
import { runtimeAsker } from "../../../../src/protocol/Asker.ts"
import type { ProgramView } from "../../../../src/protocol/Program.ts"
import { type RolloutSummary, rolloutRulesDefault } from "../../../../src/protocol/Rollout.ts"
import { VsmId } from "../../../../src/protocol/vsm/VsmId.ts"
import type { VsmView } from "../../../../src/protocol/vsm/VsmState.ts"
import { registry } from "../../../../src/runtime/Registry.ts"
import { FleetRows, FleetUnread, type KnownImage } from "../../../../src/systems/operations/asking/FleetRows.ts"
import { houseBoards } from "../../../../src/systems/operations/asking/HouseBoards.ts"
import { makeAsking } from "../../../../src/systems/operations/asking/LiveAsking.ts"
import { type DeviceGiven, rowOf } from "../../../support/StoredDevices.ts"

/** What there is. It may be changed while it is looked at. */
export interface Stored {
  devices: ReadonlyArray<DeviceGiven & { readonly vsm?: string }>
  images?: ReadonlyArray<KnownImage>
  programs?: ReadonlyMap<string, ProgramView>
  rollouts?: ReadonlyMap<string, RolloutSummary>
  vsms?: ReadonlyMap<string, VsmView>
  /** The store does not answer. */
  isAway?: boolean
  /** How often each was read. */
  reads?: Map<string, number>
}

const now = 1_000_000

const answersOf = (given: DeviceGiven, queries: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  const type = registry.get("device")
  if (type === undefined) throw new Error("no devices")
  const { head, parts } = rowOf(given)
  const row = { format: 1, head, parts: new Map(parts.map(({ key, value }) => [key, value])) }
  return queries.map(lookAt(type, { kind: "device", id: given.id }, row, { now, asker: runtimeAsker }))
}

/** The rows of a fleet. */
export const rowsOf = (stored: Stored): FleetRows["Service"] => {
  const read = <A>(what: string, found: () => A): Effect.Effect<A, FleetUnread> =>
    Effect.suspend(() => {
      stored.reads?.set(what, (stored.reads.get(what) ?? 0) + 1)
      return stored.isAway === true ? Effect.fail(new FleetUnread({ cause: "gone" })) : Effect.succeed(found())
    })
  const wordsOf = ({ id, profile = "generic", state = "online", vsm, zone }: Stored["devices"][number]) => ({
    id,
    profile,
    state,
    ...(zone !== undefined && { zone }),
    ...(vsm !== undefined && { vsm })
  })
  return FleetRows.of({
    mark: read("mark", () => JSON.stringify(stored.devices.map(wordsOf))),
    devices: read("devices", () => stored.devices.map(wordsOf)),
    twins: (profiles) =>
      read("twins", () =>
        stored.devices
          .filter(({ profile = "generic" }) => profiles.includes(profile))
          .map(({ desired = {}, profile = "generic", reported = {} }) => ({ profile, desired, reported }))
      ),
    images: read("images", () => stored.images ?? []),
    programs: read("programs", () =>
      [...(stored.programs ?? [])].map(([id, { offers }]) => ({
        name: id.slice(id.indexOf(":") + 1),
        values: offers?.values.flatMap(({ name }) => name ?? []) ?? []
      }))
    ),
    rollouts: read("rollouts", () =>
      [...(stored.rollouts ?? [])].map(([id, { sha256 }]) => {
        const image = stored.images?.find((each) => each.sha256 === sha256)?.name
        return { id, ...(image !== undefined && { image }) }
      })
    ),
    vsms: read("vsms", () =>
      [...(stored.vsms ?? [])].map(([id, { parent, zone }]) => ({
        id,
        ...(parent !== undefined && { parent }),
        ...(zone !== undefined && { zone })
      }))
    ),
    look: (kind, ids, queries) =>
      read(`look ${kind}`, () => {
        const found = new Map<string, ReadonlyArray<unknown>>()
        for (const id of ids) {
          const device = kind === "device" ? stored.devices.find((each) => each.id === id) : undefined
          const view = { program: stored.programs, rollout: stored.rollouts, vsm: stored.vsms }[kind]?.get(id)
          if (device !== undefined) found.set(id, answersOf(device, queries))
          else if (view !== undefined)
            found.set(
              id,
              queries.map(() => view)
            )
        }
        return found
      })
  })
}

/** Who understands what is said of it. */
export const askingOf = (stored: Stored) =>
  Effect.provideService(makeAsking({ boards: [houseBoards], units: new Map(), zones: [] }), FleetRows, rowsOf(stored))

/** Devices of a hall: four heaters on two lines, two presses on the second one, a board with a lamp. */
export const hall: ReadonlyArray<DeviceGiven & { readonly vsm?: string }> = [
  ...[1, 2, 3, 4].map((number) => ({
    id: `heater-${number}`,
    profile: "sim-heater",
    zone: number < 3 ? "hall.line-1" : "hall.line-2",
    vsm: "root",
    reported: { temp: 20 + number, on: true, target: 50, fan: false, interval: 2000 }
  })),
  ...[1, 2].map((number) => ({
    id: `press-${number}`,
    profile: "sim-press",
    zone: "hall.line-2",
    vsm: "root",
    reported: { mode: "manual", strokes: 0, force: 0, interval: 2000 }
  })),
  { id: "board-1", profile: "sim-board", zone: "lab", vsm: "root", reported: { led: "off" } }
]

/** A VSM as it is seen. */
export const vsmOf = (id: string, parent?: string): VsmView => {
  const path = [...(parent === undefined ? [] : [parent]), id].map((each) => VsmId.make(each))
  return viewOf({ ...initial(id), status: "active", path }, id)
}

/** A program of a board that runs, and has values of these names. */
export const programOf = (device: string, name: string, values: ReadonlyArray<string> = []): ProgramView => ({
  device,
  report: { name, state: "running" },
  since: 0,
  lines: [],
  values: [],
  mail: [],
  orders: [],
  offers: {
    values: values.map((value, number) => ({ number, name: value, level: 0, flags: 0 })),
    commands: [],
    mailboxes: []
  }
})

/** A rollout of an image that is under way. */
export const rolloutOf = (sha256: string): RolloutSummary => ({
  sha256,
  state: "running",
  rules: rolloutRulesDefault,
  wave: 0,
  waves: 2,
  startedAt: 0,
  total: 4,
  counts: { good: 1, waiting: 3 }
})
