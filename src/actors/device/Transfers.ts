/**
 * An image on its way to the board, chunk by chunk. The device sends it by itself, so that no chunk travels between actors and
 * none costs a commit: what the board holds is in its acknowledgements, and a device that moved offers the transfer again to
 * learn it. The session hears how far it is.
 */
import { Effect, Schema } from "effect"
import { codes } from "../../protocol/Codes.ts"
import type { Board, DeviceState, Transfer } from "../../protocol/DeviceState.ts"
import { type ImageAck, imageStates } from "../../protocol/frame/ImageFrames.ts"
import { declinedSentence } from "../../protocol/image/Declined.ts"
import { imageKinds } from "../../protocol/image/ImageKind.ts"
import { ImageSource } from "../ImageSource.ts"
import { reasonOf } from "../Origin.ts"
import { awaitsAbort, nextNumber, orderAbort, setWork } from "./Errands.ts"
import { firstRepeat, nextRepeat, pace } from "./Repeats.ts"
import { type Courier, mention, perform, send, type Turn, tell } from "./Turn.ts"

/** Largest chunk, bytes: what a board of the largest class takes. */
const chunkBytesMax = 65_536
/** Chunks under way; a board may ask for fewer. */
const windowMax = 8
/** Bytes of a chunk or offer frame around its content, at most. */
const envelopeBytes = 128
/** Least time between two tellings of progress, ms. */
const tellMillis = 500
/** The store of images is asked again after this, ms. */
const storeRetryMillis = 1000
/** Codes by which a board gives a transfer up. */
const fatal: ReadonlySet<number> = new Set([codes.EIO, codes.ENOSPC, codes.EBADMSG, codes.EINVAL])

const failed = imageStates.indexOf("failed")
/** Why a board is to forget a transfer. */
const abortReasons = { timeout: 1, error: 2 } as const

/** A power of two that leaves room for its frame: a quarter of a large buffer, half of a small one. */
const chunkBytesOf = ({ rx }: Board): number => {
  const room = rx >= chunkBytesMax ? rx / 4 : rx / 2
  return 2 ** Math.floor(Math.log2(Math.min(room, chunkBytesMax)))
}

const countOf = ({ size }: Transfer, chunk: number): number => Math.max(1, Math.ceil(size / chunk))

/** In the chain of what began the transfer, if that is known. */
const toSession = (
  turn: Turn,
  { session, because }: Pick<Transfer, "session" | "because">,
  message: string,
  payload: unknown
): void =>
  tell(turn, { to: { kind: "session", id: session }, message, payload, ...(because !== undefined && { because }) })

/** Gives a transfer up, and says why. */
export const endTransfer = (turn: Turn, transfer: Transfer, code: number, detail?: string): void => {
  setWork(turn, { transfer: undefined })
  turn.resident = { ...turn.resident, courier: undefined }
  toSession(turn, transfer, "TransferEnded", { code, ...(detail === undefined ? {} : { detail }) })
}

/** Answers a session whose image this device will not send. */
export const refuseTransfer = (turn: Turn, session: string, code: number): void =>
  toSession(turn, { session }, "TransferEnded", { code, detail: "the device is retired" })

/** What a session wants to have sent. */
export interface Shipment {
  readonly session: string
  readonly sha256: string
  readonly size: number
  readonly kind: keyof typeof imageKinds
  readonly flags: number
  readonly instance?: string
  readonly lifeMillis?: number
}

/** Longer than any session lasts, ms. */
const lifeMillisDefault = 172_800_000

