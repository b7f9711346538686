/** Fields without the absent ones. */

/** The same fields, each either there with a value or not there. */
export type Defined<A> = { readonly [K in keyof A]?: Exclude<A[K], undefined> }

/** Leaves out every field that is undefined: an absent figure has no key. */
export const defined = <A extends object>(fields: A): Defined<A> => {
  const kept: Defined<A> = { ...fields }
  for (const key in fields) if (fields[key] === undefined) delete kept[key]
  return kept
}
