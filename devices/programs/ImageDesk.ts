/** The images of a board on its link: offers judged, chunks taken in, orders about an image carried out. */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import { type ImageOffer, type ImageOp, imageOps } from "../../src/protocol/frame/ImageFrames.ts"
import type { ImageKind } from "../../src/protocol/image/ImageKind.ts"
import type { Clock } from "../agent/Clock.ts"
import type { Held, ImageState } from "../agent/Programs.ts"
import type { Refused } from "../Refused.ts"
import { type Admitted, type ImageRules, judgeOffer } from "./ImageChecks.ts"
import { ImageIntake, type ImageSink, transferStates } from "./ImageIntake.ts"
import { type Installations, installedStates } from "./Installations.ts"
import type { Image } from "./Program.ts"
import type { Placement, ProgramSet } from "./ProgramSet.ts"
import type { Runtime, Wanted } from "./Runtime.ts"
import type { Shelf } from "./Shelf.ts"

/** How a board takes images. */
export interface ImageDeskOptions {
  readonly clock: Clock
  readonly rules: ImageRules
  readonly chunkBytesMax: number
  readonly windowMax: number
  readonly shelf: Shelf
  readonly programs: ProgramSet
  readonly installations: Installations
  readonly runtimeOf: (kind: ImageKind) => Runtime | undefined
  readonly acknowledge: (held: Held) => void
  /** An offer was refused for good; the acknowledgement has room for the code alone. */
  readonly declined: (xfer: number, refused: Refused) => void
  /** An image stands elsewhere, unasked. */
  readonly tell: (state: ImageState) => void
}

/** What looks at an image on its way, and what was known of it before. */
interface Arriving extends ImageSink, Admitted {}

/** The images of one boot. */
export class ImageDesk {
  readonly #options: ImageDeskOptions
  readonly #installations: Installations
  readonly #intake: ImageIntake<Arriving>