/** Takes an image to send. A link carries one at a time. */
export const openTransfer = (turn: Turn, { kind, lifeMillis = lifeMillisDefault, ...shipment }: Shipment): void => {
  const { transfer } = turn.state.work
  if (transfer?.session === shipment.session) return
  if (transfer !== undefined)
    return toSession(turn, shipment, "TransferEnded", {
      code: codes.EBUSY,
      detail: `session ${transfer.session} is bringing an image to this board`
    })
  const xfer = nextNumber(turn)
  const until = turn.now + lifeMillis
  const because = reasonOf(turn.context)
  setWork(turn, {
    transfer: {
      xfer,
      ...shipment,
      kind: imageKinds[kind],
      isWhole: false,
      until,
      ...(because !== undefined && { because })
    }
  })
}

/** When a transfer is given up; infinite for none. */
export const transferDue = ({ work }: DeviceState): number => work.transfer?.until ?? Number.POSITIVE_INFINITY

/** A session that has crashed for good never ends its transfer: the next one must not be refused for that. */
export const endOverdueTransfer = (turn: Turn): void => {
  const { transfer } = turn.state.work
  if (transfer === undefined || transferDue(turn.state) > turn.now) return
  orderAbort(turn, transfer, abortReasons.timeout)
  endTransfer(turn, transfer, codes.ETIMEDOUT, "its session has not ended it")
}

/** The session is done with the board. A board that has not installed the image forgets it when told to. */
export const closeTransfer = (turn: Turn, session: string, abort: number | undefined): void => {
  const { transfer } = turn.state.work
  if (transfer?.session !== session) return
  if (abort !== undefined) orderAbort(turn, transfer, abort)
  setWork(turn, { transfer: undefined })
  turn.resident = { ...turn.resident, courier: undefined }
}

const freshCourier = ({ xfer }: Transfer, board: Board, now: number): Courier => ({
  xfer,
  manifest: undefined,
  chunk: chunkBytesOf(board),
  window: windowMax,
  isAccepted: false,
  next: 0,
  sent: 0,
  isReading: true,
  repeat: firstRepeat(board, now),
  toldAt: 0
})

/** Names a read by its transfer and its link: what was read for the link before would reach a board that has no offer yet. */
const readId = ({ state }: Turn, { xfer }: Pick<Transfer, "xfer">): string => `${xfer}.${state.epoch}`

const readImage = (turn: Turn, transfer: Transfer): void =>
  perform(turn, { name: "image", id: readId(turn, transfer), input: { sha256: transfer.sha256 } })

const sendOffer = (turn: Turn, board: Board, transfer: Transfer, { chunk, window }: Courier, manifest: Uint8Array) => {
  if (manifest.length + envelopeBytes > board.rx)
    return endTransfer(turn, transfer, codes.EMSGSIZE, "its manifest is larger than a frame that the board takes")
  const { xfer, sha256, size, kind, flags, instance } = transfer
  send(turn, {
    type: "image-offer",
    xfer,
    sha256: new Uint8Array(Buffer.from(sha256, "hex")),
    size,
    kind,
    manifest,
    chunk,
    window,
    ...(flags === 0 ? {} : { flags }),
    ...(instance === undefined ? {} : { instance })
  })
}

/** Reads the chunks that may go out now. */
const pump = (turn: Turn, transfer: Transfer, again: ReadonlyArray<number> = []): void => {
  const { courier } = turn.resident
  if (courier === undefined || courier.isReading || !courier.isAccepted) return
  const { next, window, chunk } = courier
  const end = Math.min(countOf(transfer, chunk), next + window)
  const from = Math.max(courier.sent, next)
  const indexes = [...again]
  for (let index = from; index < end; index++) indexes.push(index)
  if (indexes.length === 0) return
  turn.resident = { ...turn.resident, courier: { ...courier, sent: Math.max(from, end), isReading: true } }
  perform(turn, {
    name: "chunks",
    id: readId(turn, transfer),
    input: { sha256: transfer.sha256, chunk, indexes }
  })
}

