/** Chance from a seed: the same seed and stream give the same numbers on every machine. */

/** Mixes a text into 32 bits (MurmurHash3's finalizer over FNV-1a). */
export const hashOf = (text: string, seed = 0): number => {
  let hash = 2166136261 ^ seed
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 16777619)
  hash = Math.imul(hash ^ (hash >>> 16), 2246822507)
  hash = Math.imul(hash ^ (hash >>> 13), 3266489909)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Uniform in [0, 1). */
export type Random = () => number

/**
 * The generator of one stream of a seed (sfc32). Parts of a simulation draw from streams of their own, so that one part
 * that draws more leaves the others' luck as it was: the schedule of faults is the same whatever the code under test does.
 */
export const randomOf = (seed: number, stream: string): Random => {
  let a = hashOf(stream, seed)
  let b = hashOf(stream, seed ^ 0x9e3779b9)
  let c = seed | 0
  let counter = 1
  const next = () => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return (sum >>> 0) / 4294967296
  }
  // The first outputs of neighbouring seeds resemble each other.
  for (let round = 0; round < 12; round++) next()
  return next
}

/** An element, each equally likely; undefined for none. */
export const pick = <A>(random: Random, from: ReadonlyArray<A>): A | undefined =>
  from[Math.floor(random() * from.length)]

/** Uniform in [least, most). */
export const between = (random: Random, least: number, most: number): number => least + random() * (most - least)
