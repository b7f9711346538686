/** The byte that says of what kind an image is where it rests. A store treats all of them as bytes. */
import { imageKinds } from "../../src/protocol/image/ImageKind.ts"

/**
 * HXE is what blank says: 0 in the table of a configuration, 0xFF in the header of a slot, so that stores which know no other
 * kind read and write the same bytes.
 */
export const kindByte = (kind: number, blank: number): number => (kind === imageKinds.hxe ? blank : kind + 1)

/** The kind of such a byte. */
export const kindOf = (byte: number, blank: number): number => (byte === blank ? imageKinds.hxe : byte - 1)
