/**
 * The images of a simulated board: taken in by the intake of real boards, installed by a small model. What is installed is on
 * trial for a moment; an image that is bad fails it, and the one before runs again.
 */
import type { Clock } from "../../devices/agent/Clock.ts"
import type { ImageState, Programs, ProgramVoice } from "../../devices/agent/Programs.ts"
import { ImageIntake, type ImageSink, transferStates } from "../../devices/programs/ImageIntake.ts"
import { codes } from "../protocol/Codes.ts"
import { type ImageOp, imageOps, imageStates } from "../protocol/frame/ImageFrames.ts"
import type { ProgramEntry } from "../protocol/frame/ProgramFrames.ts"
import { imageKinds } from "../protocol/image/ImageKind.ts"
import { programStates } from "../protocol/Program.ts"

/** An image as the board keeps it without power. */
export interface KeptImage {
  readonly sha256: Uint8Array
  readonly bytes: Uint8Array
  readonly isOnTrial: boolean
}

/** What a board keeps without power. */
export interface ImageFlash {
  current: KeptImage | undefined
  before: KeptImage | undefined
}

/** What an outsider sees of it. */
export interface ImageWitness {
  /** What its manifest says of an image, and whether it fails its trial. */
  readonly describe: (sha256: Uint8Array) => { readonly name: string; readonly isBad: boolean }
  readonly installed: (image: KeptImage) => void
  readonly proven: (image: KeptImage) => void
  readonly wentBack: (from: KeptImage, to: KeptImage | undefined) => void
}

/** What the images of one boot need. */
export interface BoardImagesOptions {
  readonly clock: Clock
  readonly voice: ProgramVoice
  readonly flash: ImageFlash
  readonly witness: ImageWitness
}

const trialMillis = 1500
const chunkBytesMax = 4096
const windowMax = 4

const numberOf = (name: (typeof imageStates)[number]): number => imageStates.indexOf(name)
const standsAt = (name: (typeof programStates)[number]): number => programStates.indexOf(name)

const nothing: ImageSink = { push: () => undefined }
const notHere = { code: codes.ESRCH, detail: "no program of that name" }

/** The programs of one boot. */
export class BoardImages implements Programs {
  readonly kinds = [imageKinds.hxe]
  readonly #options: BoardImagesOptions
  readonly #intake: ImageIntake<ImageSink>
  /** Number of the transfer that brought what runs; 0 after a restart. */
  #xfer = 0
  /** Where the image installed last stands; absent before there is one. */
  #last: ImageState | undefined
  #cancelTrial: (() => void) | undefined

