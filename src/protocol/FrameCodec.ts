/**
 * Frames to bytes and back. One frame is the CBOR array `[type, n, body]`: `n` the sequence number of a frame from a board
 * or the epoch of one to it, `body` a map with integer keys. Elements after the third and unknown keys are ignored.
 */
import { Result } from "effect"
import { faultOf } from "./Cbor.ts"
import { CborReader, major } from "./CborReader.ts"
import { CborWriter } from "./CborWriter.ts"
import { codes } from "./Codes.ts"
import type { DownFrame, UpFrame } from "./Frame.ts"
import { downShapes, type FrameShape, upShapes } from "./FrameTable.ts"
import { isUuid } from "./Ids.ts"
import { readPrivateBody, writePrivateBody } from "./PrivateBody.ts"

/**
 * Why a frame is refused: the fields of the error frame that says so. A plain value, because a flood of bad frames must stay
 * cheap.
 */
export interface FrameRefused {
  /** A number of `codes`. */
  readonly code: number
  readonly detail: string
  /** Number of the frame's type, where it could be read. */
  readonly frameType?: number
  /** The frame's number, if it has one: the refusal consumes it. */
  readonly seq?: number
  /** The attach a frame to a board came under. */
  readonly epoch?: number
  /** Path to the refused field: body key first. */
  readonly field?: ReadonlyArray<number | string>
  /** Request number, or command id as text, where it could be read. */
  readonly request?: number | string
}

const privateMin = 128
const privateMax = 191
const headMax = 0xffff_ffff
const errorType = 5
const goodbyeType = 6

/** Whether an error frame may answer the refused frame: an error or a goodbye is never answered. */
export const mayAnswer = ({ frameType }: FrameRefused): boolean => frameType !== errorType && frameType !== goodbyeType

type Direction = "up" | "down"

const byNumber = (shapes: ReadonlyArray<FrameShape>): ReadonlyArray<FrameShape | undefined> => {
  const table: Array<FrameShape | undefined> = []
  for (const shape of shapes) table[shape.number] = shape
  return table
}

const shapesUp = byNumber(upShapes)
const shapesDown = byNumber(downShapes)

const refused = (
  direction: Direction,
  code: number,
  detail: string,
  type: number | undefined,
  head: number | undefined,
  field?: ReadonlyArray<number | string>,
  request?: number | string
): Result.Result<never, FrameRefused> =>
  Result.fail({
    code,
    detail,
    ...(type === undefined ? {} : { frameType: type }),
    ...(head === undefined || head === 0 ? {} : direction === "up" ? { seq: head } : { epoch: head }),
    ...(field === undefined ? {} : { field }),
    ...(request === undefined ? {} : { request })
  })

/** Longest start of a frame up to its body: three heads. */
const startBytesMax = 27

/** Refuses bytes that cannot be read as a whole, naming type and number where their start is sound. */
const refuseWhole = (direction: Direction, bytes: Uint8Array, code: number, detail: string) => {
  const start = new Uint8Array(startBytesMax)
  start.set(bytes.subarray(0, startBytesMax))
  const reader = new CborReader(start)
  const type = reader.head() === major.list && reader.head() === major.unsigned ? reader.argument : undefined
  if (type === undefined || reader.at > bytes.length) return refused(direction, code, detail, undefined, undefined)
  const hasHead = reader.head() === major.unsigned && reader.argument <= headMax && reader.at <= bytes.length
  return refused(direction, code, detail, type, hasHead ? reader.argument : undefined)
}

/** Frames whose `id` is a device's, which may look like a command's. */
const namesDevice: ReadonlySet<unknown> = new Set(["hello", "enrol", "enrolled"])

/** Number of the request, or id of the command, that a frame belongs to: what an error that refuses it names. */
export const requestOf = (frame: {
  readonly type?: unknown
  readonly req?: unknown
  readonly id?: unknown
}): number | string | undefined => {
  const { type, req, id } = frame
  if (typeof req === "number" || typeof req === "string") return req
  return typeof id === "string" && isUuid(id) && !namesDevice.has(type) ? id : undefined
}

