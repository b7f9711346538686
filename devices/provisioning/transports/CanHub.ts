/**
 * A CAN bus over TCP, for boards that are processes: a hub repeats every frame to all others. The bus of the operating system
 * cannot be reached from Node without a native module; this one carries the same frames.
 */
import { connect, createServer, type Server, type Socket } from "node:net"
import type { CanBus, CanFrame } from "./CanFrame.ts"

/** Identifier, length, and room for eight bytes: records of one size need no marks between them. */
const recordBytes = 11

const lengthAt = 2
const dataAt = 3
const dataBytesMax = 8
const idMax = 0x7ff

/** Bytes that may wait for a member that does not read; then it is cut off, as a broken node leaves a bus. */
const waitingBytesMax = 1 << 20

const encode = ({ data, id }: CanFrame): Buffer => {
  const record = Buffer.alloc(recordBytes)
  record.writeUInt16BE(id & idMax)
  record[lengthAt] = Math.min(data.length, dataBytesMax)
  record.set(data.subarray(0, dataBytesMax), dataAt)
  return record
}

const decode = (record: Buffer): CanFrame => {
  const length = Math.min(record[lengthAt] ?? 0, dataBytesMax)
  return { id: record.readUInt16BE() & idMax, data: new Uint8Array(record.subarray(dataAt, dataAt + length)) }
}

/** Cuts what comes over a socket into records. */
const onRecords = (socket: Socket, handler: (record: Buffer) => void): void => {
  let rest: Buffer = Buffer.alloc(0)
  socket.on("data", (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes])
    let at = 0
    for (; at + recordBytes <= rest.length; at += recordBytes) handler(rest.subarray(at, at + recordBytes))
    rest = rest.subarray(at)
  })
}

/** The middle of a bus. */
export class CanHub {
  readonly #server: Server
  readonly #members = new Set<Socket>()

  constructor() {
    this.#server = createServer((socket) => this.#join(socket))
  }

  /** Begins to listen on this port of this machine, 0 for any; tells which. Not reachable from outside. */
  listen(port: number, listening: (port: number) => void, refused?: (cause: Error) => void): void {
    if (refused !== undefined) this.#server.once("error", refused)
    this.#server.listen(port, "127.0.0.1", () => {
      const address = this.#server.address()
      listening(typeof address === "object" && address !== null ? address.port : port)
    })
  }

  get members(): number {
    return this.#members.size
  }

  close(closed: () => void = () => {}): void {
    for (const member of this.#members) member.destroy()
    this.#server.close(() => closed())
  }

  #join(socket: Socket): void {
    socket.setNoDelay(true)
    this.#members.add(socket)
    socket.on("error", () => socket.destroy())
    socket.on("close", () => this.#members.delete(socket))
    onRecords(socket, (record) => {
      for (const member of this.#members) {
        if (member === socket) continue
        if (member.writableLength > waitingBytesMax) member.destroy()
        else member.write(record)
      }
    })
  }
}

/** A member of a bus with a hub. */
export interface CanMember extends CanBus {
  readonly close: () => void
}

/** Joins the bus at a hub. `joined` is called when frames go both ways, `left` once when they no longer do. */
export const joinBus = (
  address: { readonly host: string; readonly port: number },
  joined: () => void,
  left: (cause: Error | undefined) => void
): CanMember => {
  const handlers = new Set<(frame: CanFrame) => void>()
  const socket = connect(address.port, address.host, joined)
  let cause: Error | undefined
  socket.setNoDelay(true)
  socket.on("error", (error) => {
    cause = error
  })
  socket.on("close", () => left(cause))
  onRecords(socket, (record) => {
    const frame = decode(record)
    for (const handler of [...handlers]) handler(frame)
  })
  return {
    send: (frame) => {
      if (socket.writable) socket.write(encode(frame))
    },
    listen: (handler) => {
      handlers.add(handler)
      return () => handlers.delete(handler)
    },
    close: () => socket.destroy()
  }
}
