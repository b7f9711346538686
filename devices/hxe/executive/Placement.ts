/**
 * Where tasks lie: register windows, stacks, and what is left of code, data and stack memory. Each task has memory of its
 * own, but windows and stacks share one plan of addresses, so that a board with one memory can follow it.
 */
import { Result } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import { rodataAddress } from "../../../src/protocol/hxe/Hxe.ts"
import type { BudgetProfile } from "./BudgetProfile.ts"
import type { Refusal } from "./Events.ts"

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
export const budgetRefusal = (what: string, need: number, free: number): Refusal => ({
  code: codes.ENOSPC,
  detail: `budget:${what}:${need}/${free}`
})

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
  counts(): {
    readonly tasks: number
    readonly codeBytes: number
    readonly dataBytes: number
    readonly stackBytes: number
  } {
    const sum = (size: (place: Place) => number): number => {
      let total = 0
      for (const place of this.#places) total += size(place)
      return total
    }
    return {
      tasks: this.#places.size,
      codeBytes: sum((place) => place.codeBytes),
      dataBytes: sum((place) => place.dataBytes),
      stackBytes: sum((place) => place.stackEnd - place.stackBase)
    }
  }

  /** Code bytes a further program may have. */
  codeFree(): number {
    return this.#profile.codeBytes - (this.#profile.isShared ? this.counts().codeBytes : 0)
  }

  /** Takes a place. Fails with 28 when something does not suffice, and takes nothing then. */
  reserve(need: Need): Result.Result<Place, Refusal> {
    const { tasks, dataBytes: usedData, stackBytes: usedStacks } = this.counts()
    if (tasks >= this.#profile.tasks) return Result.fail(budgetRefusal("tasks", 1, 0))
    const codeFree = this.codeFree()
    if (need.codeBytes > codeFree) return Result.fail(budgetRefusal("code", need.codeBytes, codeFree))
    const dataBytes = wholeWords(need.rodataBytes) + need.bssBytes
    const dataFree = this.#profile.dataBytes - (this.#profile.isShared ? usedData : 0)
    if (dataBytes > dataFree) return Result.fail(budgetRefusal("data", dataBytes, dataFree))
    const stackBytes = wholeWords(need.stackBytes || this.#profile.stackBytesDefault)
    if (this.#profile.stackBytes !== undefined) {
      const stacksFree = this.#profile.stackBytes - usedStacks
      if (stackBytes > stacksFree) return Result.fail(budgetRefusal("stack", stackBytes, stacksFree))
    }
    const stack = this.#findStack(stackBytes, rodataAddress + dataBytes)
    if (Result.isFailure(stack)) return Result.fail(stack.failure)
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

  /** End of the highest gap that holds such a stack and lies above the program's own data. */
  #findStack(stackBytes: number, floor: number): Result.Result<number, Refusal> {
    let end = stacksEnd
    let largest = 0
    for (const place of [...this.#places].sort((left, right) => right.stackEnd - left.stackEnd)) {
      const gap = end - Math.max(place.stackEnd, floor)
      if (gap >= stackBytes) return Result.succeed(end)
      largest = Math.max(largest, gap)
      end = place.stackBase
    }
    const gap = end - floor
    return gap >= stackBytes
      ? Result.succeed(end)
      : Result.fail(budgetRefusal("stack", stackBytes, Math.max(largest, gap, 0)))
  }
}
