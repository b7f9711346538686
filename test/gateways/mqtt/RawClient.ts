/** An MQTT client of plain bytes: what it sends and expects is written out, no library interprets it. */
import { connect, type Socket } from "node:net"
import { generate, type Packet, parser } from "mqtt-packet"

export class RawClient {
  readonly socket: Socket
  readonly packets: Array<Packet> = []
  readonly #parser
  #waiting: Array<() => void> = []
  isClosed = false

  private constructor(socket: Socket, version: 4 | 5) {
    this.socket = socket
    this.#parser = parser({ protocolVersion: version })
    this.#parser.on("packet", (packet: Packet) => {
      this.packets.push(packet)
      this.#wake()
    })
    socket.on("data", (chunk) => this.#parser.parse(chunk))
    socket.on("error", () => {})
    socket.on("close", () => {
      this.isClosed = true
      this.#wake()
    })
  }

  static open(port: number, version: 4 | 5 = 4): Promise<RawClient> {
    return new Promise((resolve) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true })
      const client = new RawClient(socket, version)
      socket.once("connect", () => resolve(client))
    })
  }

  /** Connects and waits for the CONNACK. */
  static async connected(port: number, clientId: string, version: 4 | 5 = 4, more: object = {}): Promise<RawClient> {
    const client = await RawClient.open(port, version)
    client.send(
      { cmd: "connect", protocolId: "MQTT", protocolVersion: version, clean: true, keepalive: 60, clientId, ...more },
      version
    )
    await client.next("connack")
    return client
  }

  write(...bytes: ReadonlyArray<number>): void {
    this.socket.write(Uint8Array.from(bytes))
  }

  send(packet: Packet, version: 4 | 5 = 4): void {
    this.socket.write(generate(packet, { protocolVersion: version }))
  }

  /** The next packet of that kind; packets before it are dropped. Rejects when the connection ends first. */
  async next<Kind extends Packet["cmd"]>(cmd: Kind): Promise<Extract<Packet, { cmd: Kind }>> {
    for (;;) {
      for (let packet = this.packets.shift(); packet !== undefined; packet = this.packets.shift())
        if (isOf(packet, cmd)) return packet
      if (this.isClosed) throw new Error(`closed before ${cmd}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async closed(): Promise<void> {
    while (!this.isClosed) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

const isOf = <Kind extends Packet["cmd"]>(packet: Packet, cmd: Kind): packet is Extract<Packet, { cmd: Kind }> =>
  packet.cmd === cmd
