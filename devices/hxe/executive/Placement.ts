/**
 * Where tasks lie: register windows, stacks, and what is left of code, data and stack memory. Each task has memory of its
 * own, but windows and stacks share one plan of addresses, so that a board with one memory can follow it.
 */
import { Result } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import { rodataAddress } from "../../../src/protocol/hxe/Hxe.ts"
import type { Refused } from "../../Refused.ts"
import type { BudgetProfile } from "./BudgetProfile.ts"

/** End of the highest stack; the last word of memory stays free. */
const stacksEnd = 0xfffc
const windowsBase = 0x1000
const windowBytes = 0x40

/** What a program needs. Sizes in bytes. */
export interface Need {
  readonly codeBytes: number
  readonly rodataBytes: number
  readonly bssBytes: number
  /** None or 0 for the board's default. */
  readonly stackBytes: number | undefined
}

/** What a task holds until it is released. Addresses of its data memory. */
export interface Place {
  readonly window: number
  readonly registerBase: number
  /** Lowest address the stack may use. */
  readonly stackBase: number
  /** Stack pointer of an empty stack. */
  readonly stackEnd: number
  readonly codeBytes: number
  /** Rodata, rounded up to whole words, and bss. */
  readonly dataBytes: number
}

const wholeWords = (bytes: number): number => (bytes + 3) & ~3

/** Too little is left: `budget:<what>:<need>/<free>`. */
export const budgetRefusal = (what: string, need: number, free: number): Refused => ({
  code: codes.ENOSPC,
  detail: `budget:${what}:${need}/${free}`
})

/** Places, and bytes of them. */
export interface PlacementCounts {
  readonly tasks: number
  readonly codeBytes: number
  readonly dataBytes: number
  readonly stackBytes: number
}

const noPlaces: ReadonlySet<Place> = new Set()

const totals = (places: ReadonlyArray<Place>): PlacementCounts => {
  const sum = (size: (place: Place) => number): number => places.reduce((total, place) => total + size(place), 0)
  return {
    tasks: places.length,
    codeBytes: sum((place) => place.codeBytes),
    dataBytes: sum((place) => place.dataBytes),
    stackBytes: sum((place) => place.stackEnd - place.stackBase)
  }
}

/** End of the highest gap that holds such a stack and lies above the program's own data. */
const findStack = (places: ReadonlyArray<Place>, stackBytes: number, floor: number): Result.Result<number, Refused> => {
  let end = stacksEnd
  let largest = 0
  for (const place of [...places].sort((left, right) => right.stackEnd - left.stackEnd)) {
    const gap = end - Math.max(place.stackEnd, floor)
    if (gap >= stackBytes) return Result.succeed(end)
    largest = Math.max(largest, gap)
    // Places that were taken from others still there may overlap them.
    end = Math.min(end, place.stackBase)
  }
  const gap = end - floor
  return gap >= stackBytes
    ? Result.succeed(end)
    : Result.fail(budgetRefusal("stack", stackBytes, Math.max(largest, gap, 0)))
}

/** The places of a board. */
export class Placement {
  readonly #profile: BudgetProfile
  readonly #places = new Set<Place>()
  /** Windows given back; the last one is used first. */
  readonly #freeWindows: Array<number> = []
  #windows = 0

  constructor(profile: BudgetProfile) {
    this.#profile = profile
  }

  /** Bytes and places in use. */
  counts(): PlacementCounts {
    return totals([...this.#places])
  }

  /**
   * Takes a place. Fails with 28 when something does not suffice, and takes nothing then. `soonFree` are places that will
   * be given back before the new task runs: they do not count, and their stacks may be taken. `instead` is a place that the
   * new one takes over, and that stays as it is after a refusal.
   */
  reserve(need: Need, soonFree: ReadonlySet<Place> = noPlaces, instead?: Place): Result.Result<Place, Refused> {
    const others = [...this.#places].filter((place) => place !== instead)
    const counted = others.filter((place) => !soonFree.has(place))
    const { tasks, codeBytes: usedCode, dataBytes: usedData, stackBytes: usedStacks } = totals(counted)
    if (tasks >= this.#profile.tasks) return Result.fail(budgetRefusal("tasks", 1, 0))
    const codeFree = this.#profile.codeBytes - (this.#profile.isShared ? usedCode : 0)
    if (need.codeBytes > codeFree) return Result.fail(budgetRefusal("code", need.codeBytes, codeFree))
    const dataBytes = wholeWords(need.rodataBytes) + need.bssBytes
    const dataFree = this.#profile.dataBytes - (this.#profile.isShared ? usedData : 0)
    if (dataBytes > dataFree) return Result.fail(budgetRefusal("data", dataBytes, dataFree))
    const stackBytes = wholeWords(need.stackBytes || this.#profile.stackBytesDefault)
    if (this.#profile.stackBytes !== undefined) {
      const stacksFree = this.#profile.stackBytes - usedStacks
      if (stackBytes > stacksFree) return Result.fail(budgetRefusal("stack", stackBytes, stacksFree))
    }
    const floor = rodataAddress + dataBytes
    const untouched = findStack(others, stackBytes, floor)
    const stack = Result.isSuccess(untouched) ? untouched : findStack(counted, stackBytes, floor)
    if (Result.isFailure(stack)) return Result.fail(stack.failure)
    if (instead !== undefined) this.release(instead)
    const window = this.#freeWindows.pop() ?? this.#windows++
    const place: Place = {
      window,
      registerBase: windowsBase + window * windowBytes,
      stackBase: stack.success - stackBytes,
      stackEnd: stack.success,
      codeBytes: need.codeBytes,
      dataBytes
    }
    this.#places.add(place)
    return Result.succeed(place)
  }

  /** Gives a place back. A second time does nothing. */
  release(place: Place): void {
    if (this.#places.delete(place)) this.#freeWindows.push(place.window)
  }
}