const decode = (
  direction: Direction,
  shapes: ReadonlyArray<FrameShape | undefined>,
  bytes: Uint8Array,
  bytesMax: number
): Result.Result<object, FrameRefused> => {
  if (bytes.length > bytesMax)
    return refuseWhole(direction, bytes, codes.EMSGSIZE, `${bytes.length} bytes, the limit is ${bytesMax}`)
  const fault = faultOf(bytes)
  if (fault !== undefined) return refuseWhole(direction, bytes, codes.Malformed, fault)
  const reader = new CborReader(bytes)
  if (reader.head() !== major.list || reader.argument < 3)
    return refused(direction, codes.Malformed, "not a list of three", undefined, undefined)
  if (reader.head() !== major.unsigned)
    return refused(direction, codes.Malformed, "type is not a number", undefined, undefined)
  const type = reader.argument
  if (reader.head() !== major.unsigned || reader.argument > headMax)
    return refused(direction, codes.Malformed, "second element is not a number", type, undefined)
  const head = reader.argument
  const shape = shapes[type]
  if (shape === undefined) {
    if (type < privateMin || type > privateMax)
      return refused(direction, codes.UnknownType, `no frame type ${type}`, type, head)
    const body = readPrivateBody(reader)
    if (body === undefined) return refused(direction, codes.Malformed, "body", type, head)
    const frame = { type: "private", number: type, body }
    return Result.succeed(direction === "up" ? { ...frame, seq: head } : { ...frame, epoch: head })
  }
  const frame = shape.start(head)
  shape.fields.readInto(reader, frame)
  if (shape.check !== undefined) shape.check(reader, frame)
  if (reader.code === codes.ok) return Result.succeed(frame)
  const number = shape.type === "sealed" ? undefined : head
  return refused(direction, reader.code, reader.detail, type, number, reader.path?.reverse(), requestOf(frame))
}

/** Decodes a frame from a board; `bytesMax` is what the receiver said it takes. Never throws. */
export const decodeUp = (bytes: Uint8Array, bytesMax: number): Result.Result<UpFrame, FrameRefused> =>
  // The table has one field for each name of the frame's type, so what it read is the frame.
  decode("up", shapesUp, bytes, bytesMax) as Result.Result<UpFrame, FrameRefused>

/** Decodes a frame to a board; `bytesMax` is what the receiver said it takes. Never throws. */
export const decodeDown = (bytes: Uint8Array, bytesMax: number): Result.Result<DownFrame, FrameRefused> =>
  decode("down", shapesDown, bytes, bytesMax) as Result.Result<DownFrame, FrameRefused>

const byType = (shapes: ReadonlyArray<FrameShape>): ReadonlyMap<string, FrameShape> =>
  new Map(shapes.map((shape) => [shape.type, shape]))

const upByType = byType(upShapes)
const downByType = byType(downShapes)

// The buffer of one synchronous encoding, kept so that a frame costs one allocation.
const writer = new CborWriter()

const encode = (shapes: ReadonlyMap<string, FrameShape>, frame: UpFrame | DownFrame, head: number): Uint8Array => {
  writer.begin()
  writer.head(major.list, 3)
  if (frame.type === "private") {
    writer.unsigned(frame.number)
    writer.unsigned(head)
    writePrivateBody(writer, frame.body)
    return writer.take()
  }
  const shape = shapes.get(frame.type)
  if (shape === undefined) throw new RangeError(`no frame ${frame.type}`)
  writer.unsigned(shape.number)
  writer.unsigned(head)
  shape.fields.write(writer, frame)
  return writer.take()
}

/**
 * Encodes a frame from a board, with its keys in order, shortest integers and narrowest floats. Throws `RangeError` on a
 * value that its type cannot exclude and no door lets in, such as NaN in a twin: a bug of the frame's maker.
 */
export const encodeUp = (frame: UpFrame): Uint8Array =>
  encode(upByType, frame, frame.type === "sealed" ? frame.counter : frame.seq)

/** Encodes a frame to a board, as {@link encodeUp} does. */
export const encodeDown = (frame: DownFrame): Uint8Array =>
  encode(downByType, frame, frame.type === "sealed" ? frame.counter : frame.epoch)
