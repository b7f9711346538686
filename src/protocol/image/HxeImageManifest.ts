/** The manifest that follows from an HXE image itself, for whoever pushes one without writing a manifest. */
import { createHash } from "node:crypto"
import { Result } from "effect"
import { codes } from "../Codes.ts"
import type { HxeFacts } from "../hxe/Hxe.ts"
import { readHxe } from "../hxe/HxeReader.ts"
import type { ImageRefused } from "./ImageRefused.ts"
import { encodeManifest, type Manifest } from "./Manifest.ts"

/** What the image does not say, or what somebody knows better. */
interface ManifestOptions {
  /** For an image without a name in its header; one that differs from the header's is refused. */
  readonly name?: string | undefined
  /** Default: that of the image's own manifest, else 0.0.0. */
  readonly version?: string | undefined
  /** Default: that of the image's own signature, else 0. */
  readonly secver?: number | undefined
  readonly about?: Readonly<Record<string, string>> | undefined
  /** Ms since 1970. */
  readonly created?: number | undefined
}

/** An image by its address and size. */
export interface ImageIdentity {
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string
  readonly size: number
}

/** The address of bytes: their SHA-256 as 64 hexadecimal digits. */
export const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

const versionDefault = "0.0.0"

const nameOf = ({ header }: HxeFacts, given: string | undefined): Result.Result<string, ImageRefused> => {
  const { appName } = header
  if (appName === undefined)
    return given === undefined
      ? Result.fail({ code: codes.EINVAL, detail: "the image has no name of its own; give it one" })
      : Result.succeed(given)
  return given === undefined || given === appName
    ? Result.succeed(appName)
    : Result.fail({ code: codes.EINVAL, detail: `the image is named ${appName} by its header, not ${given}` })
}

const requiresOf = ({ header, manifest }: HxeFacts): NonNullable<Manifest["requires"]> => {
  const { stackSizeBytes: stack, heapSizeBytes: heap, requiredCaps = 0 } = manifest ?? {}
  const hxeCaps = (header.requiredCaps | requiredCaps) >>> 0
  return {
    ...(stack !== undefined && { stack }),
    ...(heap !== undefined && { heap }),
    ...(hxeCaps !== 0 && { hxeCaps })
  }
}

/** The manifest of an image that was read. Fails with `EINVAL` when it has no name, or `options` name it otherwise. */
export const manifestOfFacts = (
  facts: HxeFacts,
  { sha256, size }: ImageIdentity,
  options: ManifestOptions = {}
): Result.Result<Manifest, ImageRefused> => {
  const { created, about } = options
  const { manifest: own, signature, header } = facts
  const requires = requiresOf(facts)
  const made = Result.map(
    nameOf(facts, options.name),
    (name): Manifest => ({
      v: 1,
      kind: "hxe",
      sha256,
      size,
      name,
      version: options.version ?? own?.version ?? versionDefault,
      secver: options.secver ?? signature?.securityVersion ?? 0,
      ...(Object.keys(requires).length > 0 && { requires }),
      start: { multiple: header.allowsMultiple },
      ...(own?.defaults !== undefined && { values: own.defaults }),
      ...(about !== undefined && { about }),
      ...(created !== undefined && { created })
    })
  )
  // A version or a name may come from people: what cannot be written is refused here.
  return Result.flatMap(made, (manifest) => Result.map(encodeManifest(manifest), () => manifest))
}

/** The manifest of an HXE image, read strictly. */
export const manifestOfHxe = (
  bytes: Uint8Array,
  options: ManifestOptions = {}
): Result.Result<Manifest, ImageRefused> =>
  Result.flatMap(readHxe(bytes), (image) =>
    manifestOfFacts(image, { sha256: sha256Of(bytes), size: bytes.length }, options)
  )
