/** What an image is for. */
import { Schema } from "effect"

/** Numbers of the kinds, as manifests and offers carry them: they are for ever. */
export const imageKinds = { firmware: 0, hxe: 1, wasm: 2, scheme: 3, policy: 4 } as const

/** `policy` is a policy module in WASM; the others are named for what runs them. */
export const ImageKind = Schema.Literals(["firmware", "hxe", "wasm", "scheme", "policy"])
/** See the schema. */
export type ImageKind = typeof ImageKind.Type

const byNumber: ReadonlyMap<number, ImageKind> = new Map(ImageKind.literals.map((kind) => [imageKinds[kind], kind]))

/** The kind of that number, if there is one. */
export const imageKindOf = (number: number): ImageKind | undefined => byNumber.get(number)

/** The bit of a kind, for masks such as the kinds a key may sign. */
export const imageKindBit = (kind: ImageKind): number => 1 << imageKinds[kind]
