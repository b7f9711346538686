/** Kinds of images and the byte that says so where images rest. A store treats all of them as bytes. */

/** Numbers of the kinds, as in image manifests. */
export const imageKinds = { firmware: 0, hxe: 1, wasm: 2, scheme: 3, policy: 4 } as const

/**
 * HXE is what blank says: 0 in the table of a configuration, 0xFF in the header of a slot, so that stores which know no other
 * kind read and write the same bytes.
 */
export const kindByte = (kind: number, blank: number): number => (kind === imageKinds.hxe ? blank : kind + 1)

/** The kind of such a byte. */
export const kindOf = (byte: number, blank: number): number => (byte === blank ? imageKinds.hxe : byte - 1)