  constructor(options: ImageDeskOptions) {
    const { clock, chunkBytesMax, windowMax, acknowledge, tell } = options
    this.#options = options
    this.#installations = options.installations
    this.#intake = new ImageIntake<Arriving>({
      clock,
      chunkBytesMax,
      windowMax,
      admit: (offer) => this.#admit(offer),
      acknowledge,
      failed: (xfer, refused) => tell({ xfer, state: installedStates.failed, ...refused })
    })
  }

  /** Offers and chunks go here. */
  get intake(): ImageIntake<Arriving> {
    return this.#intake
  }

  /** Carries out an order about an image. */
  operate({ op, xfer = 0, generation = 0 }: ImageOp): ImageState {
    switch (op) {
      case imageOps.verify:
        return this.#verify(xfer)
      case imageOps.commit:
        return this.#commit(xfer)
      case imageOps.confirm:
        return this.settled(this.#installations.confirm())
      case imageOps.rollback:
        return this.settled(this.#installations.rollback(generation))
      case imageOps.abort: {
        const code = this.#intake.abort(xfer)
        return { xfer, state: this.#intake.known(xfer)?.state ?? 0, ...(code === codes.ok ? {} : { code }) }
      }
      case imageOps.status:
        return this.#status(xfer)
      case imageOps.slots:
        return this.#slots()
      default:
        return { xfer, state: 0, code: codes.EINVAL }
    }
  }

  /** Where the image installed last and the one under way stand. */
  states(): ReadonlyArray<ImageState> {
    const installed = this.#installations.standing
    const transfer = this.#intake.transfer
    const isArriving = transfer !== undefined && transfer.offer.xfer !== installed?.xfer
    const states = [...(installed === undefined ? [] : [installed]), ...(isArriving ? [this.#stateOfTransfer()] : [])]
    return states.length === 0 ? [{ xfer: 0, state: 0 }] : states
  }

  /** The transfer, if it is this image's, stands where the image does. */
  settled(state: ImageState): ImageState {
    const { xfer = 0, code, detail } = state
    if (xfer > 0 && state.state > installedStates.ready) {
      this.#intake.settle(xfer, state.state, code === undefined || detail === undefined ? undefined : { code, detail })
    }
    return state
  }

  #admit(offer: ImageOffer): Arriving | Refused {
    const admitted = this.#judge(offer)
    if ("code" in admitted && admitted.code !== codes.EBUSY) this.#options.declined(offer.xfer, admitted)
    return admitted
  }

  #judge(offer: ImageOffer): Arriving | Refused {
    if (this.#installations.isOnTrial) return { code: codes.EBUSY, detail: "trial" }
    const judged = judgeOffer(offer, this.#options.rules)
    if (Result.isFailure(judged)) return judged.failure
    const { manifest } = judged.success
    const placement = this.#options.programs.placeOf(offer, manifest)
    if ("code" in placement) return placement
    const sink = this.#options.runtimeOf(manifest.kind)?.admit({ manifest, ...wantedOf(placement) })
    if (sink === undefined || "code" in sink) return sink ?? { code: codes.ENOTSUP, detail: `kind:${manifest.kind}` }
    return { ...judged.success, push: (bytes) => sink.push(bytes), release: () => sink.release?.() }
  }

  #verify(xfer: number): ImageState {
    this.#intake.verify(xfer, (arriving, bytes) => {
      const offer = this.#intake.known(xfer)?.offer
      const placement =
        offer === undefined
          ? { code: codes.ESRCH, detail: `xfer:${xfer}` }
          : this.#options.programs.placeOf(offer, arriving.manifest)
      if ("code" in placement) return placement
      const { manifest } = arriving
      return this.#options.runtimeOf(manifest.kind)?.check(bytes, { manifest, ...wantedOf(placement) })
    })
    const transfer = this.#intake.known(xfer)
    if (transfer === undefined) return { xfer, state: 0, code: codes.ESRCH }
    if (transfer.state === transferStates.loading) {
      return { xfer, state: transfer.state, code: codes.EBUSY, detail: "not all of it is here" }
    }
    return this.#stateOfTransfer()
  }

  #commit(xfer: number): ImageState {
    const staged = this.#intake.image(xfer)
    const transfer = this.#intake.known(xfer)
    if (transfer === undefined) return { xfer, state: 0, code: codes.ESRCH }
    if (staged === undefined) {
      const installed = this.#installations.standing
      return installed?.xfer === xfer ? installed : { ...this.#stateOfTransfer(), code: codes.EBUSY }
    }
    const { offer } = transfer
    const { manifest, isSigned } = staged.sink
    const image: Image = { kind: manifest.kind, bytes: staged.bytes, sha256: offer.sha256, manifest }
    return this.settled(this.#installations.install({ offer, manifest, isSigned, image }))
  }

  #status(xfer: number): ImageState {
    const installed = this.#installations.standing
    const transfer = this.#intake.transfer
    if (xfer === 0) return transfer === undefined ? (installed ?? { xfer, state: 0 }) : this.#stateOfTransfer()
    if (installed?.xfer === xfer) return installed
    return transfer?.offer.xfer === xfer ? this.#stateOfTransfer() : { xfer, state: 0, code: codes.ESRCH }
  }

  #slots(): ImageState {
    const { shelf } = this.#options
    const slots = shelf.slots()
    const state = { xfer: 0, state: this.#installations.standing?.state ?? 0, generation: shelf.generation }
    return Result.isFailure(slots) ? { ...state, ...slots.failure } : { ...state, slots: slots.success }
  }

  #stateOfTransfer(): ImageState {
    const transfer = this.#intake.transfer
    if (transfer === undefined) return { xfer: 0, state: 0 }
    const { offer, state, refused } = transfer
    return { xfer: offer.xfer, state, sha256: offer.sha256, ...refused }
  }
}

const wantedOf = ({ name, replaces }: Placement): Pick<Wanted, "name" | "replaces"> => ({
  name,
  ...(replaces?.task === undefined ? {} : { replaces: replaces.task })
})
