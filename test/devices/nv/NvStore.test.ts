import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { NvFault } from "../../../devices/nv/NvDevice.ts"
import type { NvEvent } from "../../../devices/nv/NvEvents.ts"
import { referenceMap, referenceShape } from "../../../devices/nv/NvMap.ts"
import { NvStore } from "../../../devices/nv/NvStore.ts"
import { openStore } from "../../../devices/nv/OpenStore.ts"
import { slotUses } from "../../../devices/nv/SlotList.ts"
import { readHxe } from "../../../src/protocol/hxe/HxeReader.ts"
import { full } from "../../protocol/hxe/Golden.ts"
import { Board, Supply, untilCut } from "./PowerCut.ts"
import { emptyBoard, got, imageOf, mounted, narrowMap, refusalOf, smallMap, smallShape } from "./Stores.ts"

const storeOf = (map = smallMap): NvStore => mounted(emptyBoard(map).on(new Supply()))
const motor = (seed: number, secver = 0) => ({ name: "motor", secver, image: { bytes: imageOf(seed) } })
const lamp = (seed: number) => ({ name: "lamp", image: { bytes: imageOf(seed) } })
const key = (id: number, enabled = true) => ({
  algorithm: 1,
  enabled,
  maySignKeys: true,
  keyId: new Uint8Array(8).fill(id),
  publicKey: imageOf(id, 32)
})
const save = (store: NvStore, values: ReadonlyArray<readonly [key: number, bits: number]>): void => {
  for (const [each, bits] of values) got(store.setValue(each, bits, 0, 0))
  got(store.saveAll())
}
const states = (store: NvStore): ReadonlyArray<number> => got(store.slots()).map(({ state }) => state)

