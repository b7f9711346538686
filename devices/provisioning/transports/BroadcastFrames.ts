/** The frames by which one master sends an image to many boards of a CAN bus at once. */
import { type CanFrame, canClasses, idFromNode, idToNode, padded, senderOf } from "./CanFrame.ts"

/** First byte of a control frame. */
const controls = {
  announceA: 0x10,
  announceB: 0x11,
  block: 0x12,
  poll: 0x13,
  commit: 0x14,
  abort: 0x15,
  join: 0x91,
  blockAck: 0x93,
  result: 0x94
} as const

/** Bytes of the image in a data frame. */
export const dataFrameBytes = 7

/** Frames of a block, unless a master says less. */
export const blockFramesMax = 32

/** What a master says. */
export type MasterFrame =
  | {
      readonly type: "announceA"
      readonly xfer: number
      readonly totalBytes: number
      readonly blockFrames: number
      /** 0 is everybody. */
      readonly group: number
    }
  | { readonly type: "announceB"; readonly xfer: number; readonly fileCrc32: number; readonly version: number }
  | { readonly type: "block"; readonly xfer: number; readonly block: number; readonly frames: number }
  | { readonly type: "data"; readonly index: number; readonly bytes: Uint8Array }
  | { readonly type: "poll"; readonly xfer: number; readonly block: number }
  | { readonly type: "commit"; readonly xfer: number; readonly flags: number }
  | { readonly type: "abort"; readonly xfer: number; readonly reason: number }

/** What a listener says. */
export type ListenerFrame =
  | { readonly type: "join"; readonly node: number; readonly xfer: number; readonly status: number }
  | {
      readonly type: "blockAck"
      readonly node: number
      readonly xfer: number
      readonly block: number
      /** Bit i says that frame i is missing; 0 says that the block is whole. */
      readonly missing: number
    }
  | {
      readonly type: "result"
      readonly node: number
      readonly xfer: number
      readonly status: number
      readonly pid: number
      readonly state: number
    }

const u16 = (value: number): ReadonlyArray<number> => [(value >>> 8) & 0xff, value & 0xff]
const u32 = (value: number): ReadonlyArray<number> => [...u16(value >>> 16), ...u16(value)]

/** Unused bytes are zero, but for data: its last frame is padded. */
const control = (id: number, bytes: ReadonlyArray<number>): CanFrame => {
  const data = new Uint8Array(8)
  data.set(bytes)
  return { id, data }
}

const controlId = idToNode(canClasses.broadcastControl, 0)
const dataId = idToNode(canClasses.broadcastData, 0)

/** A frame of the master as it goes over the bus. */
export const encodeMaster = (frame: MasterFrame): CanFrame => {
  switch (frame.type) {
    case "announceA":
      return control(controlId, [
        controls.announceA,
        frame.xfer,
        ...u32(frame.totalBytes),
        frame.blockFrames,
        frame.group
      ])
    case "announceB":
      return control(controlId, [controls.announceB, frame.xfer, ...u32(frame.fileCrc32), ...u16(frame.version)])
    case "block":
      return control(controlId, [controls.block, frame.xfer, ...u16(frame.block), frame.frames])
    case "data":
      return { id: dataId, data: padded([frame.index, ...frame.bytes]) }
    case "poll":
      return control(controlId, [controls.poll, frame.xfer, ...u16(frame.block)])
    case "commit":
      return control(controlId, [controls.commit, frame.xfer, frame.flags])
    case "abort":
      return control(controlId, [controls.abort, frame.xfer, frame.reason])
  }
}

/** A frame of a listener as it goes over the bus. */
export const encodeListener = (frame: ListenerFrame): CanFrame => {
  const id = idFromNode(canClasses.broadcastControl, frame.node)
  switch (frame.type) {
    case "join":
      return control(id, [controls.join, frame.xfer, frame.status])
    case "blockAck":
      return control(id, [controls.blockAck, frame.xfer, ...u16(frame.block), ...u32(frame.missing)])
    case "result":
      return control(id, [controls.result, frame.xfer, frame.status, ...u16(frame.pid), frame.state])
  }
}

/** A frame of eight bytes, whatever others leave out at its end. */
const viewOf = (frame: CanFrame): DataView => {
  const data = new Uint8Array(8)
  data.set(frame.data.subarray(0, 8))
  return new DataView(data.buffer)
}

/** Reads a frame of a master; none for all others on the bus. */
export const decodeMaster = (frame: CanFrame): MasterFrame | undefined => {
  if (frame.data.length === 0) return undefined
  const view = viewOf(frame)
  if (frame.id === dataId) return { type: "data", index: view.getUint8(0), bytes: frame.data.slice(1) }
  if (frame.id !== controlId) return undefined
  const xfer = view.getUint8(1)
  switch (view.getUint8(0)) {
    case controls.announceA:
      return {
        type: "announceA",
        xfer,
        totalBytes: view.getUint32(2),
        blockFrames: view.getUint8(6),
        group: view.getUint8(7)
      }
    case controls.announceB:
      return { type: "announceB", xfer, fileCrc32: view.getUint32(2), version: view.getUint16(6) }
    case controls.block:
      return { type: "block", xfer, block: view.getUint16(2), frames: view.getUint8(4) }
    case controls.poll:
      return { type: "poll", xfer, block: view.getUint16(2) }
    case controls.commit:
      return { type: "commit", xfer, flags: view.getUint8(2) }
    case controls.abort:
      return { type: "abort", xfer, reason: view.getUint8(2) }
    default:
      return undefined
  }
}

/** Reads a frame of a listener; none for all others on the bus. */
export const decodeListener = (frame: CanFrame): ListenerFrame | undefined => {
  const node = senderOf(frame.id)
  if (node === undefined || frame.id >>> 8 !== canClasses.broadcastControl) return undefined
  const view = viewOf(frame)
  const xfer = view.getUint8(1)
  switch (view.getUint8(0)) {
    case controls.join:
      return { type: "join", node, xfer, status: view.getUint8(2) }
    case controls.blockAck:
      return { type: "blockAck", node, xfer, block: view.getUint16(2), missing: view.getUint32(4) }
    case controls.result:
      return { type: "result", node, xfer, status: view.getUint8(2), pid: view.getUint16(3), state: view.getUint8(5) }
    default:
      return undefined
  }
}
