/**
 * The doors of this node: who shows wrong credentials where, who is turned away for a time, and who comes in from the same address
 * and must not be turned away with him.
 */
import { Context } from "effect"
import type { Suspicions } from "../actors/Suspicions.ts"
import type { Asker } from "../protocol/Asker.ts"
import { type Bar, type Subject, subjectOf } from "../protocol/vsm/Threat.ts"

/** Addresses that are remembered, and names of each: who has come in once may be there still, and comes again. */
const addressesMax = 10_000
const namesMax = 16

interface Methods {
  /** Whether nobody may come in from there: not even a credential is looked at. */
  readonly isShut: (address: Subject | undefined) => boolean
  /** Whether somebody with right credentials may come in from there now. Who does is remembered. */
  readonly admit: (address: Subject | undefined, name: Subject | undefined) => boolean
  /** Whether the token of this account is accepted. */
  readonly isAccepted: (account: string) => boolean
  /** Somebody showed a wrong token. */
  readonly wrong: (address: Subject | undefined) => void
  /** Somebody who has shown nothing yet sends what nobody could read. */
  readonly garbled: (address: Subject | undefined) => void
  /** Who is turned away from now on. */
  readonly bar: (bars: ReadonlyArray<Bar>) => void
}

/** By themselves they are open. */
export const Doors = Context.Reference<Methods>("holon/gateways/Doors", {
  defaultValue: (): Methods => ({
    isShut: () => false,
    admit: () => true,
    isAccepted: () => true,
    wrong: () => {},
    garbled: () => {},
    bar: () => {}
  })
})
export type Doors = typeof Doors.Service

/** Somebody who asks, as a subject. */
export const nameOf = ({ kind, id }: Asker): Subject | undefined =>
  kind === "user" || kind === "device" ? subjectOf(kind, id) : undefined

/** Doors that remember. `now` is the wall clock, ms: bars end by it. */
export const makeDoors = (now: () => number, suspicions: Suspicions): Doors => {
  let barred: ReadonlyMap<string, Bar> = new Map()
  /** Names by address; who came last stands last. */
  const known = new Map<string, Set<string>>()

  const isBarred = (subject: Subject): boolean => {
    const bar = barred.get(subject)
    return bar !== undefined && now() < bar.until
  }
  const othersOf = (address: string): number => known.get(address)?.size ?? 0

  const remember = (address: string, name: string): void => {
    const names = known.get(address) ?? new Set<string>()
    known.delete(address)
    known.set(address, names)
    names.delete(name)
    names.add(name)
    for (const oldest of names) {
      if (names.size <= namesMax) break
      names.delete(oldest)
    }
    for (const oldest of known.keys()) {
      if (known.size <= addressesMax) break
      known.delete(oldest)
    }
  }

  return {
    isShut: (address) => address !== undefined && isBarred(address) && othersOf(address) === 0,
    admit: (address, name) => {
      if (address === undefined || name === undefined) return true
      // A token that was guessed from an address that is barred opens nothing.
      if (isBarred(address) && known.get(address)?.has(name) !== true) return false
      remember(address, name)
      return true
    },
    isAccepted: (account) => {
      const subject = subjectOf("user", account)
      return subject === undefined || !isBarred(subject)
    },
    wrong: (address) => {
      if (address !== undefined) suspicions.note("wrong-token", address, othersOf(address))
    },
    garbled: (address) => {
      if (address !== undefined) suspicions.note("bad-input", address, othersOf(address))
    },
    bar: (bars) => {
      barred = new Map(bars.map((bar) => [bar.subject, bar]))
    }
  }
}
