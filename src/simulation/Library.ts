/** The images of a run: bytes drawn from the seed, read by the effects of actors as from the store of a node. */
import { createHash } from "node:crypto"
import { Effect } from "effect"
import type { EffectOrder } from "../actors/Behaviour.ts"
import { ImageMissing, type ImageReads, ImageSource } from "../actors/ImageSource.ts"
import type { Registry } from "../actors/Registry.ts"
import { between, type Random } from "./Random.ts"

/** An image of the run. */
export interface SimulatedImage {
  readonly sha256: string
  readonly name: string
  readonly bytes: Uint8Array
  /** A board that tries it goes back. */
  readonly isBad: boolean
}

/** Bytes from some chunks on: every transfer has several windows, the last of them not full. */
const sizes: readonly [number, number] = [9000, 40_000]
const names = ["lamp", "pump", "bad-valve", "valve"]

/** What a run may bring to its boards. */
export class Library {
  readonly images: ReadonlyArray<SimulatedImage>
  readonly #bySha256: ReadonlyMap<string, SimulatedImage>
  readonly #reads: ImageReads

  constructor(random: Random) {
    this.images = names.map((name) => imageOf(name, random))
    this.#bySha256 = new Map(this.images.map((image) => [image.sha256, image]))
    this.#reads = {
      describe: (sha256) => Effect.sync(() => this.#recordOf(sha256)),
      chunk: (sha256, offset, length) => {
        const image = this.#bySha256.get(sha256)
        return image === undefined
          ? Effect.fail(new ImageMissing({ sha256 }))
          : Effect.succeed(image.bytes.subarray(offset, offset + length))
      },
      use: () => Effect.void,
      release: () => Effect.void
    }
  }

  /** The image of that hash. */
  find(sha256: string): SimulatedImage | undefined {
    return this.#bySha256.get(sha256)
  }

  /** What an actor's effect answers. The store of a run never fails, so nothing of it has to wait. */
  perform(registry: Registry, kind: string, { name, input }: EffectOrder): unknown {
    const run = registry.get(kind)?.behaviour.reactions.effects?.[name]
    return run === undefined ? undefined : Effect.runSync(Effect.provideService(run(input), ImageSource, this.#reads))
  }

  #recordOf(sha256: string) {
    const image = this.#bySha256.get(sha256)
    if (image === undefined) return undefined
    const { name, bytes } = image
    return {
      sha256,
      name,
      kind: "hxe" as const,
      version: "1.0.0",
      size: bytes.length,
      secver: 0,
      manifest: new Uint8Array(0),
      isSigned: false
    }
  }
}

const imageOf = (name: string, random: Random): SimulatedImage => {
  const bytes = new Uint8Array(Math.floor(between(random, ...sizes)))
  // A few words drawn, the rest counted up from them: enough for two images, or two places of one, never to be equal.
  const start = Math.floor(random() * 0x1_0000_0000)
  const words = new DataView(bytes.buffer)
  for (let at = 0; at + 4 <= bytes.length; at += 4) words.setUint32(at, (start + Math.imul(at, 2_654_435_761)) >>> 0)
  return { sha256: createHash("sha256").update(bytes).digest("hex"), name, bytes, isBad: name.startsWith("bad") }
}
