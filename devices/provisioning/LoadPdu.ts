/**
 * The messages that carry an image over buses and serial lines, as bytes. Big-endian. Every request has an operation and the
 * number of its transfer; a reply has the operation with its high bit set, that number and a status.
 */
import { Result } from "effect"
import type { Refused } from "../Refused.ts"
import { refusal } from "./ErrorCodes.ts"
import { PduReader, PduWriter } from "./PduBytes.ts"

/** Numbers of the operations. */
export const operations = {
  begin: 0x01,
  write: 0x02,
  end: 0x03,
  abort: 0x04,
  status: 0x05,
  persist: 0x06,
  activate: 0x07,
  rollback: 0x08,
  hello: 0x09,
  auth: 0x0a,
  proof: 0x0b
} as const

/** Name of an operation. */
export type LoadOperation = keyof typeof operations

/** Set in the operation of a reply. */
const replyBit = 0x80

/** Bits of the flags of BEGIN and END. */
export const loadFlags = { autostart: 1, persist: 2, replace: 4 } as const

/** Reasons of an ABORT, by their number. */
export const abortReasons = ["user", "timeout", "error", "transport"] as const

/** Longest label, bytes of UTF-8. */
const labelBytesMax = 255

/** Bytes of nonce and proof. */
const proofBytes = 8

/** A request of the master. `xfer` is 1 to 255, chosen by the master. */
export type LoadRequestPdu =
  | {
      readonly op: "begin"
      readonly xfer: number
      readonly totalBytes: number
      readonly fileCrc32: number
      readonly chunkBytesMax: number
      /** Bits of {@link loadFlags}. */
      readonly flags: number
      readonly label: string
    }
  | { readonly op: "write"; readonly xfer: number; readonly seq: number; readonly data: Uint8Array }
  | { readonly op: "end"; readonly xfer: number; readonly flags: number }
  /** Index into {@link abortReasons}. */
  | { readonly op: "abort"; readonly xfer: number; readonly reason: number }
  | { readonly op: "status"; readonly xfer: number }
  /** 1 flash, 2 FRAM. */
  | { readonly op: "persist"; readonly xfer: number; readonly target: number }
  | { readonly op: "activate"; readonly xfer: number; readonly pid: number }
  /** Generation 0 is the previous one. */
  | { readonly op: "rollback"; readonly xfer: number; readonly generation: number }
  | { readonly op: "hello"; readonly xfer: number; readonly version: number }
  | { readonly op: "auth"; readonly xfer: number; readonly role: number }
  | { readonly op: "proof"; readonly xfer: number; readonly mac: Uint8Array }

/** What a reply adds to its status, by operation. */
export type LoadReplyFields =
  | { readonly op: "begin"; readonly pid: number; readonly chunkBytesMax: number; readonly window: number }
  | { readonly op: "write"; readonly nextSeq: number; readonly bytesWritten: number }
  | { readonly op: "end"; readonly pid: number; readonly state: number; readonly hxeCrc32: number }
  | { readonly op: "abort" }
  | {
      readonly op: "status"
      readonly state: number
      readonly bytesWritten: number
      /** 0 when it is not known. */
      readonly totalBytes: number
      readonly lastError: number
      readonly nextSeq: number
    }
  | { readonly op: "persist"; readonly slot: number; readonly generation: number }
  | { readonly op: "activate" }
  | { readonly op: "rollback"; readonly generation: number }
  | {
      readonly op: "hello"
      readonly version: number
      readonly node: number
      readonly capabilities: number
      readonly imageBytesMax: number
      readonly chunkBytesMax: number
      readonly codeBytesFree: number
    }
  | { readonly op: "auth"; readonly nonce: Uint8Array }
  | { readonly op: "proof"; readonly level: number }

/** A reply of the board. */
export interface LoadReplyPdu {
  readonly op: LoadOperation
  readonly xfer: number
  /** A number of the code table. */
  readonly status: number
  /** Absent after a failure; but the reply to a WRITE always says where the board is. */
  readonly fields: LoadReplyFields | undefined
}

/** A request as bytes. The label must not be longer than {@link labelBytesMax}. */
export const encodeRequest = (request: LoadRequestPdu): Uint8Array => {
  const to = new PduWriter().u8(operations[request.op]).u8(request.xfer)
  switch (request.op) {
    case "begin": {
      const label = Buffer.from(request.label, "utf8").subarray(0, labelBytesMax)
      to.u32(request.totalBytes).u32(request.fileCrc32).u16(request.chunkBytesMax).u16(request.flags)
      return to.u8(label.length).raw(label).bytes
    }
    case "write":
      return to.u16(request.seq).raw(request.data).bytes
    case "end":
      return to.u8(request.flags).bytes
    case "abort":
      return to.u8(request.reason).bytes
    case "status":
      return to.bytes
    case "persist":
      return to.u8(request.target).bytes
    case "activate":
      return to.u16(request.pid).bytes
    case "rollback":
      return to.u32(request.generation).bytes
    case "hello":
      return to.u8(request.version).bytes
    case "auth":
      return to.u8(request.role).bytes
    case "proof":
      return to.raw(request.mac).bytes
  }
}

