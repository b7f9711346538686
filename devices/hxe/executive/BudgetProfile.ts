/** How much a board gives to programs, by kind of board. Sizes in bytes. */

/** The limits of one kind of board. */
export interface BudgetProfile {
  /** Code of one program if `isShared` is false, else of all together. */
  readonly codeBytes: number
  /** Rodata and bss, likewise. */
  readonly dataBytes: number
  /** Of a task whose manifest names none. */
  readonly stackBytesDefault: number
  /** All stacks together; none where only the address plan limits them. */
  readonly stackBytes: number | undefined
  /** Whether code and data come out of one memory; else every task has its own. */
  readonly isShared: boolean
  readonly tasks: number
  readonly values: number
  readonly commands: number
  /** Names, units, groups and help texts of all values and commands, each with its end. */
  readonly stringBytes: number
  readonly mailboxes: number
  /** Open mailboxes of one task, and mailboxes one task may make. */
  readonly handles: number
  /** Copies a tap gets within a second; none for no limit. */
  readonly tapRate: number | undefined
}

/** The first stack ends here; rodata begins at 0x4000, so this is all that lies between. */
const desktopDataBytes = 0xeffc - 0x4000

/** The profiles by name. */
export const budgetProfiles = {
  desktop: {
    codeBytes: 0x1_0000,
    dataBytes: desktopDataBytes,
    stackBytesDefault: 0x1000,
    stackBytes: undefined,
    isShared: false,
    tasks: 11,
    values: 256,
    commands: 256,
    stringBytes: 4096,
    mailboxes: 256,
    handles: 64,
    tapRate: undefined
  },
  "cortex-m4": {
    codeBytes: 32 * 1024,
    dataBytes: 12 * 1024,
    stackBytesDefault: 1024,
    stackBytes: 4 * 1024,
    isShared: true,
    tasks: 4,
    values: 64,
    commands: 32,
    stringBytes: 2048,
    mailboxes: 32,
    handles: 8,
    tapRate: 20
  },
  small: {
    codeBytes: 8 * 1024,
    dataBytes: 2 * 1024,
    stackBytesDefault: 1024,
    stackBytes: 2 * 1024,
    isShared: true,
    tasks: 2,
    values: 64,
    commands: 16,
    stringBytes: 2048,
    mailboxes: 16,
    handles: 8,
    tapRate: 20
  }
} as const satisfies Readonly<Record<string, BudgetProfile>>

/** Name of a profile. */
export type BudgetProfileName = keyof typeof budgetProfiles