describe("NvStore", () => {
  it("says that a blank memory holds nothing, and that a map is for other memories", () => {
    const blank = Board.blank(smallShape)
    assert.strictEqual(refusalOf(NvStore.mount({ devices: blank.on(new Supply()) })), "2 superblock")
    assert.match(refusalOf(NvStore.format({ devices: blank.on(new Supply()) }, referenceMap)), /^95 map:/)
    const overlap = smallMap.map((partition) => ({ ...partition, offset: partition.onFlash ? 0 : 0x100 }))
    assert.strictEqual(refusalOf(NvStore.format({ devices: blank.on(new Supply()) }, overlap)), "95 map:overlap")
    assert.isTrue(blank.nvm.read(0, smallShape.nvm.size).every((byte) => byte === 0xff))
  })

  it("refuses memories whose superblocks are both damaged, and writes nothing, until somebody formats them", () => {
    const board = emptyBoard()
    got(mounted(board.on(new Supply())).commit({ put: [motor(1)] }))
    got(mounted(board.on(new Supply())).confirm())
    const one = board.copy()
    one.nvm.write(8, Uint8Array.of(0x55))
    assert.deepStrictEqual(got(mounted(one.on(new Supply())).image("motor")).bytes, imageOf(1))
    for (const damage of [Uint8Array.of(0x55), new Uint8Array(120).fill(0xff), new Uint8Array(120)]) {
      const both = board.copy()
      for (const at of [8, 136]) both.nvm.write(at, damage)
      const supply = new Supply()
      const options = { devices: both.on(supply) }
      assert.match(refusalOf(openStore(options, smallMap)), /^74 both superblocks are damaged; a format /)
      assert.deepStrictEqual(supply.writes, [])
      assert.strictEqual(got(NvStore.format(options, smallMap)).isProvisioned, false)
      assert.strictEqual(refusalOf(mounted(both.on(new Supply())).image("motor")), "2 motor")
    }
  })

  it("refuses damage also where a format was once begun and cut", () => {
    const board = emptyBoard()
    got(mounted(board.on(new Supply())).trust(key(1)))
    assert.isFalse(untilCut(() => got(NvStore.format({ devices: board.on(new Supply(1)) }, smallMap))))
    assert.lengthOf(mounted(board.on(new Supply())).trustedKeys(), 1)
    board.nvm.write(8, Uint8Array.of(0x55))
    assert.match(refusalOf(openStore({ devices: board.on(new Supply()) }, smallMap)), /^74 both superblocks/)
  })

  it("keeps an image with what came with it, over a restart", () => {
    const board = emptyBoard()
    const events: Array<NvEvent> = []
    const store = mounted(board.on(new Supply()), { observe: (event) => events.push(event) })
    const image = { bytes: imageOf(1), headerCrc: 7, attachment: imageOf(9, 33) }
    const committed = got(store.commit({ put: [{ name: "motor", kind: 2, secver: 3, image }] }))
    assert.deepStrictEqual(
      committed.stored.map(({ name, slot, bytes }) => [name, slot, bytes]),
      [["motor", 0, 200]]
    )
    assert.deepStrictEqual(
      events.map(({ type }) => type),
      ["persisted"]
    )
    const again = mounted(board.on(new Supply()))
    assert.deepStrictEqual(got(again.image("motor")), { name: "motor", kind: 2, secver: 3, ...image })
    assert.deepStrictEqual([again.isProvisioned, again.isOnTrial, again.generation], [true, true, 2])
    assert.strictEqual(refusalOf(again.image("lamp")), "2 lamp")
  })

  it("lets the kind look at what was read back, and keeps the configuration when it objects", () => {
    const board = emptyBoard()
    const store = mounted(board.on(new Supply()), {
      check: ({ bytes }) => {
        const read = readHxe(bytes)
        return Result.isFailure(read) ? read.failure : undefined
      }
    })
    got(store.commit({ put: [{ name: "gold full", image: { bytes: full } }] }))
    const refused = store.commit({ put: [{ name: "gold full", image: { bytes: full.slice(0, 300) } }] })
    assert.match(refusalOf(refused), /^74 /)
    assert.deepStrictEqual([got(store.image("gold full")).bytes, store.generation], [full, 2])
    // The slot that was tried is no image, and free for the next.
    assert.deepStrictEqual(states(store).slice(0, 2), [slotUses.pending, slotUses.staging])
    got(store.commit({ put: [{ name: "gold full", image: { bytes: full } }] }))
  })

  it("never touches an image it can go back to, however worn the free slots are", () => {
    const check = ({ bytes }: { readonly bytes: Uint8Array }) =>
      bytes[0] === imageOf(99)[0] ? { code: 74, detail: "magic" } : undefined
    const store = mounted(emptyBoard(narrowMap).on(new Supply()), { check })
    for (const seed of [1, 2]) {
      got(store.commit({ put: [motor(seed)] }))
      got(store.confirm())
    }
    assert.strictEqual(refusalOf(store.commit({ put: [motor(3), lamp(4)] })), "28 slots:2/1")
    for (let round = 0; round < 3; round++)
      assert.strictEqual(refusalOf(store.commit({ put: [motor(99)] })), "74 magic")
    assert.deepStrictEqual(
      got(store.slots()).map(({ wear }) => wear),
      [1, 1, 3]
    )
    got(store.rollback())
    assert.deepStrictEqual(got(store.image("motor")).bytes, imageOf(1))
  })

  it("finds out when a memory does not hold what was written, and stays as it was", () => {
    const board = emptyBoard()
    const devices = board.on(new Supply())
    got(mounted(devices).commit({ put: [motor(1)] }))
    let isBad = false
    const flash = {
      ...devices.flash,
      write: (offset: number, bytes: Uint8Array) =>
        devices.flash.write(offset, isBad ? bytes.map((byte) => byte & 0xf7) : bytes)
    }
    const store = mounted({ ...devices, flash })
    isBad = true
    assert.strictEqual(refusalOf(store.commit({ put: [motor(2)] })), "5 memory")
    isBad = false
    assert.deepStrictEqual(got(store.image("motor")).bytes, imageOf(1))
    got(store.commit({ put: [motor(2)] }))
    assert.deepStrictEqual(got(store.image("motor")).bytes, imageOf(2))
  })

  it("does not bring back what a memory took by half, when it works again", () => {
    const board = emptyBoard()
    const devices = board.on(new Supply())
    let writesLeft = Number.POSITIVE_INFINITY
    const nvm = {
      ...devices.nvm,
      write: (offset: number, bytes: Uint8Array) => {
        if (writesLeft-- <= 0) throw new NvFault(offset)
        devices.nvm.write(offset, bytes)
      }
    }
    const store = mounted({ ...devices, nvm })
    for (const id of [1, 2, 3]) got(store.setValue(id, id, 0, 0))
    writesLeft = 1
    assert.strictEqual(refusalOf(store.saveAll()), "5 memory")
    assert.strictEqual(refusalOf(store.saveAll()), "5 memory")
    assert.strictEqual(store.value(2), 2)
    writesLeft = Number.POSITIVE_INFINITY
    got(store.collectValues(new Set([1])))
    got(store.saveAll())
    assert.deepStrictEqual(mounted(board.on(new Supply())).valueKeys(), [1])
  })

  it("says that an image is damaged rather than giving it", () => {
    const board = emptyBoard()
    got(mounted(board.on(new Supply())).commit({ put: [motor(1)] }))
    board.flash.write(150, new Uint8Array(4))
    assert.strictEqual(refusalOf(mounted(board.on(new Supply())).image("motor")), "5 slot:0")
  })

  it("changes one program and keeps the others where they are", () => {
    const store = storeOf()
    got(store.commit({ put: [motor(1), lamp(2)] }))
    const slot = store.manifest.entries[1]?.slot
    got(store.commit({ put: [{ ...motor(3), priority: 9 }] }))
    assert.deepStrictEqual(
      store.manifest.entries.map(({ name, priority }) => [name, priority]),
      [
        ["motor", 9],
        ["lamp", 0]
      ]
    )
    assert.strictEqual(store.manifest.entries[1]?.slot, slot)
    got(store.commit({ put: [{ name: "lamp", image: "keep", autostart: false }], settings: { bootDelayMillis: 250 } }))
    assert.deepStrictEqual(got(store.image("lamp")).bytes, imageOf(2))
    assert.deepStrictEqual([store.manifest.entries[1]?.autostart, store.manifest.bootDelayMillis], [false, 250])
    got(store.commit({ remove: ["motor"] }))
    assert.deepStrictEqual(
      store.manifest.entries.map(({ name }) => name),
      ["lamp"]
    )
  })

  it("refuses what cannot be, before it writes anything", () => {
    const board = emptyBoard()
    const supply = new Supply()
    const store = mounted(board.on(supply))
    const before = supply.writes.length
    const big = { name: "big", image: { bytes: imageOf(1, 500) } }
    assert.strictEqual(refusalOf(store.commit({ put: [motor(1), motor(2)] })), "22 twice:motor")
    assert.strictEqual(refusalOf(store.commit({ put: [{ name: "" }] })), "22 name")
    assert.strictEqual(refusalOf(store.commit({ put: [{ name: "x".repeat(32) }] })), "22 name")
    assert.strictEqual(refusalOf(store.commit({ remove: ["motor"] })), "2 motor")
    assert.strictEqual(refusalOf(store.commit({ put: [{ name: "motor", image: "keep" }] })), "2 motor")
    assert.strictEqual(refusalOf(store.commit({ put: [big] })), "28 bytes:500/416")
    const seven = Array.from({ length: 7 }, (_, index) => ({ ...lamp(index), name: `lamp${index}` }))
    assert.strictEqual(refusalOf(store.commit({ put: seven })), "28 slots:7/6")
    const eight = Array.from({ length: 8 }, (_, index) => ({ name: `lamp${index}` }))
    assert.strictEqual(refusalOf(store.commit({ put: eight })), "28 entries:8")
    assert.strictEqual(supply.writes.length, before)
  })

  it("does not replace what is on trial where that would cost the proven configuration its place", () => {
    const narrow = storeOf(narrowMap)
    got(narrow.commit({ put: [motor(1)] }))
    assert.strictEqual(refusalOf(narrow.commit({ put: [motor(2)] })), "16 trial")
    got(narrow.confirm())
    got(narrow.commit({ put: [motor(2)] }))

    const wide = storeOf()
    got(wide.commit({ put: [motor(1)] }))
    got(wide.confirm())
    save(wide, [[1, 100]])
    got(wide.commit({ put: [motor(2)] }))
    save(wide, [[1, 200]])
    got(wide.commit({ put: [motor(3)] }))
    save(wide, [[1, 300]])
    const { to } = got(wide.giveUp("boot_failure"))
    assert.strictEqual(to.generation, 2)
    assert.deepStrictEqual([got(wide.image("motor")).bytes, wide.value(1)], [imageOf(1), 100])
  })
})