/** A reply as bytes. */
export const encodeReply = ({ fields, op, status, xfer }: LoadReplyPdu): Uint8Array => {
  const to = new PduWriter()
    .u8(operations[op] | replyBit)
    .u8(xfer)
    .u8(status)
  switch (fields?.op) {
    case undefined:
    case "abort":
    case "activate":
      return to.bytes
    case "begin":
      return to.u16(fields.pid).u16(fields.chunkBytesMax).u8(fields.window).bytes
    case "write":
      return to.u16(fields.nextSeq).u32(fields.bytesWritten).bytes
    case "end":
      return to.u16(fields.pid).u8(fields.state).u32(fields.hxeCrc32).bytes
    case "status":
      to.u8(fields.state).u32(fields.bytesWritten).u32(fields.totalBytes)
      return to.u8(fields.lastError).u16(fields.nextSeq).bytes
    case "persist":
      return to.u8(fields.slot).u32(fields.generation).bytes
    case "rollback":
      return to.u32(fields.generation).bytes
    case "hello":
      to.u8(fields.version).u8(fields.node).u32(fields.capabilities).u32(fields.imageBytesMax)
      return to.u16(fields.chunkBytesMax).u32(fields.codeBytesFree).bytes
    case "auth":
      return to.raw(fields.nonce).bytes
    case "proof":
      return to.u8(fields.level).bytes
  }
}

const isOperation = (name: string): name is LoadOperation => Object.hasOwn(operations, name)

const operationNames: ReadonlyMap<number, LoadOperation> = new Map(
  Object.keys(operations)
    .filter(isOperation)
    .map((name) => [operations[name], name])
)

const readRequest = (op: LoadOperation, xfer: number, from: PduReader): LoadRequestPdu => {
  switch (op) {
    case "begin": {
      const fixed = {
        totalBytes: from.u32(),
        fileCrc32: from.u32(),
        chunkBytesMax: from.u16(),
        flags: from.u16()
      }
      return { op, xfer, ...fixed, label: Buffer.from(from.raw(from.u8())).toString("utf8") }
    }
    case "write":
      return { op, xfer, seq: from.u16(), data: from.rest() }
    case "end":
      return { op, xfer, flags: from.u8() }
    case "abort":
      return { op, xfer, reason: from.u8() }
    case "status":
      return { op, xfer }
    case "persist":
      return { op, xfer, target: from.u8() }
    case "activate":
      return { op, xfer, pid: from.u16() }
    case "rollback":
      return { op, xfer, generation: from.u32() }
    case "hello":
      return { op, xfer, version: from.u8() }
    case "auth":
      return { op, xfer, role: from.u8() }
    case "proof":
      return { op, xfer, mac: from.raw(proofBytes) }
  }
}

/** Reads a request. EPROTO when it is none; ENOTSUP for an operation that does not exist. */
export const decodeRequest = (bytes: Uint8Array): Result.Result<LoadRequestPdu, Refused> => {
  const from = new PduReader(bytes)
  const number = from.u8()
  const xfer = from.u8()
  const op = operationNames.get(number)
  if (bytes.length < 2 || (number & replyBit) !== 0) return Result.fail(refusal("EPROTO", "no_request"))
  if (op === undefined) return Result.fail(refusal("ENOTSUP", `operation:${number}`))
  if (xfer === 0) return Result.fail(refusal("EINVAL", "xfer"))
  const request = readRequest(op, xfer, from)
  return from.isWhole ? Result.succeed(request) : Result.fail(refusal("EPROTO", `length:${op}`))
}

const readFields = (op: LoadOperation, from: PduReader): LoadReplyFields => {
  switch (op) {
    case "begin":
      return { op, pid: from.u16(), chunkBytesMax: from.u16(), window: from.u8() }
    case "write":
      return { op, nextSeq: from.u16(), bytesWritten: from.u32() }
    case "end":
      return { op, pid: from.u16(), state: from.u8(), hxeCrc32: from.u32() }
    case "status":
      return {
        op,
        state: from.u8(),
        bytesWritten: from.u32(),
        totalBytes: from.u32(),
        lastError: from.u8(),
        nextSeq: from.u16()
      }
    case "persist":
      return { op, slot: from.u8(), generation: from.u32() }
    case "rollback":
      return { op, generation: from.u32() }
    case "hello":
      return {
        op,
        version: from.u8(),
        node: from.u8(),
        capabilities: from.u32(),
        imageBytesMax: from.u32(),
        chunkBytesMax: from.u16(),
        codeBytesFree: from.u32()
      }
    case "auth":
      return { op, nonce: from.raw(proofBytes) }
    case "proof":
      return { op, level: from.u8() }
    case "abort":
    case "activate":
      return { op }
  }
}

/** Reads a reply; EPROTO when it is none. */
export const decodeReply = (bytes: Uint8Array): Result.Result<LoadReplyPdu, Refused> => {
  const from = new PduReader(bytes)
  const number = from.u8()
  const xfer = from.u8()
  const status = from.u8()
  const op = operationNames.get(number & ~replyBit)
  if (bytes.length < 3 || (number & replyBit) === 0 || op === undefined) {
    return Result.fail(refusal("EPROTO", "no_reply"))
  }
  if (from.isEmpty && status !== 0) return Result.succeed({ op, xfer, status, fields: undefined })
  const fields = readFields(op, from)
  return from.isWhole ? Result.succeed({ op, xfer, status, fields }) : Result.fail(refusal("EPROTO", `length:${op}`))
}
