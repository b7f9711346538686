/** A small store for tests, and all that somebody outside can see of one. */
import { crc32 } from "node:zlib"
import { Result } from "effect"
import type { Manifest } from "../../../devices/nv/Manifests.ts"
import type { NvDevices } from "../../../devices/nv/NvDevice.ts"
import { type Partition, partitionTypes } from "../../../devices/nv/NvMap.ts"
import { type NvOptions, NvStore } from "../../../devices/nv/NvStore.ts"
import type { Refused } from "../../../devices/Refused.ts"
import { Board, Supply } from "./PowerCut.ts"

/** Every partition, each as small as it may be, so that every write of every operation can be cut. */
export const smallMap: ReadonlyArray<Partition> = [
  { type: partitionTypes.boot, slots: 2, onFlash: false, offset: 0x100, size: 0x80 },
  { type: partitionTypes.manifest, slots: 3, onFlash: false, offset: 0x180, size: 0x600 },
  { type: partitionTypes.values, slots: 3, onFlash: false, offset: 0x780, size: 0x180 },
  { type: partitionTypes.keys, slots: 1, onFlash: false, offset: 0x900, size: 0x240 },
  { type: partitionTypes.image, slots: 6, onFlash: true, offset: 0, size: 6 * 512 }
]

export const smallShape = { nvm: { size: 0xb40, eraseSize: 1 }, flash: { size: 6 * 512, eraseSize: 256 } } as const

/** Two manifest slots, and three images: what the smallest boards have. */
export const narrowMap: ReadonlyArray<Partition> = smallMap.map((partition) =>
  partition.type === partitionTypes.manifest
    ? { ...partition, slots: 2 }
    : partition.type === partitionTypes.image
      ? { ...partition, slots: 3, size: 3 * 512 }
      : partition
)

/** The value of what must not be refused. */
export const got = <A>(result: Result.Result<A, Refused>): A => {
  if (Result.isSuccess(result)) return result.success
  throw new Error(`refused: ${result.failure.code} ${result.failure.detail}`)
}

/** Number and text of what must be refused. */
export const refusalOf = <A>(result: Result.Result<A, Refused>): string =>
  Result.isFailure(result) ? `${result.failure.code} ${result.failure.detail}` : "not refused"

export const mounted = (devices: NvDevices, options: Omit<NvOptions, "devices"> = {}): NvStore =>
  got(NvStore.mount({ devices, ...options }))

/** An empty store in new memories. */
export const emptyBoard = (map = smallMap, shape: Parameters<typeof Board.blank>[0] = smallShape): Board => {
  const board = Board.blank(shape)
  got(NvStore.format({ devices: board.on(new Supply()) }, map))
  return board
}

/** An image of that many bytes, different for each seed. */
export const imageOf = (seed: number, bytes = 200): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, index) => (index * 7 + seed * 31 + (index >> 3)) & 0xff)

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

/** Which slot it is matters to nobody; fields stand in one order. */
const entriesOf = (manifest: Manifest): unknown =>
  manifest.entries.map(({ slot, ...entry }) => [
    ...Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)),
    slot !== undefined
  ])

const digest = (bytes: Uint8Array): string => `${bytes.length}:${crc32(bytes)}`

/** All that can be seen but for wear: two stores with the same sight are the same store. */
export const sightOf = (store: NvStore): string =>
  JSON.stringify({
    ruling: entriesOf(store.manifest),
    settings: { ...store.manifest, entries: undefined, frozenBank: undefined },
    images: store.manifest.entries.map(({ name, slot }) => {
      const image = slot === undefined ? undefined : got(store.image(name))
      return image === undefined ? undefined : [digest(image.bytes), image.attachment && digest(image.attachment)]
    }),
    boot: store.bootState,
    values: [...store.valueKeys()].sort((a, b) => a - b).map((key) => [key, store.value(key)]),
    stale: store.staleValues().size,
    keys: store
      .trustedKeys()
      .map((key) => `${hex(key.keyId)} ${hex(key.publicKey)} ${key.enabled} ${key.maySignKeys}`)
      .sort(),
    floors: ["motor", "lamp", "pump"].map((name) => store.floor(1, name)),
    isProvisioned: store.isProvisioned
  })

/** What a rollback would bring, or why there is none. The board stays as it is. */
export const wayBackOf = (board: Board): string => {
  const copy = board.copy()
  const back = mounted(copy.on(new Supply())).rollback(undefined, true)
  return Result.isFailure(back) ? refusalOf(back) : sightOf(mounted(copy.on(new Supply())))
}

/** All counters, in order. */
export const wearCounts = (store: NvStore): ReadonlyArray<number> => store.wear().map(({ count }) => count)