describe("rollback", () => {
  it("brings back programs and values as they were", () => {
    const board = emptyBoard()
    const store = mounted(board.on(new Supply()))
    got(store.commit({ put: [motor(1)] }))
    got(store.confirm())
    save(store, [
      [17, 1],
      [18, 2]
    ])
    got(store.commit({ put: [motor(2), lamp(3)] }))
    save(store, [
      [17, 9],
      [20, 5]
    ])
    got(store.setValue(18, 77, 1000, 0))
    const { from, to } = got(store.rollback())
    assert.deepStrictEqual([from.generation, to.generation, store.generation], [3, 2, 4])
    const again = mounted(board.on(new Supply()))
    for (const each of [store, again]) {
      assert.deepStrictEqual(
        [17, 18, 20].map((id) => each.value(id)),
        [1, 2, undefined]
      )
      assert.deepStrictEqual(got(each.image("motor")).bytes, imageOf(1))
      assert.deepStrictEqual([each.isOnTrial, each.previous?.generation], [false, 3])
    }
  })

  it("goes forward again, on trial, with the proven one behind it", () => {
    const store = storeOf()
    got(store.commit({ put: [motor(1)] }))
    got(store.confirm())
    got(store.commit({ put: [motor(2)] }))
    got(store.rollback())
    got(store.rollback())
    assert.deepStrictEqual([got(store.image("motor")).bytes, store.isOnTrial], [imageOf(2), true])
    got(store.giveUp("boot_failure"))
    assert.deepStrictEqual([got(store.image("motor")).bytes, store.isOnTrial], [imageOf(1), false])
  })

  it("has no way back in an empty store, to a generation that is gone, or to one whose image is damaged", () => {
    const board = emptyBoard()
    const store = mounted(board.on(new Supply()))
    assert.strictEqual(refusalOf(store.rollback()), "2 generation")
    got(store.commit({ put: [motor(1)] }))
    assert.strictEqual(refusalOf(store.rollback(77)), "2 generation")
    got(store.commit({ put: [motor(2)] }))
    assert.strictEqual(refusalOf(store.rollback(store.generation)), "2 generation")
    board.flash.write(150, new Uint8Array(8))
    assert.strictEqual(refusalOf(store.rollback(2)), "2 generation")
  })

  it("keeps the proven configuration behind whatever is tried before the next confirmation", () => {
    const store = storeOf()
    for (const seed of [1, 2, 3]) {
      got(store.commit({ put: [motor(seed)] }))
      if (seed === 1) got(store.confirm())
    }
    got(store.rollback(3))
    assert.deepStrictEqual(got(store.image("motor")).bytes, imageOf(2))
    got(store.commit({ put: [motor(4)] }))
    got(store.giveUp("boot_failure"))
    assert.deepStrictEqual(got(store.image("motor")).bytes, imageOf(1))
  })

  it("takes only values that were frozen for the configuration that is left", () => {
    const store = storeOf()
    for (const seed of [1, 2, 3]) {
      save(store, [[17, seed]])
      got(store.commit({ put: [motor(seed)] }))
      got(store.confirm())
    }
    save(store, [[17, 4]])
    got(store.rollback(2))
    assert.strictEqual(store.value(17), 3)
    save(store, [[17, 5]])
    // Nothing was frozen when generation 2 came back.
    got(store.rollback())
    assert.strictEqual(store.value(17), 5)
  })

  it("never goes to a configuration that did not come to rule", () => {
    const board = emptyBoard()
    const prepared = mounted(board.on(new Supply()))
    got(prepared.commit({ put: [motor(1)] }))
    got(prepared.confirm())
    const dry = new Supply()
    const first = dry.writes.length
    got(mounted(board.copy().on(dry)).commit({ put: [motor(2)] }))
    for (let last = first; last < dry.writes.length; last++) {
      const cut = board.copy()
      untilCut(() => got(mounted(cut.on(new Supply(last))).commit({ put: [motor(2)] })))
      const store = mounted(cut.on(new Supply()))
      if (store.generation === 3) continue
      got(store.rollback())
      assert.strictEqual(store.generation, 3)
      assert.strictEqual(refusalOf(store.rollback(3)), "2 generation", `write ${last}`)
    }
  })

  it("leaves one live bank of values and two blank ones", () => {
    const board = emptyBoard()
    const store = mounted(board.on(new Supply()))
    got(store.commit({ put: [motor(1)] }))
    save(store, [[17, 1]])
    got(store.rollback())
    const isBlank = [0, 1, 2].map((bank) => board.nvm.read(0x780 + bank * 0x80, 0x80).every((byte) => byte === 0xff))
    assert.deepStrictEqual(isBlank.filter((blank) => blank).length, 2)
  })

  it("does not give up what has proved itself", () => {
    const store = storeOf()
    got(store.commit({ put: [motor(1)] }))
    got(store.confirm())
    assert.strictEqual(refusalOf(store.giveUp("boot_failure")), "2 confirmed")
  })

  it("is done at once when the configuration on trial cannot be read any more", () => {
    const board = emptyBoard()
    const store = mounted(board.on(new Supply()))
    got(store.commit({ put: [motor(1)] }))
    got(store.confirm())
    got(store.commit({ put: [motor(2)] }))
    const events: Array<NvEvent> = []
    // Slot 2 of the manifests holds generation 3.
    board.nvm.write(0x180 + 2 * 0x200 + 40, new Uint8Array(8).fill(0xaa))
    const again = mounted(board.on(new Supply()), { observe: (event) => events.push(event) })
    assert.deepStrictEqual(got(again.image("motor")).bytes, imageOf(1))
    assert.deepStrictEqual(events, [{ type: "rollback", fromGeneration: 3, toGeneration: 2, reason: "crc" }])
  })
})

