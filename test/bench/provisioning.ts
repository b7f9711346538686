/** Images on their way to boards, MB a second, against the same bytes over bare sockets with the same chunks and acknowledgements. */
import { createHash, randomBytes } from "node:crypto"
import { createServer, type Server, type Socket } from "node:net"
import { startCluster, stop, type Worker, worker } from "./Processes.ts"
import { type BenchOptions, compare } from "./Rounds.ts"
import { frameHeadBytes, type ReceiversRequest, type Wire, windowChunks } from "./receivers.ts"

const goal = 0.5
const chunkBytes = 65_536
const loads = [
  { boards: 1, bytes: 12_000_000 },
  { boards: 100, bytes: 2_000_000 }
] as const

type Receivers = Worker<ReceiversRequest, undefined>

const receiversAt = async (wire: Wire, port: number, count: number): Promise<Receivers> => {
  const receivers = worker<ReceiversRequest, undefined>("./receivers.ts")
  await receivers.ask({ do: "connect", wire, port, count })
  return receivers
}

/** Sends an image to each socket that is connected, a window of chunks at a time. */
class BareSender {
  readonly #server: Server
  readonly #sockets: Array<Socket> = []

  constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => void this.#sockets.push(socket))
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => {
        const address = this.#server.address()
        resolve(typeof address === "object" && address !== null ? address.port : 0)
      })
    })
  }

  send(image: Buffer): void {
    for (const socket of this.#sockets) this.#sendTo(socket, image)
  }

  #sendTo(socket: Socket, image: Buffer): void {
    const count = Math.ceil(image.length / chunkBytes)
    let sent = 0
    const pump = (acknowledged: number): void => {
      for (; sent < count && sent < acknowledged + windowChunks; sent++) {
        const chunk = image.subarray(sent * chunkBytes, (sent + 1) * chunkBytes)
        const head = Buffer.alloc(frameHeadBytes)
        head.writeUInt32BE(chunk.length)
        socket.cork()
        socket.write(head)
        socket.write(chunk)
        socket.uncork()
      }
    }
    socket.removeAllListeners("data")
    socket.on("data", (words: Buffer) => pump(words.readUInt32BE(words.length - 4)))
    pump(0)
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}

const request = async (url: string, init: RequestInit): Promise<unknown> => {
  const response = await fetch(url, { method: "POST", ...init })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return response.json()
}

let rounds = 0

/** Provisions every board at once; answers MB a second until the last one has all of it installed. */
const provision = (receivers: Receivers, wire: Wire, http: number, image: Buffer, count: number) => async () => {
  const sha256 = createHash("sha256").update(image).digest("hex")
  rounds++
  await receivers.ask({ do: "expect", bytes: image.length })
  const startedAt = performance.now()
  const received = receivers.ask({ do: "receive" })
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      request(`http://127.0.0.1:${http}/api/session/bench-${rounds}-${index}/Provision`, {
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ device: `taker-${wire}-${index}`, sha256 })
      })
    )
  )
  await received
  return (image.length * count) / 1e6 / ((performance.now() - startedAt) / 1000)
}

const bare = (receivers: Receivers, sender: BareSender, image: Buffer, count: number) => async () => {
  await receivers.ask({ do: "expect", bytes: image.length })
  const startedAt = performance.now()
  sender.send(image)
  await receivers.ask({ do: "receive" })
  return (image.length * count) / 1e6 / ((performance.now() - startedAt) / 1000)
}

export const provisioning = async ({ isQuick }: BenchOptions): Promise<void> => {
  for (const { boards, bytes } of loads) {
    const image = randomBytes(bytes)
    const node = await startCluster(1, 20)
    const [http = 0] = node.httpPorts
    const [mqtt = 0] = node.mqttPorts
    await request(`http://127.0.0.1:${http}/api/images?kind=firmware&name=bench&version=1.0.0`, {
      headers: { "content-type": "application/octet-stream" },
      body: image
    })
    const sender = new BareSender()
    const atSockets = await receiversAt("bare", await sender.listen(), boards)
    const atMqtt = await receiversAt("mqtt", mqtt, boards)
    const atWebSocket = await receiversAt("websocket", http, boards)
    const overMqtt = provision(atMqtt, "mqtt", http, image, boards)
    const overWebSocket = provision(atWebSocket, "websocket", http, image, boards)
    await overMqtt()
    await overWebSocket()
    await compare(
      `an image of ${bytes / 1e6} MB to ${boards === 1 ? "one board" : `${boards} boards at once`}, installed, MB a second`,
      [
        { name: "bare sockets", unit: "MB/s", run: bare(atSockets, sender, image, boards) },
        { name: "MQTT", unit: "MB/s", goal: { atLeast: goal }, run: overMqtt },
        { name: "WebSocket", unit: "MB/s", goal: { atLeast: goal }, run: overWebSocket }
      ],
      isQuick ? 3 : 5
    )
    sender.close()
    for (const { child } of [atSockets, atMqtt, atWebSocket]) await stop(child)
    await node.stop()
  }
}
