/** How much a pattern keeps at most. What is beyond is given up, oldest first, and counted. */

/** Keys of one pattern. */
export const keysMax = 100_000
/** Beginnings, or events that wait for others, of one key. */
export const partialsMax = 1000
/** The same of all keys together. */
export const weightMax = 250_000