/** Begins the transfer on a new link, and repeats what the board has not acknowledged. */
export const sendTransfer = (turn: Turn, board: Board): void => {
  const { transfer } = turn.state.work
  if (transfer === undefined || transfer.isWhole) return
  const { courier } = turn.resident
  if (courier?.xfer !== transfer.xfer) {
    turn.resident = { ...turn.resident, courier: freshCourier(transfer, board, turn.now) }
    return readImage(turn, transfer)
  }
  if (courier.repeat.at > turn.now) return
  const repeat = nextRepeat(courier.repeat, pace(board).most, turn.now)
  turn.resident = { ...turn.resident, courier: { ...courier, repeat, isReading: false, sent: courier.next } }
  if (courier.manifest === undefined) readImage(turn, transfer)
  else if (!courier.isAccepted) sendOffer(turn, board, transfer, courier, courier.manifest)
  else pump(turn, transfer)
}

const ImageRead = Schema.Union([
  Schema.TaggedStruct("Found", { manifest: Schema.Uint8Array }),
  Schema.TaggedStruct("Missing", {}),
  Schema.TaggedStruct("Unavailable", {})
])
type ImageRead = typeof ImageRead.Type
const isImageRead = Schema.is(ImageRead)

const ChunksRead = Schema.Union([
  Schema.TaggedStruct("Read", {
    chunks: Schema.Array(Schema.Struct({ index: Schema.Number, data: Schema.Uint8Array }))
  }),
  Schema.TaggedStruct("Missing", {}),
  Schema.TaggedStruct("Unavailable", {})
])
type ChunksRead = typeof ChunksRead.Type
const isChunksRead = Schema.is(ChunksRead)

const ImageInput = Schema.Struct({ sha256: Schema.String })
const ChunksInput = Schema.Struct({ sha256: Schema.String, chunk: Schema.Number, indexes: Schema.Array(Schema.Number) })

/** The reads of a transfer, by the names of their orders. */
export const transferReads: Readonly<Record<"image" | "chunks", (input: unknown) => Effect.Effect<unknown>>> = {
  image: (input) =>
    Effect.gen(function* () {
      const { sha256 } = Schema.decodeUnknownSync(ImageInput)(input)
      const images = yield* ImageSource
      const record = yield* images.describe(sha256)
      return (record === undefined ? { _tag: "Missing" } : { _tag: "Found", manifest: record.manifest }) as ImageRead
    }).pipe(Effect.catchTag("ImageStoreUnavailable", () => Effect.succeed<ImageRead>({ _tag: "Unavailable" }))),
  chunks: (input) =>
    Effect.gen(function* () {
      const { sha256, chunk, indexes } = Schema.decodeUnknownSync(ChunksInput)(input)
      const images = yield* ImageSource
      const chunks = yield* Effect.forEach(
        indexes,
        (index) => Effect.map(images.chunk(sha256, index * chunk, chunk), (data) => ({ index, data })),
        { concurrency: "unbounded" }
      )
      return { _tag: "Read", chunks } as ChunksRead
    }).pipe(
      Effect.catchTags({
        ImageMissing: () => Effect.succeed<ChunksRead>({ _tag: "Missing" }),
        ImageStoreUnavailable: () => Effect.succeed<ChunksRead>({ _tag: "Unavailable" })
      })
    )
}

/** The image has gone from the store; the board may hold a part of it. */
const loseImage = (turn: Turn, transfer: Transfer): void => {
  orderAbort(turn, transfer, abortReasons.error)
  endTransfer(turn, transfer, codes.ENOENT, "the image is no longer in the store")
}

