/** What a list has got since it was last seen, when it only grows at its end and forgets at its beginning. */

const isSame = <A>(left: A, right: A): boolean => JSON.stringify(left) === JSON.stringify(right)

/** The entries of `after` that were not yet in `before`. */
export const added = <A>(before: ReadonlyArray<A>, after: ReadonlyArray<A>): ReadonlyArray<A> => {
  for (let known = Math.min(before.length, after.length); known > 0; known--) {
    const kept = before.slice(-known)
    if (kept.every((entry, index) => isSame(entry, after[index]))) return after.slice(known)
  }
  return after
}
