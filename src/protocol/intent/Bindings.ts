/** What the slots of a rule have taken from an utterance. */
import type { CommandWords, FieldWords, ProgramWords, RolloutWords } from "./FleetWords.ts"
import type { Arguments, Selection } from "./Intent.ts"

/** A number with the unit as it was said. */
export interface Quantity {
  readonly value: number
  readonly unit: string | undefined
}

/** What one noun chooses, and what else the same words may mean. */
export interface Noun {
  readonly choices: ReadonlyArray<Selection>
  /** It is said of one device: "the heater". */
  readonly isOne: boolean
}

/** The devices that were named. Each list of nouns is one way of putting the words together. */
export interface Nouns {
  readonly of: ReadonlyArray<ReadonlyArray<Noun>>
  readonly except: ReadonlyArray<ReadonlyArray<Noun>>
}

/** By slot. A slot that may mean several things has a list. */
export interface Bindings {
  readonly targets?: Nouns
  readonly except?: ReadonlyArray<ReadonlyArray<Noun>>
  /** What the devices are narrowed to by words that stand apart from them. */
  readonly narrow?: ReadonlyArray<Selection>
  readonly on?: boolean
  readonly fields?: ReadonlyArray<FieldWords>
  readonly quantity?: Quantity
  readonly word?: string
  readonly zones?: ReadonlyArray<string>
  readonly vsm?: string
  readonly from?: string
  readonly parent?: string
  readonly child?: string
  readonly programs?: ReadonlyArray<ProgramWords>
  readonly version?: string
  readonly value?: string
  readonly rollout?: string
  readonly rollouts?: ReadonlyArray<RolloutWords>
  readonly command?: CommandWords
  readonly number?: number
  readonly state?: "never" | "online" | "offline" | "silent" | "retired"
  readonly reason?: string
  /** Arguments that clauses behind the order add. */
  readonly clauses?: Arguments
  /** A clause was said twice. */
  readonly isRepeated?: boolean
}

/** The end of what a slot took, and what it took. */
export interface Taken {
  readonly end: number
  readonly bound: Bindings
}
