/** One value: how it was declared and what it holds. */

/** How a value is declared, by an image or by a call. Numbers named `…Bits` are halves. */
export interface ValueDeclaration {
  readonly groupId: number
  readonly valueId: number
  /** Bits of `valueFlags`. */
  readonly flags: number
  readonly authLevel: number
  readonly initBits: number
  readonly epsilonBits: number
  /** With both bounds 0 there is no range. */
  readonly minimumBits: number
  readonly maximumBits: number
  /** Least time between two changes; 0 for any. */
  readonly rateMillis: number
  /** 0 for none. */
  readonly persistKey: number
  /** How long changes are gathered before one is saved. */
  readonly debounceMillis: number
  readonly name: string | undefined
  readonly unit: string | undefined
  readonly groupName: string | undefined
}

/** A value with nothing but its number: what a call without a description registers. */
export const bareDeclaration = (groupId: number, valueId: number, flags: number): ValueDeclaration => ({
  groupId,
  valueId,
  flags,
  authLevel: 0,
  initBits: 0,
  epsilonBits: 0,
  minimumBits: 0,
  maximumBits: 0,
  rateMillis: 0,
  persistKey: 0,
  debounceMillis: 0,
  name: undefined,
  unit: undefined,
  groupName: undefined
})

/** A task's mailbox that hears of changes. */
export interface Subscriber {
  readonly pid: number
  readonly handle: number
}

/** What is kept of a value over a restart, and when. */
export interface Persistence {
  /** 0 when it is not kept: no key, or a second instance of its program. */
  readonly key: number
  readonly debounceMillis: number
  /** Whether changes are saved, not only loaded. */
  isSaved: boolean
  /** When the last change is due to be saved. */
  due: number | undefined
}

/** A registered value. */
export interface ValueRecord {
  readonly oid: number
  readonly owner: number
  readonly declaration: ValueDeclaration
  flags: number
  bits: number
  /** When it last changed; none before its first change. */
  changedAt: number | undefined
  subscribers: ReadonlyArray<Subscriber>
  readonly persistence: Persistence
  readonly stringBytes: number
}
