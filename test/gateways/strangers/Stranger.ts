/**
 * Two boards written from docs/reference/link.md alone: nothing of this repository is imported, and no library encodes or
 * decodes what they say. They take the address of any node.
 */
import { connect } from "node:net"
import { WebSocket } from "ws"

/** A CBOR item as these boards know it: maps are lists of pairs, so that integer and text keys stay apart. */
export type Item = number | string | boolean | null | Uint8Array | ReadonlyArray<Item> | Map<number | string, Item>

const head = (major: number, argument: number): Array<number> => {
  const first = major << 5
  if (argument < 24) return [first | argument]
  if (argument < 0x100) return [first | 24, argument]
  if (argument < 0x1_0000) return [first | 25, argument >> 8, argument & 255]
  if (argument < 0x1_0000_0000) return [first | 26, ...[24, 16, 8, 0].map((shift) => (argument >>> shift) & 255)]
  const high = Math.floor(argument / 0x1_0000_0000)
  const low = argument % 0x1_0000_0000
  return [first | 27, ...[high, low].flatMap((half) => [24, 16, 8, 0].map((shift) => (half >>> shift) & 255))]
}

/** Encodes an item. */
export const encode = (item: Item): Array<number> => {
  if (item === null) return [0xf6]
  if (typeof item === "boolean") return [item ? 0xf5 : 0xf4]
  if (typeof item === "number") {
    if (Number.isInteger(item)) return item >= 0 ? head(0, item) : head(1, -1 - item)
    const view = new DataView(new ArrayBuffer(8))
    view.setFloat64(0, item)
    return [0xfb, ...new Uint8Array(view.buffer)]
  }
  if (typeof item === "string") {
    const bytes = new TextEncoder().encode(item)
    return [...head(3, bytes.length), ...bytes]
  }
  if (item instanceof Uint8Array) return [...head(2, item.length), ...item]
  if (item instanceof Map)
    return [...head(5, item.size), ...[...item].flatMap(([key, value]) => [...encode(key), ...encode(value)])]
  return [...head(4, item.length), ...item.flatMap((each) => encode(each))]
}

/** Decodes one item from `at`; answers it and where it ends. */
const decodeAt = (bytes: Uint8Array, at: number): readonly [item: Item, end: number] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const first = bytes[at] ?? 0
  const [major, info] = [first >> 5, first & 31]
  let end = at + 1
  let argument = info
  if (info === 24) argument = view.getUint8(end)
  if (info === 25) argument = view.getUint16(end)
  if (info === 26) argument = view.getUint32(end)
  if (info === 27) argument = Number(view.getBigUint64(end))
  if (info >= 24) end += 1 << (info - 24)
  switch (major) {
    case 0:
      return [argument, end]
    case 1:
      return [-1 - argument, end]
    case 2:
      return [bytes.slice(end, end + argument), end + argument]
    case 3:
      return [new TextDecoder().decode(bytes.subarray(end, end + argument)), end + argument]
    case 4: {
      const items: Array<Item> = []
      for (let count = 0; count < argument; count++) {
        const [item, next] = decodeAt(bytes, end)
        items.push(item)
        end = next
      }
      return [items, end]
    }
    case 5: {
      const map = new Map<number | string, Item>()
      for (let count = 0; count < argument; count++) {
        const [key, middle] = decodeAt(bytes, end)
        const [value, next] = decodeAt(bytes, middle)
        if (typeof key === "number" || typeof key === "string") map.set(key, value)
        end = next
      }
      return [map, end]
    }
    default:
      if (info === 20 || info === 21) return [info === 21, end]
      if (info === 26) return [view.getFloat32(at + 1), end]
      if (info === 27) return [view.getFloat64(at + 1), end]
      if (info === 25) return [half(argument), end]
      return [null, end]
  }
}

const half = (bits: number): number => {
  const sign = (bits & 0x8000) === 0 ? 1 : -1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  return sign * (exponent === 0 ? 2 ** -14 * (fraction / 1024) : 2 ** (exponent - 15) * (1 + fraction / 1024))
}

/** A frame: type, number or epoch, body. */
export interface Frame {
  readonly type: number
  readonly n: number
  readonly body: ReadonlyMap<number | string, Item>
}