/** The outcome of a read; one of another transfer or of an earlier link changes nothing. */
export const takeRead = (turn: Turn, name: string, id: string, outcome: unknown): void => {
  const { state, resident } = turn
  const { transfer } = state.work
  const { courier } = resident
  const { board } = state
  if (transfer === undefined || courier === undefined || board === undefined || readId(turn, courier) !== id) return
  if (name === "image" && isImageRead(outcome)) {
    if (outcome._tag === "Missing") return loseImage(turn, transfer)
    const isFound = outcome._tag === "Found"
    const manifest = isFound ? outcome.manifest : undefined
    const repeat = isFound
      ? firstRepeat(board, turn.now)
      : { at: turn.now + storeRetryMillis, waitMillis: storeRetryMillis }
    turn.resident = { ...resident, courier: { ...courier, manifest, isReading: false, repeat } }
    if (manifest !== undefined) sendOffer(turn, board, transfer, courier, manifest)
  } else if (name === "chunks" && isChunksRead(outcome)) {
    if (outcome._tag === "Missing") return loseImage(turn, transfer)
    if (outcome._tag === "Unavailable") {
      const repeat = { at: turn.now + storeRetryMillis, waitMillis: storeRetryMillis }
      turn.resident = { ...resident, courier: { ...courier, isReading: false, sent: courier.next, repeat } }
      return
    }
    turn.resident = { ...resident, courier: { ...courier, isReading: false, repeat: firstRepeat(board, turn.now) } }
    for (const { index, data } of outcome.chunks) send(turn, { type: "chunk", xfer: transfer.xfer, index, data })
    pump(turn, transfer)
  }
}

/** The board says what it holds. */
export const takeImageAck = (turn: Turn, ack: ImageAck): void => {
  const { transfer } = turn.state.work
  const { courier } = turn.resident
  const { board } = turn.state
  if (transfer === undefined || courier === undefined || board === undefined || ack.xfer !== transfer.xfer) return
  const { code = 0, next, missing = [] } = ack
  if (code === codes.ESRCH) {
    // It has forgotten the transfer: after a restart, or because nothing came for long. Each chunk under way says so.
    if (!courier.isAccepted) return
    turn.resident = { ...turn.resident, courier: { ...courier, isAccepted: false, next: 0, sent: 0 } }
    if (courier.manifest !== undefined) sendOffer(turn, board, transfer, courier, courier.manifest)
    return
  }
  // The board holds the image of an ended session and has not yet heard that it is to forget it: the offer goes out again.
  if (code === codes.EBUSY && !courier.isAccepted && awaitsAbort(turn.state)) return
  if (ack.state === failed || fatal.has(code) || (code !== 0 && !courier.isAccepted)) {
    if (ack.state !== failed && courier.isAccepted) orderAbort(turn, transfer, abortReasons.error)
    const reason = code === 0 ? codes.EIO : code
    return endTransfer(turn, transfer, reason, declinedSentence(reason))
  }
  const isBack = code === codes.EILSEQ || code === codes.EPROTO
  const window = Math.max(1, Math.min(windowMax, ack.window ?? courier.window))
  const isFurther = next > courier.next || !courier.isAccepted
  const isWhole = ack.have === transfer.size || next >= countOf(transfer, courier.chunk)
  const isTold = isWhole || turn.now >= courier.toldAt + tellMillis
  turn.resident = {
    ...turn.resident,
    courier: {
      ...courier,
      isAccepted: true,
      window,
      next: Math.max(courier.next, next),
      sent: isBack ? next : Math.max(courier.sent, next),
      repeat: isFurther ? firstRepeat(board, turn.now) : courier.repeat,
      toldAt: isTold ? turn.now : courier.toldAt
    }
  }
  if (isWhole) {
    setWork(turn, { transfer: { ...transfer, isWhole: true, boot: board.boot } })
    turn.resident = { ...turn.resident, courier: undefined }
    return toSession(turn, transfer, "TransferEnded", { code: 0 })
  }
  if (isTold && isFurther)
    mention(turn, {
      to: { kind: "session", id: transfer.session },
      message: "TransferMoved",
      payload: { bytes: Math.min(transfer.size, next * courier.chunk) },
      ...(transfer.because !== undefined && { because: transfer.because })
    })
  pump(
    turn,
    transfer,
    missing.filter((index) => index >= next && index < countOf(transfer, courier.chunk))
  )
}
