/** What a whole image must pass before it becomes a program, and how it becomes one in place of its predecessor. */

import { createHash } from "node:crypto"
import { crc32 } from "node:zlib"
import { Result } from "effect"
import { type HxeImage, headerBytes } from "../../src/protocol/hxe/Hxe.ts"
import { type HxeReceived, HxeStream } from "../../src/protocol/hxe/HxeStream.ts"
import type { Refused } from "../Refused.ts"
import { isSameBytes } from "../SameBytes.ts"
import { refusal } from "./ErrorCodes.ts"
import type { Generations } from "./Generations.ts"
import type { BeginRequest, EndRequest } from "./LoaderCalls.ts"
import type { LoaderSettings } from "./LoaderSettings.ts"
import type { ProgramHost, RegisteredProgram } from "./ProgramHost.ts"
import type { Where } from "./ProvisioningEvents.ts"
import { acceptSecurityVersion, checkSignature } from "./SignaturePolicy.ts"
import type { Transfer } from "./Transfer.ts"

/** A failed check and the part of the transfer it belongs to. */
export interface CheckFailed {
  readonly where: Where
  readonly refused: Refused
}

/** The program could not be registered. `fallBack` runs what it replaced, once the failure was told. */
export interface RegisterFailed {
  readonly refused: Refused
  readonly fallBack: () => void
}

/** The stream keeps no code and rodata; they are cut from the file. */
const imageOf = (received: HxeReceived, bytes: Uint8Array): HxeImage => {
  const codeAt = headerBytes[received.header.version]
  const rodataAt = codeAt + received.header.codeLength
  return {
    header: received.header,
    metadata: received.metadata,
    manifest: received.manifest,
    signature: received.signature,
    code: bytes.subarray(codeAt, rodataAt),
    rodata: bytes.subarray(rodataAt, rodataAt + received.header.rodataLength)
  }
}

/** The checks between end and READY. */
export class Verification {
  readonly #programs: ProgramHost
  readonly #settings: LoaderSettings
  readonly #generations: Generations

  constructor(programs: ProgramHost, settings: LoaderSettings, generations: Generations) {
    this.#programs = programs
    this.#settings = settings
    this.#generations = generations
  }

  /** Everything that needs no pid, so that a file that is no good leaves no trace. */
  beforehand(bytes: Uint8Array, begin: BeginRequest, end: EndRequest, level: number): Refused | undefined {
    const wrong = this.#checkHashes(bytes, crc32(bytes), begin, end)
    if (wrong !== undefined) return wrong
    const { imageBytesMax, strict } = this.#settings
    const stream = new HxeStream({ strict, bytesMax: imageBytesMax, totalBytes: bytes.length })
    const malformed = stream.push(bytes)
    if (malformed !== undefined) return malformed
    const received = stream.end()
    if (Result.isFailure(received)) return received.failure
    const image = imageOf(received.success, bytes)
    const { header } = image
    const replaces = begin.replace === true
    if (begin.appName !== undefined && header.appName !== begin.appName) {
      return refusal("EBADMSG", `app_name_mismatch:${header.appName ?? ""}`)
    }
    return (
      checkSignature(received.success, end.detachedSignature, this.#settings.trust, level) ??
      this.#programs.admit(undefined, header, replaces) ??
      this.#programs.checkImage(undefined, image, replaces) ??
      this.#programs.checkName(header, replaces)
    )
  }

  /** Length, hashes, container, signature, capabilities, budgets, name; the first failure counts. */
  check(transfer: Transfer, end: EndRequest): Result.Result<HxeImage, CheckFailed> {
    const { request, stream, pid, level } = transfer.start
    const at = (where: Where) => (refused: Refused) => Result.fail({ where, refused })
    const total = request.totalBytes
    if (total !== undefined && transfer.bytesWritten !== total) {
      return at("end")(refusal("EBADMSG", `length_mismatch:${transfer.bytesWritten}/${total}`))
    }
    const wrong = this.#checkHashes(transfer.bytes, transfer.fileCrc32, request, end)
    if (wrong !== undefined) return at("end")(wrong)
    const ended = stream.end()
    if (Result.isFailure(ended)) return at("verify")(ended.failure)
    const image = imageOf(ended.success, transfer.bytes)
    const replaces = request.replace === true
    const unfit =
      checkSignature(ended.success, end.detachedSignature, this.#settings.trust, level) ??
      this.#programs.checkImage(pid, image, replaces) ??
      this.#programs.checkName(image.header, replaces)
    return unfit === undefined ? Result.succeed(image) : at("verify")(unfit)
  }

  /** Makes the program. What it replaces is ended first and brought back when it cannot be made. */
  register(transfer: Transfer, image: HxeImage, end: EndRequest): Result.Result<RegisteredProgram, RegisterFailed> {
    const { pid, request, xfer } = transfer.start
    const appName = image.header.appName
    const replaces = request.replace === true && appName !== undefined ? this.#programs.instancesOf(appName) : []
    const locked = replaces.find((old) => this.#programs.isLocked(old))
    if (locked !== undefined) return Result.fail({ refused: refusal("EBUSY", `locked:${locked}`), fallBack: () => {} })
    const replaced = replaces.flatMap((old) => this.#generations.of(old) ?? [])
    const autostart = end.autostart ?? request.autostart ?? this.#settings.autostart
    const registered = this.#programs.register(pid, image, {
      source: request.source,
      label: request.label,
      bytes: transfer.bytesWritten,
      fileCrc32: transfer.fileCrc32,
      autostart: autostart && request.hold !== true,
      replaces
    })
    if (Result.isFailure(registered)) {
      return Result.fail({
        refused: registered.failure,
        fallBack: () => this.#generations.fallBack(xfer, replaced)
      })
    }
    acceptSecurityVersion(image, this.#settings.trust)
    this.#generations.add({
      pid,
      xfer,
      // The record lets go of its buffer, which is this view's alone from then on.
      bytes: transfer.bytes,
      image,
      source: request.source,
      label: request.label,
      fileCrc32: transfer.fileCrc32,
      autostart
    })
    return Result.succeed(registered.success)
  }

  #checkHashes(bytes: Uint8Array, fileCrc32: number, begin: BeginRequest, end: EndRequest): Refused | undefined {
    const expected = end.fileCrc32 ?? begin.fileCrc32
    if (expected !== undefined && expected !== fileCrc32) return refusal("EBADMSG", "file_crc32")
    if (end.sha256 === undefined) return undefined
    return isSameBytes(createHash("sha256").update(bytes).digest(), end.sha256)
      ? undefined
      : refusal("EBADMSG", "sha256")
  }
}
