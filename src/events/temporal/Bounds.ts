/** How much a pattern keeps at most. What is beyond is given up, oldest first, and counted. */

/** Keys of one pattern. */
export const keysMax = 100_000
/** Beginnings, or events that wait for others, of one key. */
export const partialsMax = 1000
/** All of one pattern, bytes, as far as they can be told without measuring: 256 MiB. */
export const bytesMax = 268_435_456

/** What things take in memory, about, bytes. */
export const sizes = {
  /** A key with nothing in it. */
  key: 500,
  /** A sequence that has begun, or an event that something waits for. */
  partial: 400,
  /** A few numbers with their object. */
  numbers: 100,
  /** A sketch of a distribution. */
  sketch: 2000,
  /** A value in a set. */
  value: 60
} as const