describe("security versions", () => {
  it("never go below what rules or was ever confirmed", () => {
    const board = emptyBoard()
    const store = mounted(board.on(new Supply()))
    got(store.commit({ put: [motor(1, 5)] }))
    assert.strictEqual(refusalOf(store.commit({ put: [motor(2, 4)] })), "1 rollback")
    got(store.confirm())
    got(store.commit({ remove: ["motor"] }))
    got(store.confirm())
    assert.strictEqual(store.floor(1, "motor"), 5)
    assert.strictEqual(refusalOf(store.commit({ put: [motor(2, 4)] })), "1 rollback")
    got(store.commit({ put: [motor(2, 5)] }))
    assert.strictEqual(mounted(board.on(new Supply())).floor(1, "motor"), 5)
  })

  it("count for a name and a kind", () => {
    const store = storeOf()
    got(store.commit({ put: [motor(1, 5)] }))
    got(store.confirm())
    assert.deepStrictEqual([store.floor(1, "motor"), store.floor(2, "motor"), store.floor(1, "lamp")], [5, 0, 0])
    got(store.commit({ put: [{ name: "motor", kind: 2, secver: 1, image: { bytes: imageOf(1) } }] }))
  })

  it("are raised though the power goes right after the confirmation", () => {
    const board = emptyBoard()
    got(mounted(board.on(new Supply())).commit({ put: [motor(1, 5)] }))
    const dry = new Supply()
    got(mounted(board.copy().on(dry)).confirm())
    let confirmed = 0
    for (let last = 0; last < dry.writes.length; last++) {
      const cut = board.copy()
      assert.isFalse(untilCut(() => got(mounted(cut.on(new Supply(last))).confirm())))
      const store = mounted(cut.on(new Supply()))
      if (store.isOnTrial) continue
      confirmed++
      got(store.commit({ remove: ["motor"] }))
      assert.strictEqual(store.floor(1, "motor"), 5)
    }
    assert.isAbove(confirmed, 0)
  })

  it("keep the way back of what has not proved itself, and close it for what has", () => {
    const store = storeOf()
    got(store.commit({ put: [motor(1, 1)] }))
    got(store.confirm())
    got(store.commit({ put: [motor(2, 6)] }))
    got(store.rollback())
    assert.strictEqual(store.floor(1, "motor"), 1)
    got(store.commit({ put: [motor(3, 6)] }))
    got(store.confirm())
    assert.strictEqual(refusalOf(store.rollback()), "1 rollback")
    got(store.rollback(undefined, true))
    assert.strictEqual(refusalOf(store.commit({ put: [motor(4, 5)] })), "1 rollback")
    got(store.commit({ put: [motor(4, 5)], allowOlder: true }))
  })
})