  constructor(options: BoardImagesOptions) {
    const { clock, voice } = options
    this.#options = options
    this.#intake = new ImageIntake({
      clock,
      chunkBytesMax,
      windowMax,
      admit: () => (this.#isOnTrial ? { code: codes.EBUSY, detail: "trial" } : nothing),
      acknowledge: voice.acknowledge,
      failed: (xfer, refused) => this.#tell({ xfer, state: numberOf("failed"), ...refused })
    })
  }

  /** Whether the board holds a transfer that it has neither installed nor forgotten. */
  get isHolding(): boolean {
    const state = this.#intake.transfer?.state
    return state === transferStates.loading || state === transferStates.verify || state === transferStates.ready
  }

  start(): void {
    const { current } = this.#options.flash
    if (current === undefined) return
    this.#last = { xfer: 0, state: numberOf(current.isOnTrial ? "trial" : "confirmed"), sha256: current.sha256 }
    if (current.isOnTrial) this.#try()
  }

  stop(): void {
    this.#cancelTrial?.()
    this.#intake.stop()
  }

  readonly offer: Programs["offer"] = (frame) => this.#intake.offer(frame)
  readonly chunk: Programs["chunk"] = (frame) => this.#intake.chunk(frame)

  operate({ op, xfer = 0 }: ImageOp): ImageState {
    switch (op) {
      case imageOps.verify:
        return this.#stateOf(xfer, this.#intake.verify(xfer, () => undefined)?.code)
      case imageOps.commit:
        return this.#commit(xfer)
      case imageOps.rollback:
        return this.#goBack(codes.ok)
      case imageOps.abort: {
        const code = this.#intake.abort(xfer)
        return this.#stateOf(xfer, code === codes.ok ? undefined : code)
      }
      case imageOps.status:
        return this.#last?.xfer === xfer ? this.#last : this.#stateOf(xfer, undefined)
      default:
        return { xfer, state: 0, code: codes.EINVAL }
    }
  }

  readonly control: Programs["control"] = () => notHere
  readonly getValues: Programs["getValues"] = () => notHere
  readonly setValue: Programs["setValue"] = () => notHere
  readonly watchValue: Programs["watchValue"] = () => notHere
  readonly sendMail: Programs["sendMail"] = () => notHere
  readonly tapMail: Programs["tapMail"] = () => notHere
  readonly execute: Programs["execute"] = (_command, execution) => {
    execution.finish(notHere)
    return undefined
  }

  imageStates(): ReadonlyArray<ImageState> {
    const transfer = this.#intake.transfer
    const isArriving = transfer !== undefined && transfer.offer.xfer !== this.#last?.xfer
    const states = [
      ...(this.#last === undefined ? [] : [this.#last]),
      ...(isArriving ? [this.#stateOf(transfer.offer.xfer, undefined)] : [])
    ]
    return states.length === 0 ? [{ xfer: 0, state: 0 }] : states
  }

  programStatus() {
    const { current } = this.#options.flash
    const running = current === undefined ? [] : [this.#entry(current, "running")]
    return { type: "program-status" as const, programs: running, all: true }
  }

  get #isOnTrial(): boolean {
    return this.#options.flash.current?.isOnTrial === true
  }

  #stateOf(xfer: number, code: number | undefined): ImageState {
    const transfer = this.#intake.known(xfer)
    const refused = code ?? transfer?.refused?.code
    return {
      xfer,
      state: transfer?.state ?? 0,
      ...(transfer !== undefined && { sha256: transfer.offer.sha256 }),
      ...(refused !== undefined && { code: refused })
    }
  }

  #commit(xfer: number): ImageState {
    const staged = this.#intake.image(xfer)
    const offer = this.#intake.known(xfer)?.offer
    if (staged === undefined || offer === undefined)
      return this.#last?.xfer === xfer
        ? this.#last
        : this.#stateOf(xfer, offer === undefined ? codes.ESRCH : codes.EBUSY)
    const { flash, witness } = this.#options
    flash.before = flash.current
    flash.current = { sha256: offer.sha256, bytes: staged.bytes, isOnTrial: true }
    witness.installed(flash.current)
    this.#xfer = xfer
    this.#intake.settle(xfer, numberOf("trial"))
    this.#last = { xfer, state: numberOf("trial"), sha256: offer.sha256 }
    this.#tellPrograms()
    this.#try()
    return this.#last
  }

  /** Lets the image on trial prove itself, or fail. */
  #try(): void {
    const { clock, flash, witness } = this.#options
    this.#cancelTrial = clock.schedule(trialMillis, () => {
      const { current } = flash
      if (current === undefined) return
      if (witness.describe(current.sha256).isBad) return void this.#tell(this.#goBack(codes.Trap))
      flash.current = { ...current, isOnTrial: false }
      witness.proven(flash.current)
      this.#settled("confirmed", current)
      this.#tell(this.#last)
    })
  }

  /** What was before runs again. */
  #goBack(code: number): ImageState {
    const { flash, witness } = this.#options
    const { current, before } = flash
    if (current === undefined || (before === undefined && !current.isOnTrial))
      return { xfer: 0, state: 0, code: codes.ENOENT, detail: "there is nothing before it" }
    this.#cancelTrial?.()
    flash.current = before
    flash.before = undefined
    witness.wentBack(current, before)
    this.#tellPrograms(this.#entry(current, "rolled-back", code))
    this.#settled("rolled-back", current, code)
    return this.#last ?? { xfer: 0, state: 0 }
  }

  #settled(state: "confirmed" | "rolled-back", { sha256 }: KeptImage, code: number = codes.ok): void {
    const xfer = this.#xfer
    this.#last = { xfer, state: numberOf(state), sha256, ...(code === codes.ok ? {} : { code }) }
    if (xfer > 0) this.#intake.settle(xfer, numberOf(state))
  }

  #entry({ sha256 }: KeptImage, state: (typeof programStates)[number], code: number = codes.ok): ProgramEntry {
    return {
      name: this.#options.witness.describe(sha256).name,
      state: standsAt(state),
      kind: imageKinds.hxe,
      sha256,
      version: "1.0.0",
      ...(code === codes.ok ? {} : { code })
    }
  }

  /** All programs, and one that is gone by now. */
  #tellPrograms(gone?: ProgramEntry): void {
    const { programs, ...status } = this.programStatus()
    const others = gone === undefined ? [] : [gone]
    this.#options.voice.letter({ ...status, programs: [...others, ...programs] })
  }

  #tell(state: ImageState | undefined): void {
    if (state !== undefined) this.#options.voice.letter({ type: "image-status", ...state })
  }
}