/** Reads a frame; throws on what is none. */
export const decodeFrame = (bytes: Uint8Array): Frame => {
  const [item, end] = decodeAt(bytes, 0)
  if (end !== bytes.length || !Array.isArray(item)) throw new Error("no frame")
  const [type, n, body]: ReadonlyArray<Item> = item
  if (typeof type !== "number" || typeof n !== "number" || !(body instanceof Map)) throw new Error("no frame")
  return { type, n, body }
}

const frame = (type: number, n: number, body: ReadonlyArray<readonly [number, Item]>): Uint8Array =>
  Uint8Array.from(encode([type, n, new Map(body)]))

/** A connection that carries frames both ways. */
interface Wire {
  readonly send: (bytes: Uint8Array, seq: number) => void
  readonly close: () => void
}

/** What a stranger saw. */
export interface Stay {
  readonly frames: Array<Frame>
  /** Numbers it was told are consumed, in order. */
  readonly acknowledged: Array<number>
}

const numberIn = ({ body }: Frame, key: number): number => {
  const value = body.get(key)
  if (typeof value !== "number") throw new Error(`no number at key ${key}`)
  return value
}

/**
 * Attaches, reports so many numbers, sends a heartbeat, carries out what is desired and invoked, says goodbye, and
 * resolves when all it sent is acknowledged and `isDone` is satisfied.
 */
export class Stranger {
  readonly id: string
  readonly stay: Stay = { frames: [], acknowledged: [] }
  readonly #reports: number
  readonly #isDone: (stay: Stay) => boolean
  #wire: Wire | undefined
  #seq = 0
  #epoch = 0
  #window = 0
  #waiting: Array<readonly [type: number, body: ReadonlyArray<readonly [number, Item]>]> = []
  #state = "greeting"
  readonly #unacknowledged = new Set<number>()
  #resolve = (_: Stay): void => {}
  #reject = (_: Error): void => {}
  readonly ended = new Promise<Stay>((resolve, reject) => {
    this.#resolve = resolve
    this.#reject = reject
  })

  constructor(id: string, reports: number, isDone: (stay: Stay) => boolean = () => true) {
    this.id = id
    this.#reports = reports
    this.#isDone = isDone
  }

  opened(wire: Wire): void {
    this.#wire = wire
    wire.send(
      frame(1, 0, [
        [1, 1],
        [2, 1],
        [3, this.id],
        [4, 1],
        [5, 1],
        [6, 1_500],
        [8, "stranger"],
        [9, "1.0"],
        [10, 2],
        [11, 4_096]
      ]),
      0
    )
  }

  broken(why: string): void {
    if (this.#state !== "gone") this.#reject(new Error(`${why}, ${this.#state}`))
  }

  acknowledged(seq: number): void {
    if (!this.#unacknowledged.delete(seq)) return
    this.stay.acknowledged.push(seq)
    this.#pump()
    this.#leave()
  }

  received(bytes: Uint8Array): void {
    const down = decodeFrame(bytes)
    this.stay.frames.push(down)
    if (down.type === 2) return this.#welcomed(down)
    if (down.type === 5 && down.body.get(6) === true) return this.broken(`error ${numberIn(down, 1)}`)
    if (down.n !== this.#epoch) return
    switch (down.type) {
      case 4:
        for (const seq of [...this.#unacknowledged]) if (seq <= numberIn(down, 1)) this.acknowledged(seq)
        break
      case 9:
        this.#number(10, [[1, numberIn(down, 1)]])
        this.#number(8, [[2, down.body.get(2) ?? new Map()]])
        break
      case 11: {
        const id = down.body.get(1) ?? null
        this.#number(13, [
          [1, id],
          [2, 0],
          [3, "done"]
        ])
      }
    }
    this.#leave()
  }

  #welcomed(welcome: Frame): void {
    this.#epoch = numberIn(welcome, 2)
    this.#window = numberIn(welcome, 8)
    if (this.#state !== "greeting") return
    this.#state = "up"
    for (let count = 0; count < this.#reports; count++)
      this.#number(8, [
        [1, 1_600 + count],
        [
          2,
          new Map<string, Item>([
            ["count", count],
            ["half", count + 0.5]
          ])
        ]
      ])
    this.#wire?.send(
      frame(3, 0, [
        [1, 1_700],
        [8, this.#epoch]
      ]),
      0
    )
  }

  #number(type: number, body: ReadonlyArray<readonly [number, Item]>): void {
    this.#waiting.push([type, body])
    this.#pump()
  }

  #pump(): void {
    while (this.#unacknowledged.size < this.#window) {
      const [next, ...rest] = this.#waiting
      if (next === undefined) return
      this.#waiting = rest
      const [type, body] = next
      this.#seq++
      this.#unacknowledged.add(this.#seq)
      this.#wire?.send(frame(type, this.#seq, body), this.#seq)
    }
  }

