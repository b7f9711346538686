/** An image on its way in: cut into pieces, hashed, and checked as its kind wants. */
import { createHash } from "node:crypto"
import { Result } from "effect"
import { codes } from "../../protocol/Codes.ts"
import type { HxeFacts } from "../../protocol/hxe/Hxe.ts"
import { readHxe } from "../../protocol/hxe/HxeReader.ts"
import { signedDigestOf } from "../../protocol/hxe/SignedDigest.ts"
import type { ImageIdentity } from "../../protocol/image/HxeImageManifest.ts"
import type { ImageKind } from "../../protocol/image/ImageKind.ts"
import type { ImageRefused } from "../../protocol/image/ImageRefused.ts"

/** Bytes of a stored piece. */
export const pieceBytes = 65_536

/** The largest HXE image: 64 KiB of code and of rodata each, and room for all that sections may say. */
const hxeBytesMax = 1_048_576

const hxeMagic = Buffer.from("HSXE")
/** Magic and version 1 (WebAssembly core specification, section 5.5.16). */
const wasmMagic = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])

/** What an image that came whole turned out to be. */
export interface Taken extends ImageIdentity {
  readonly kind: ImageKind
  /** For HXE. */
  readonly facts: HxeFacts | undefined
  /** What the signature inside an HXE image covers; absent without one. */
  readonly signedDigest?: Uint8Array
}

const refuse = (code: number, detail: string): Result.Result<never, ImageRefused> => Result.fail({ code, detail })

const readWhole = (bytes: Uint8Array): Result.Result<Pick<Taken, "facts" | "signedDigest">, ImageRefused> =>
  Result.map(readHxe(bytes), (facts) => ({
    facts,
    ...(facts.signature !== undefined && { signedDigest: signedDigestOf(bytes, facts.signature) })
  }))

/** One intake. Pieces come out of {@link push} as they fill up, and the last one out of {@link rest}. */
export class ImageIntake {
  /** Bytes so far. */
  size = 0
  readonly #hash = createHash("sha256")
  readonly #declared: ImageKind | undefined
  readonly #piece = new Uint8Array(pieceBytes)
  #filled = 0
  /** The first bytes say the kind; of an HXE image all are kept, because its checksum stands in front of what it covers. */
  #kept: Array<Uint8Array> = []
  #first = Buffer.alloc(0)
  readonly #text = new TextDecoder("utf-8", { fatal: true })
  #textFault = false

  constructor(declared: ImageKind | undefined) {
    this.#declared = declared
  }

  /** Takes bytes in; gives the pieces that are full now. */
  push(bytes: Uint8Array): Array<Uint8Array> {
    this.size += bytes.length
    this.#hash.update(bytes)
    if (this.#first.length < wasmMagic.length)
      this.#first = Buffer.concat([this.#first, bytes.subarray(0, wasmMagic.length - this.#first.length)])
    if (this.size <= hxeBytesMax && this.#mayBeHxe()) this.#kept.push(bytes.slice())
    else this.#kept = []
    if (this.#declared === "scheme") this.#checkText(bytes)
    return this.#cut(bytes)
  }

  #mayBeHxe(): boolean {
    return this.#declared === "hxe" || hxeMagic.subarray(0, this.#first.length).equals(this.#first.subarray(0, 4))
  }

  #checkText(bytes: Uint8Array | undefined): void {
    if (this.#textFault) return
    try {
      if (bytes === undefined) this.#text.decode()
      else this.#text.decode(bytes, { stream: true })
    } catch {
      this.#textFault = true
    }
  }

  #cut(bytes: Uint8Array): Array<Uint8Array> {
    const pieces: Array<Uint8Array> = []
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + pieceBytes - this.#filled)
      this.#piece.set(part, this.#filled)
      this.#filled += part.length
      at += part.length
      if (this.#filled < pieceBytes) break
      pieces.push(this.#piece.slice())
      this.#filled = 0
    }
    return pieces
  }

  /** What does not fill a piece; nothing when the last one was full. */
  rest(): Uint8Array | undefined {
    return this.#filled === 0 ? undefined : this.#piece.slice(0, this.#filled)
  }

  /** The image, or why it is none. Once, after the last byte. */
  end(): Result.Result<Taken, ImageRefused> {
    const kind = this.#declared ?? this.#kindBySight()
    if (this.size === 0) return refuse(codes.EINVAL, "it is empty")
    if (kind === undefined) return refuse(codes.EINVAL, "its bytes do not say what kind of image it is; name the kind")
    const identity = { sha256: this.#hash.digest("hex"), size: this.size, kind }
    switch (kind) {
      case "hxe":
        if (this.size > hxeBytesMax)
          return refuse(codes.EMSGSIZE, `an HXE image of ${this.size} bytes, the limit is ${hxeBytesMax}`)
        return Result.map(readWhole(Buffer.concat(this.#kept)), (found) => ({ ...identity, ...found }))
      case "wasm":
      case "policy":
        if (!this.#first.equals(wasmMagic)) return refuse(codes.EBADMSG, "it is no WebAssembly module of version 1")
        break
      case "scheme":
        this.#checkText(undefined)
        if (this.#textFault) return refuse(codes.EBADMSG, "it is no text in UTF-8")
    }
    return Result.succeed({ ...identity, facts: undefined })
  }

  #kindBySight(): ImageKind | undefined {
    if (this.#first.subarray(0, 4).equals(hxeMagic)) return "hxe"
    return this.#first.equals(wasmMagic) ? "wasm" : undefined
  }
}
