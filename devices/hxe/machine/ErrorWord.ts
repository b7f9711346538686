/** The words a program finds in R0, or leaves as its exit status, when the machine refuses to go on. */

/** Error words by name. The first five are what a program sees in R0; the last three stand only in its exit status. */
export const errorWords = {
  /** A supervisor call that no service knows. The program goes on. */
  unknownCall: 0xffffff01,
  stackUnderflow: 0xffffff02,
  stackOverflow: 0xffffff03,
  memoryFault: 0xffffff04,
  divisionByZero: 0xffffff05,
  illegalOpcode: 0xffffff06,
  /** The program counter, or the second word of a long load, lies outside the code. */
  programCounterRange: 0xffffff07,
  /** A command handler used up its instructions. */
  budgetSpent: 0xffffff08
} as const

/** Why a program faulted. */
export type FaultReason = Exclude<keyof typeof errorWords, "unknownCall" | "budgetSpent">