describe("keys", () => {
  it("are added, changed and removed, for ever", () => {
    const board = emptyBoard()
    const store = mounted(board.on(new Supply()))
    got(store.trust(key(1)))
    got(store.trust(key(2)))
    got(store.trust(key(1, false)))
    got(store.distrust(key(2).keyId))
    assert.strictEqual(refusalOf(store.distrust(key(2).keyId)), "2 key")
    assert.deepStrictEqual(mounted(board.on(new Supply())).trustedKeys(), [key(1, false)])
  })

  it("leave room for the counters of the programs and for an erase", () => {
    const store = storeOf()
    got(store.commit({ put: [motor(1, 3)] }))
    let count = 0
    while (Result.isSuccess(store.trust(key(count + 1)))) count++
    // Twelve records: one counter and two that stay free.
    assert.strictEqual(count, 9)
    got(store.confirm())
    assert.strictEqual(store.floor(1, "motor"), 3)
    got(store.trust(key(1, false)))
    got(store.commit({ put: [motor(2, 3)] }))
    assert.strictEqual(refusalOf(store.commit({ put: [{ ...lamp(3), secver: 1 }] })), "28 keys")
  })
})

describe("the list of slots", () => {
  it("says what each one is to the board", () => {
    const store = storeOf()
    got(store.commit({ put: [motor(1)] }))
    assert.deepStrictEqual(states(store), [slotUses.pending, 0, 0, 0, 0, 0])
    got(store.countAttempt())
    assert.deepStrictEqual(states(store), [slotUses.trial, 0, 0, 0, 0, 0])
    got(store.confirm())
    assert.deepStrictEqual(states(store), [slotUses.confirmed, 0, 0, 0, 0, 0])
    got(store.commit({ put: [motor(2)] }))
    assert.deepStrictEqual(states(store), [slotUses.old, slotUses.pending, 0, 0, 0, 0])
    got(store.giveUp("boot_failure"))
    assert.deepStrictEqual(states(store), [slotUses.confirmed, slotUses.bad, 0, 0, 0, 0])
    const [first] = got(store.slots())
    assert.deepStrictEqual(
      [first?.name, first?.kind, first?.bytes, first?.generation, first?.wear],
      ["motor", 1, 200, 2, 1]
    )
    assert.strictEqual(first?.sha256?.length, 32)
  })
})

describe("the reference board", () => {
  it("takes one program after another through three slots", () => {
    const board = Board.blank(referenceShape)
    const store = got(NvStore.format({ devices: board.on(new Supply()) }, referenceMap))
    for (let round = 1; round <= 6; round++) {
      got(store.commit({ put: [{ name: "motor", image: { bytes: imageOf(round, 60_000) } }] }))
      got(store.confirm())
      assert.deepStrictEqual(got(mounted(board.on(new Supply())).image("motor")).bytes, imageOf(round, 60_000))
    }
    assert.deepStrictEqual(
      got(store.slots()).map(({ wear }) => wear),
      [2, 2, 2]
    )
  })
})