  #leave(): void {
    const beats = this.stay.frames.some(({ type }) => type === 3)
    if (
      this.#state !== "up" ||
      this.#unacknowledged.size + this.#waiting.length > 0 ||
      !beats ||
      !this.#isDone(this.stay)
    )
      return
    this.#state = "gone"
    this.#wire?.send(
      frame(6, 0, [
        [1, 0],
        [3, 1],
        [4, 1]
      ]),
      0
    )
    this.#wire?.close()
    this.#resolve(this.stay)
  }
}

const text = (value: string): Array<number> => {
  const bytes = new TextEncoder().encode(value)
  return [bytes.length >> 8, bytes.length & 255, ...bytes]
}

const packet = (first: number, body: ReadonlyArray<number>): Uint8Array => {
  const length: Array<number> = []
  for (let left = body.length; ; left >>= 7) {
    length.push((left & 127) | (left > 127 ? 128 : 0))
    if (left <= 127) break
  }
  return Uint8Array.from([first, ...length, ...body])
}

/** Attaches over MQTT 3.1.1, packets written by hand. `url` is `mqtt://host:port`. */
export const overMqtt = (url: string, board: Stranger, token?: string): Promise<Stay> => {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  const login = token === undefined ? [] : [...text(board.id), ...text(token)]
  const flags = 2 | (token === undefined ? 0 : 0xc0)
  socket.write(packet(0x10, [...text("MQTT"), 4, flags, 0, 60, ...text(board.id), ...login]))
  let packetId = 1
  const waiting = new Map<number, number>()
  let rest: Uint8Array = new Uint8Array(0)
  const take = (first: number, body: Uint8Array): void => {
    switch (first >> 4) {
      case 2:
        if (body[1] !== 0) return board.broken(`connack ${body[1]}`)
        socket.write(packet(0x82, [0, 1, ...text(`holon/1/b/${board.id}/dn`), 1]))
        return
      case 9:
        return board.opened({
          send: (bytes, seq) => {
            packetId++
            waiting.set(packetId, seq)
            const id = [packetId >> 8, packetId & 255]
            socket.write(packet(0x32, [...text(`holon/1/b/${board.id}/up`), ...id, ...bytes]))
          },
          close: () => {
            socket.end(Uint8Array.of(0xe0, 0))
          }
        })
      case 4:
        return board.acknowledged(waiting.get(((body[0] ?? 0) << 8) | (body[1] ?? 0)) ?? 0)
      case 3: {
        let at = 2 + (((body[0] ?? 0) << 8) | (body[1] ?? 0))
        if ((first & 6) !== 0) {
          socket.write(Uint8Array.of(0x40, 2, body[at] ?? 0, body[at + 1] ?? 0))
          at += 2
        }
        board.received(body.slice(at))
      }
    }
  }
  socket.on("data", (chunk) => {
    rest = Uint8Array.from([...rest, ...chunk])
    for (;;) {
      let length = 0
      let at = 1
      for (let shift = 0; ; shift += 7, at++) {
        const byte = rest[at]
        if (byte === undefined) return
        length |= (byte & 127) << shift
        if (byte < 128) break
      }
      const end = at + 1 + length
      if (rest.length < end) return
      const first = rest[0] ?? 0
      const body = rest.slice(at + 1, end)
      rest = rest.slice(end)
      take(first, body)
    }
  })
  socket.on("error", () => {})
  socket.on("close", () => board.broken("closed"))
  return board.ended
}

/** Attaches over a WebSocket. `url` is that of the attach path. */
export const overWebSocket = (url: string, board: Stranger, token?: string): Promise<Stay> => {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const socket = new WebSocket(url, ["holon.1"], { headers, perMessageDeflate: false })
  socket.on("open", () => board.opened({ send: (bytes) => socket.send(bytes), close: () => socket.close(1000) }))
  socket.on("message", (data) => {
    if (Buffer.isBuffer(data)) board.received(new Uint8Array(data))
  })
  socket.on("error", () => {})
  socket.on("close", (code) => board.broken(`closed with ${code}`))
  return board.ended
}
