import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { hostShape } from "../../../devices/nv/NvMap.ts"
import { NvStore } from "../../../devices/nv/NvStore.ts"
import { seeded } from "../../../devices/simulated/Seeded.ts"
import { Board, PowerCut, prefix, Supply, scattered, untouched } from "../nv/PowerCut.ts"
import { Bench } from "./Bench.ts"
import { imageOf } from "./ScriptedRuntime.ts"

const good = imageOf({ does: "run", mark: "good" })
const other = imageOf({ does: "run", mark: "other" })
const trapping = imageOf({ does: "trap", after: 100 })

/** A life of a board: it starts, and then this happens. What is thrown once the power is gone is nobody's. */
const live = (board: Board, supply: Supply, happens: (bench: Bench) => void): void => {
  try {
    happens(new Bench({ devices: board.on(supply) }))
  } catch (cause) {
    if (!supply.isOff && !(cause instanceof PowerCut)) throw cause
  }
}

const blank = (): Board => Board.blank(hostShape)

/** A board on which `good` has proved itself, and what came after that. */
const boardWith = (after: (bench: Bench) => void = () => {}): Board => {
  const board = blank()
  live(board, new Supply(), (bench) => {
    bench.install(good)
    bench.advance(31_000)
    after(bench)
  })
  return board
}

const imageOn = (board: Board): Uint8Array => {
  const store = Result.getOrThrow(NvStore.mount({ devices: board.copy().on(new Supply()) }))
  return Result.getOrThrow(store.image("motor")).bytes
}

/** What runs when the board was given all the time it needs. */
const settled = (board: Board): string | undefined => {
  live(board, new Supply(), (bench) => bench.advance(40_000))
  let mark: string | undefined
  live(board, new Supply(), (bench) => {
    assert.strictEqual(bench.unasked().at(-1)?.state, 9, "nothing is on trial any more")
    mark = bench.runtime.only.script.mark
  })
  return mark
}

/** Cuts every write of a life; `ends` says what may run in the end, by what lay in the memory right after the cut. */
const prove = (
  made: Board,
  happens: (bench: Bench) => void,
  ends: (kept: Uint8Array) => string,
  images: ReadonlyArray<Uint8Array>
): ReadonlySet<string> => {
  const random = seeded(11, "a cut life")
  const dry = new Supply()
  live(made.copy(), dry, happens)
  assert.isAbove(dry.writes.length, 2)
  const seen = new Set<string>()
  for (let last = 0; last < dry.writes.length; last++) {
    for (const tear of [untouched, prefix(5), scattered(random)]) {
      const board = made.copy()
      const supply = new Supply(last, tear)
      live(board, supply, happens)
      assert.isTrue(supply.isOff, `write ${last}`)
      const kept = imageOn(board)
      assert.isTrue(
        images.some((image) => Buffer.compare(image, kept) === 0),
        `write ${last} left a whole image`
      )
      const mark = settled(board)
      assert.strictEqual(mark, ends(kept), `write ${last} of ${dry.writes.length}`)
      seen.add(mark ?? "")
    }
  }
  return seen
}

const isSame = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0
const whatIsKept = (kept: Uint8Array): string => (isSame(kept, other) ? "other" : "good")

describe("a board whose power goes at any write", () => {
  it("runs the old program or the new one while a new one is installed and proves itself", () => {
    const install = (bench: Bench): void => {
      bench.install(other)
      bench.advance(31_000)
    }
    assert.sameMembers([...prove(boardWith(), install, whatIsKept, [good, other])], ["good", "other"])
  })

  it("runs the old program whenever the new one fails", () => {
    const install = (bench: Bench): void => {
      bench.install(trapping)
      bench.advance(10_000)
    }
    assert.deepStrictEqual([...prove(boardWith(), install, () => "good", [good, trapping])], ["good"])
  })

  it("goes on with a trial where it starts again", () => {
    const onTrial = boardWith((bench) => void bench.install(other))
    const wait = (bench: Bench): void => bench.advance(31_000)
    assert.deepStrictEqual([...prove(onTrial, wait, () => "other", [other])], ["other"])
  })

  it("runs one or the other while it goes back because somebody says so", () => {
    const both = boardWith((bench) => {
      bench.install(other)
      bench.advance(31_000)
    })
    const back = (bench: Bench): void => void bench.operate(4)
    assert.sameMembers([...prove(both, back, whatIsKept, [good, other])], ["good", "other"])
  })
})
