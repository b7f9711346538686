/**
 * Checks that bytes are one CBOR item (RFC 8949) of the link's subset: definite lengths, no tags, no `undefined`, no key
 * twice in a map, UTF-8 text, integers within ±(2^53−1), at most {@link levelsMax} levels.
 *
 * The check comes before any decoding, so that readers need not doubt a length. It neither recurses nor allocates by what
 * the bytes announce.
 */

/** Levels of arrays and maps an item may have. */
export const levelsMax = 12

/** Keys of one map that are compared pair by pair; the rest go through a set. */
const pairwiseMax = 16

// Scratch of one synchronous scan; nothing in it outlives the call.
/** Items still to come on each level; a map counts keys and values, so an even number means a key is next. */
const left = new Int32Array(levelsMax + 1)
const isMap = new Uint8Array(levelsMax + 1)
const keyCount = new Int32Array(levelsMax + 1)
const keyStart = new Int32Array((levelsMax + 1) * pairwiseMax)
const manyKeys: Array<Set<string> | undefined> = Array.from({ length: levelsMax + 1 }, () => undefined)

/** What is wrong with the bytes, or nothing when they are one well-formed item. */
export const faultOf = (bytes: Uint8Array): string | undefined => {
  const end = bytes.length
  let depth = 0
  let at = 0
  for (;;) {
    if (at === end) return "cut short"
    const start = at
    const head = bytes[at++] ?? 0
    const major = head >> 5
    const info = head & 31
    let argument = info
    if (info > 23) {
      if (info > 27) return info === 31 ? "indefinite length" : "reserved head"
      const size = 1 << (info - 24)
      if (size > end - at) return "cut short"
      argument = argumentAt(bytes, at, size)
      at += size
    }
    switch (major) {
      case 0:
        if (argument > Number.MAX_SAFE_INTEGER) return "integer beyond 2^53-1"
        break
      case 1:
        if (argument > Number.MAX_SAFE_INTEGER - 1) return "integer beyond -(2^53-1)"
        break
      case 2:
        if (argument > end - at) return "cut short"
        at += argument
        break
      case 3:
        if (argument > end - at) return "cut short"
        if (!isUtf8(bytes, at, at + argument)) return "text that is not UTF-8"
        at += argument
        break
      case 4:
      case 5:
        if (depth === levelsMax) return "nested too deep"
        if (argument * (major - 3) > end - at) return "cut short"
        break
      case 6:
        return "tag"
      default:
        if (info === 23) return "undefined"
        if (info < 20 || info === 24) return "simple value"
    }
    const isContainer = major === 4 || major === 5
    if (isMap[depth] === 1 && (left[depth] ?? 0) % 2 === 0 && depth > 0) {
      if (isContainer) return "key that is a list or a map"
      if (isKnownKey(bytes, depth, start, at)) return "key twice"
    }
    if (isContainer && argument > 0) {
      depth++
      left[depth] = argument * (major - 3)
      isMap[depth] = major - 4
      keyCount[depth] = 0
      manyKeys[depth] = undefined
      continue
    }
    while (depth > 0) {
      const rest = (left[depth] ?? 0) - 1
      left[depth] = rest
      if (rest > 0) break
      depth--
    }
    if (depth === 0) return at === end ? undefined : "bytes after the item"
  }
}

const argumentAt = (bytes: Uint8Array, at: number, size: number): number => {
  let value = bytes[at] ?? 0
  for (let index = at + 1; index < at + size; index++) value = value * 256 + (bytes[index] ?? 0)
  return value
}

/** Notes the key at `start` and tells whether its map has it already. */
const isKnownKey = (bytes: Uint8Array, depth: number, start: number, end: number): boolean => {
  const count = keyCount[depth] ?? 0
  const first = depth * pairwiseMax
  keyCount[depth] = count + 1
  if (count < pairwiseMax) {
    for (let index = first; index < first + count; index++)
      if (isSameKey(bytes, keyStart[index] ?? 0, start)) return true
    keyStart[first + count] = start
    return false
  }
  let many = manyKeys[depth]
  if (many === undefined) {
    many = new Set()
    manyKeys[depth] = many
    for (let index = first; index < first + pairwiseMax; index++) {
      const other = keyStart[index] ?? 0
      many.add(keyText(bytes, other, keyEnd(bytes, other)))
    }
  }
  const size = many.size
  many.add(keyText(bytes, start, end))
  return many.size === size
}

const isSameKey = (bytes: Uint8Array, a: number, b: number): boolean => {
  const head = bytes[a] ?? 0
  // The usual case: both arguments are in their heads, so that different heads are different keys.
  if ((head & 31) < 24 && ((bytes[b] ?? 0) & 31) < 24) {
    if (head !== bytes[b]) return false
    const length = isString(head) ? head & 31 : 0
    for (let index = 1; index <= length; index++) if (bytes[a + index] !== bytes[b + index]) return false
    return true
  }
  return keyText(bytes, a, keyEnd(bytes, a)) === keyText(bytes, b, keyEnd(bytes, b))
}

const isString = (head: number): boolean => head >> 5 === 2 || head >> 5 === 3

const argumentSize = (head: number): number => ((head & 31) < 24 ? 0 : 1 << ((head & 31) - 24))

const keyArgument = (bytes: Uint8Array, at: number): number => {
  const head = bytes[at] ?? 0
  const size = argumentSize(head)
  return size === 0 ? head & 31 : argumentAt(bytes, at + 1, size)
}

const keyEnd = (bytes: Uint8Array, at: number): number => {
  const head = bytes[at] ?? 0
  return at + 1 + argumentSize(head) + (isString(head) ? keyArgument(bytes, at) : 0)
}

/** One text for all encodings of one key. Floats count as different from integers and between widths. */
const keyText = (bytes: Uint8Array, start: number, end: number): string => {
  const head = bytes[start] ?? 0
  const major = head >> 5
  if (major < 2) return `${major} ${keyArgument(bytes, start)}`
  let text = `${isString(head) ? major : head} `
  for (let at = start + 1 + argumentSize(isString(head) ? head : 0); at < end; at++)
    text += String.fromCharCode(bytes[at] ?? 0)
  return text
}

const isUtf8 = (bytes: Uint8Array, from: number, to: number): boolean => {
  for (let at = from; at < to; ) {
    const byte = bytes[at++] ?? 0
    if (byte < 0x80) continue
    if (byte < 0xc2 || byte > 0xf4) return false
    const more = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3
    if (more > to - at) return false
    const next = bytes[at] ?? 0
    // Overlong forms, surrogates, and code points beyond U+10FFFF.
    if (byte === 0xe0 && next < 0xa0) return false
    if (byte === 0xed && next > 0x9f) return false
    if (byte === 0xf0 && next < 0x90) return false
    if (byte === 0xf4 && next > 0x8f) return false
    for (const last = at + more; at < last; at++) if (((bytes[at] ?? 0) & 0xc0) !== 0x80) return false
  }
  return true
}
