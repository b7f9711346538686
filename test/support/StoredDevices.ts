/** Devices as their actors store them, without actors: rows, parts and what the journal says of them. */
import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import { device } from "../../src/actors/device/Device.ts"
import { runtimeAsker } from "../../src/protocol/Asker.ts"
import { Device } from "../../src/protocol/Device.ts"
import { type ConnectionNow, type DeviceState, isDeviceState } from "../../src/protocol/DeviceState.ts"
import { encodeEmission, journalBody } from "../../src/protocol/JournalBody.ts"
import { encodeStored } from "../../src/protocol/Stored.ts"
import { changeDesired } from "../../src/protocol/Twin.ts"
import { mergeReport } from "../../src/protocol/TwinSection.ts"
import type { TwinMap } from "../../src/protocol/TwinValue.ts"

/** What tests say of a device; the rest is as it would be. */
export interface DeviceGiven {
  readonly id: string
  readonly zone?: string
  readonly profile?: string
  readonly state?: ConnectionNow["state"]
  readonly desired?: TwinMap
  readonly reported?: TwinMap
}

const board = {
  boot: 7,
  link: 1,
  order: 1,
  provenAbove: 0,
  previous: [],
  node: "a-1",
  connection: 1,
  leaseMillis: 25_000,
  firmware: "1.0.0",
  caps: 0,
  rx: 65_536,
  requests: 2,
  isLossy: false
}

/** Its state, by the rules of devices. Throws when they refuse what is given. */
export const stateOf = ({
  id,
  zone,
  profile = "generic",
  state = "online",
  desired = {},
  reported = {}
}: DeviceGiven) => {
  const initial = device.reactions.initial(id)
  if (!isDeviceState(initial)) throw new Error("no state")
  const wanted = changeDesired(initial.twin, desired, 1000, "ada")
  if (wanted._tag === "Refused") throw new Error(`desired is refused with ${wanted.code}`)
  const twin = wanted._tag === "Same" ? initial.twin : wanted.twin
  const merged = mergeReport(twin.reported, {
    state: reported,
    isFull: true,
    stamp: [1, 7, 1, 1000, false],
    version: twin.version + 1,
    settled: 0
  })
  if (merged._tag === "Refused") throw new Error(`reported is refused with ${merged.code}`)
  return {
    ...initial,
    zone: zone === undefined ? undefined : { people: zone },
    board: { ...board, profile },
    connection: { state, since: 1000, reason: "attach", lastSeen: 2000 },
    twin: { ...twin, reported: merged.section }
  } satisfies DeviceState
}

/** Head and parts of its row. */
export const rowOf = (given: DeviceGiven) => {
  const cut = device.reactions.storage?.split(stateOf(given), Device.format)
  if (cut === undefined) throw new Error("no storage")
  return {
    head: encodeStored([cut.head, 1]),
    parts: [...cut.parts].map(([key, value]) => ({ key, value: encodeStored(value) }))
  }
}

/** What a plain report leaves in the journal. */
export const sample = journalBody(1, [
  encodeEmission({
    at: 1000,
    asker: runtimeAsker,
    requestId: "",
    events: [],
    samples: [{ type: "board.telemetry", data: { temp: 20 } }]
  })
])

/** Commits each device as it is now, as its next version, in one transaction; the journal says that something came in. */
export const commitDevices = Effect.fnUntraced(function* (
  devices: ReadonlyArray<DeviceGiven>,
  { isJournalled = true }: { readonly isJournalled?: boolean } = {}
) {
  const sql = yield* PgClient.PgClient
  const rows = devices.map((given) => ({ id: given.id, ...rowOf(given) }))
  const ids = rows.map(({ id }) => id)
  const parts = rows.flatMap(({ id, parts }) => parts.map(({ key, value }) => ({ id, key, value })))
  yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`insert into actor as a (kind, id, shard, version, owner, format, takeover, head)
        select 'device', w.id, 1, 1, 'a-1', ${Device.format}, false, w.head
        from unnest(${ids}::text[], ${rows.map(({ head }) => head)}::bytea[]) as w(id, head)
        on conflict (kind, id) do update set version = a.version + 1, head = excluded.head`
      yield* sql`delete from actor_part where kind = 'device' and id = any(${ids}::text[])`
      yield* sql`insert into actor_part (kind, id, key, value)
        select 'device', w.id, w.key, w.value from unnest(${parts.map(({ id }) => id)}::text[],
          ${parts.map(({ key }) => key)}::text[], ${parts.map(({ value }) => value)}::bytea[]) as w(id, key, value)`
      if (isJournalled)
        yield* sql`insert into journal (lasting, kind, id, version, at, body)
          select false, 'device', w.id, 1, 1000, ${sample} from unnest(${ids}::text[]) as w(id)`
    })
  )
})
