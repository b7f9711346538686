/** The proof: the power goes at every write of everything a store does, and what is there afterwards is old or new. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { MemoryShape } from "../../../devices/nv/MemoryNvDevice.ts"
import { type Partition, referenceMap, referenceShape } from "../../../devices/nv/NvMap.ts"
import { type NvResult, NvStore } from "../../../devices/nv/NvStore.ts"
import { openStore } from "../../../devices/nv/OpenStore.ts"
import { seeded } from "../../../devices/simulated/Seeded.ts"
import { Board, prefix, Supply, scattered, suffix, type Tear, untilCut, untouched } from "./PowerCut.ts"
import {
  emptyBoard,
  got,
  imageOf,
  mounted,
  narrowMap,
  sightOf,
  smallMap,
  smallShape,
  wayBackOf,
  wearCounts
} from "./Stores.ts"

interface Scenario {
  readonly prepare: (store: NvStore) => void
  readonly run: (store: NvStore) => void
  readonly map?: ReadonlyArray<Partition>
  readonly shape?: { readonly nvm: MemoryShape; readonly flash: MemoryShape }
  /** With two manifest slots, a commit that is cut short may cost the older configuration, never the one that rules. */
  readonly losesWayBack?: boolean
}

const key = (id: number, enabled = true) => ({
  algorithm: 1,
  enabled,
  maySignKeys: false,
  keyId: new Uint8Array(8).fill(id),
  publicKey: imageOf(id, 32)
})

const save = (store: NvStore, values: Readonly<Record<number, number>>): void => {
  for (const [each, bits] of Object.entries(values)) got(store.setValue(Number(each), bits, 0, 0))
  got(store.saveAll())
}

const motor = (seed: number, secver = 1, bytes?: number) => ({
  name: "motor",
  required: true,
  secver,
  image: { bytes: imageOf(seed, bytes), attachment: imageOf(seed + 100, 40) }
})
const lamp = (seed: number) => ({ name: "lamp", image: { bytes: imageOf(seed, 90) } })

/** A proven configuration with a program, a value, a key; then a second one, with another value. */
const confirmed = (store: NvStore): void => {
  got(store.commit({ put: [motor(1)] }))
  got(store.confirm())
  save(store, { 17: 0x4a40, 18: 0x3c00 })
  got(store.trust(key(1)))
}
const onTrial = (store: NvStore): void => {
  confirmed(store)
  got(store.commit({ put: [motor(2, 2)] }))
  save(store, { 17: 0x1111, 19: 0x2222 })
}
const failedOften = (store: NvStore): void => {
  onTrial(store)
  for (let attempt = 0; attempt < 3; attempt++) {
    got(store.countBoot())
    got(store.countAttempt())
  }
}
/** 13 records fit a bank: this fills it. */
const fullBank = (store: NvStore): void => {
  confirmed(store)
  for (let round = 0; round < 11; round++) save(store, { 17: round })
}

const scenarios: Readonly<Record<string, Scenario>> = {
  "the first commit": { prepare: () => {}, run: (store) => got(store.commit({ put: [motor(1)] })) },
  "a commit of one program": { prepare: confirmed, run: (store) => got(store.commit({ put: [motor(2, 2)] })) },
  "a commit of several programs": {
    prepare: confirmed,
    run: (store) =>
      got(
        store.commit({
          put: [motor(2, 2), lamp(3), { name: "pump", source: 3 }],
          settings: { confirmSeconds: 60, bootFailuresMax: 2 }
        })
      )
  },
  "a commit into slots that were used before": {
    prepare: (store) => {
      for (let round = 0; round < 14; round++) {
        got(store.commit({ put: [motor(round, 1)] }))
        got(store.confirm())
      }
    },
    run: (store) => got(store.commit({ put: [motor(20, 1), lamp(21)] }))
  },
  "a commit over one on trial": { prepare: onTrial, run: (store) => got(store.commit({ put: [motor(3, 2)] })) },
  "a commit that removes a program": {
    prepare: confirmed,
    run: (store) => got(store.commit({ remove: ["motor"] }))
  },
  "a commit with two manifest slots": {
    prepare: (store) => {
      confirmed(store)
      got(store.commit({ put: [motor(2, 2)] }))
      got(store.confirm())
    },
    run: (store) => got(store.commit({ put: [motor(3, 2)] })),
    map: narrowMap,
    losesWayBack: true
  },
  "a commit of a large image": {
    prepare: confirmed,
    run: (store) => got(store.commit({ put: [motor(2, 2, 9000)] })),
    map: referenceMap,
    shape: referenceShape,
    losesWayBack: true
  },
  "a rollback": { prepare: onTrial, run: (store) => got(store.rollback()) },
  "a rollback of what was confirmed": {
    prepare: (store) => {
      onTrial(store)
      got(store.confirm())
    },
    run: (store) => got(store.rollback(undefined, true))
  },
  "a rollback by itself": { prepare: failedOften, run: (store) => got(store.giveUp("boot_failure")) },
  "a confirmation": { prepare: onTrial, run: (store) => got(store.confirm()) },
  "counting a boot": { prepare: confirmed, run: (store) => got(store.countBoot()) },
  "counting an attempt": { prepare: onTrial, run: (store) => got(store.countAttempt()) },
  "noting a failure": { prepare: onTrial, run: (store) => got(store.noteFailure("watchdog")) },
  "giving up": { prepare: onTrial, run: (store) => got(store.stopTrying()) },
  "saving a value": { prepare: confirmed, run: (store) => save(store, { 17: 0x5555 }) },
  "saving a value with a key that begins as blank bytes do": {
    prepare: confirmed,
    run: (store) => save(store, { 65298: 0x5555 })
  },
  "saving several values": { prepare: confirmed, run: (store) => save(store, { 17: 0x5555, 18: 1, 255: 2, 21: 3 }) },
  "saving into a full bank": { prepare: fullBank, run: (store) => save(store, { 17: 0x5555, 20: 7 }) },
  "collecting values": { prepare: confirmed, run: (store) => got(store.collectValues(new Set([18]))) },
  "trusting a key": { prepare: confirmed, run: (store) => got(store.trust(key(2))) },
  "disabling a key": { prepare: confirmed, run: (store) => got(store.trust(key(1, false))) },
  "enabling a key": {
    prepare: (store) => {
      confirmed(store)
      got(store.trust(key(1, false)))
    },
    run: (store) => got(store.trust(key(1)))
  },
  "removing a key": { prepare: confirmed, run: (store) => got(store.distrust(new Uint8Array(8).fill(1))) },
  "a confirmation that raises a security version": {
    prepare: (store) => {
      onTrial(store)
      got(store.confirm())
      got(store.commit({ put: [motor(3, 9)] }))
    },
    run: (store) => got(store.confirm())
  }
}

/** Every length of a short write; of a long one its ends and some between. */
const tearsOf = (bytes: number, random: () => number): ReadonlyArray<Tear> => {
  const lengths =
    bytes <= 128
      ? Array.from({ length: bytes }, (_, index) => index + 1)
      : [
          1,
          2,
          5,
          24,
          32,
          96,
          97,
          128,
          ...Array.from({ length: 4 }, () => Math.floor(random() * bytes)),
          bytes - 1,
          bytes
        ]
  return [
    ...lengths.map(prefix),
    suffix(1),
    suffix(bytes >> 1),
    suffix(bytes - 1),
    scattered(random),
    scattered(random)
  ]
}

/** Counters are as they were, or more. */
const assertNotBack = (before: ReadonlyArray<number>, now: ReadonlyArray<number>): void => {
  for (const [index, count] of before.entries()) assert.isAtLeast(now[index] ?? 0, count, `counter ${index}`)
}

/** Mounts what a cut left, cutting every write of the mount as well, and looks at it. */
const look = (board: Board, random: () => number, again: boolean, check: (store: NvStore) => void): void => {
  if (again) {
    const dry = new Supply()
    mounted(board.copy().on(dry))
    for (let last = 0; last < dry.writes.length; last++) {
      for (const tear of [untouched, scattered(random)]) {
        const second = board.copy()
        assert.isFalse(untilCut(() => mounted(second.on(new Supply(last, tear)))))
        check(mounted(second.on(new Supply())))
      }
    }
  }
  check(mounted(board.on(new Supply())))
}

const prove = ({ prepare, run, map = smallMap, shape = smallShape, losesWayBack = false }: Scenario): number => {
  const random = seeded(7, "power loss")
  const board = emptyBoard(map, shape)
  prepare(mounted(board.on(new Supply())))
  const before = mounted(board.copy().on(new Supply()))
  const counts = wearCounts(before)
  const [oldSight, oldWay] = [sightOf(before), wayBackOf(board)]

  const whole = board.copy()
  const supply = new Supply()
  const running = mounted(whole.on(supply))
  const first = supply.writes.length
  run(running)
  const done = mounted(whole.copy().on(new Supply()))
  const [newSight, newWay] = [sightOf(done), wayBackOf(whole)]
  assert.notStrictEqual(newSight, oldSight)
  // What was acknowledged is what is there without the RAM of who wrote it.
  assert.strictEqual(sightOf(running), newSight)

  let runs = 0
  for (let last = first; last < supply.writes.length; last++) {
    let isNew = false
    for (const [index, tear] of [untouched, ...tearsOf(supply.writes[last] ?? 1, random)].entries()) {
      runs++
      const cut = board.copy()
      assert.isFalse(untilCut(() => run(mounted(cut.on(new Supply(last, tear))))))
      const label = `write ${last} of ${supply.writes.length}, tear ${index}`
      const isProbe = index === 0 || index % 8 === 7
      look(cut, random, isProbe, (store) => {
        const sight = sightOf(store)
        assert.include([oldSight, newSight], sight, label)
        assertNotBack(counts, wearCounts(store))
        isNew ||= sight === newSight
      })
      if (!isProbe) continue
      // What was cut is done again and ends as if nothing had been.
      const after = mounted(cut.on(new Supply()))
      const isDone = sightOf(after) === newSight
      const ways = isDone ? [newWay] : losesWayBack ? [oldWay, "2 generation"] : [oldWay]
      assert.include(ways, wayBackOf(cut), label)
      if (isDone) continue
      run(after)
      assert.strictEqual(sightOf(mounted(cut.on(new Supply()))), newSight, label)
    }
    if (last === supply.writes.length - 1) assert.isTrue(isNew, "the last write comes after the commit")
  }
  return runs
}

describe("a power cut at every write", () => {
  for (const [name, scenario] of Object.entries(scenarios)) {
    it(`leaves the old or the new store: ${name}`, () => {
      assert.isAbove(prove(scenario), 0)
    })
  }

  /** Formats and cuts every write of it; answers how often the old store, the new one, and none was found. */
  const formatCut = (old: Board): { readonly old: number; readonly new: number; readonly none: number } => {
    const before = NvStore.mount({ devices: old.copy().on(new Supply()) })
    const oldSight = Result.isSuccess(before) ? sightOf(before.success) : ""
    const supply = new Supply()
    const newSight = sightOf(got(NvStore.format({ devices: old.copy().on(supply) }, smallMap)))
    const random = seeded(3, "format")
    const found = { old: 0, new: 0, none: 0 }
    for (let last = 0; last < supply.writes.length; last++) {
      const bytes = supply.writes[last] ?? 0
      const cuts = bytes <= 128 ? Array.from({ length: bytes }, (_, index) => index) : [8, bytes - 1]
      for (const tear of [untouched, scattered(random), ...cuts.map(prefix), ...cuts.map(suffix)]) {
        const cut = old.copy()
        assert.isFalse(untilCut(() => got(NvStore.format({ devices: cut.on(new Supply(last, tear)) }, smallMap))))
        const left = NvStore.mount({ devices: cut.copy().on(new Supply()) })
        if (Result.isFailure(left)) {
          assert.deepStrictEqual(left.failure, { code: 2, detail: "superblock" }, `write ${last}`)
          found.none++
        } else {
          assert.include([oldSight, newSight], sightOf(left.success))
          found[sightOf(left.success) === newSight ? "new" : "old"]++
        }
        assert.strictEqual(
          sightOf(got(openStore({ devices: cut.copy().on(new Supply()) }, smallMap))),
          sightOfLeft(left, newSight)
        )
        assert.strictEqual(sightOf(got(NvStore.format({ devices: cut.on(new Supply()) }, smallMap))), newSight)
      }
    }
    return found
  }

  it("leaves a store, or memories that may be formatted, when it is formatted", () => {
    const first = emptyBoard()
    confirmed(mounted(first.on(new Supply())))
    // The other copy rules after one more commit.
    const second = first.copy()
    got(mounted(second.on(new Supply())).commit({ put: [lamp(4)] }))
    for (const old of [first, second]) {
      const found = formatCut(old)
      for (const count of Object.values(found)) assert.isAbove(count, 0)
    }
  })

  it("leaves blank memories formattable when their first format is cut, and when the next one is, too", () => {
    const blank = Board.blank(smallShape)
    assert.deepInclude(formatCut(blank), { old: 0 })
    const random = seeded(5, "twice")
    for (let last = 0; last < 4; last++) {
      const cut = blank.copy()
      untilCut(() => got(NvStore.format({ devices: cut.on(new Supply(last, scattered(random))) }, smallMap)))
      assert.deepInclude(formatCut(cut), { old: 0 })
    }
  })
})

const sightOfLeft = (left: NvResult<NvStore>, newSight: string): string =>
  Result.isSuccess(left) ? sightOf(left.success) : newSight

describe("a cut among many values", () => {
  it("keeps every batch that was acknowledged and none by half", () => {
    for (let seed = 0; seed < 150; seed++) {
      const random = seeded(seed, "values")
      const board = emptyBoard()
      let kept: Readonly<Record<string, number>> = {}
      for (let life = 0; life < 4; life++) {
        const store = mounted(board.on(new Supply(Math.floor(random() * 30), scattered(random))))
        let next = kept
        untilCut(() => {
          for (;;) {
            const batch = Object.fromEntries(
              Array.from({ length: 1 + Math.floor(random() * 3) }, () => [
                1 + Math.floor(random() * 8),
                Math.floor(random() * 65_536)
              ])
            )
            next = { ...kept, ...batch }
            save(store, batch)
            kept = next
          }
        })
        const after = mounted(board.on(new Supply()))
        const found = Object.fromEntries(after.valueKeys().map((each) => [String(each), after.value(each)]))
        assert.deepInclude([kept, next], found)
        kept = isSame(found, next) ? next : kept
      }
    }
  })
})

const isSame = (a: object, b: object): boolean =>
  JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort())
