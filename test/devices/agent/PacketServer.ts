/** A server that speaks raw MQTT packets of either version, as the test tells it: no npm broker speaks MQTT 5. */
import { once } from "node:events"
import { type AddressInfo, createServer, type Socket } from "node:net"
import { generate, type IConnackPacket, type Packet, parser } from "mqtt-packet"

/** One connection of a client. */
export class PacketConnection {
  readonly packets: Array<Packet> = []
  readonly #socket: Socket
  #version: number
  #waiting: Array<() => void> = []

  constructor(socket: Socket, version: number) {
    this.#socket = socket
    this.#version = version
    const reader = parser({ protocolVersion: version })
    reader.on("packet", (packet: Packet) => this.#took(packet))
    socket.on("data", (data) => reader.parse(data))
    socket.on("error", () => {})
    socket.on("close", () => this.#wake())
  }

  #took(packet: Packet): void {
    this.packets.push(packet)
    this.#wake()
  }

  #wake(): void {
    for (const check of this.#waiting.splice(0)) check()
  }

  say(packet: Packet): void {
    this.#socket.write(generate(packet, { protocolVersion: this.#version }))
  }

  /** Breaks the connection. */
  cut(): void {
    this.#socket.destroy()
  }

  get isOver(): boolean {
    return this.#socket.destroyed
  }

  /** The first packet of this kind, once it has come. */
  async packet<C extends Packet["cmd"]>(cmd: C): Promise<Extract<Packet, { readonly cmd: C }>> {
    for (;;) {
      const found = this.packets.find((packet): packet is Extract<Packet, { readonly cmd: C }> => packet.cmd === cmd)
      if (found !== undefined) return found
      if (this.isOver) throw new Error(`closed before ${cmd}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Comes back once the client has gone. */
  async over(): Promise<void> {
    while (!this.isOver) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Lets the client in and grants its subscription. */
  async admit(): Promise<void> {
    await this.packet("connect")
    this.say(accepted(this.#version))
    const subscribe = await this.packet("subscribe")
    this.say({ cmd: "suback", messageId: subscribe.messageId ?? 0, granted: [1] })
  }
}

const accepted = (version: number): IConnackPacket =>
  version === 5
    ? { cmd: "connack", sessionPresent: false, reasonCode: 0 }
    : { cmd: "connack", sessionPresent: false, returnCode: 0 }

/** A listener on a free port of the loopback. */
export class PacketServer {
  readonly connections: Array<PacketConnection> = []
  readonly #net = createServer()
  #waiting: Array<() => void> = []

  static async start(version: 4 | 5): Promise<PacketServer> {
    const server = new PacketServer()
    server.#net.on("connection", (socket) => {
      server.connections.push(new PacketConnection(socket, version))
      for (const check of server.#waiting.splice(0)) check()
    })
    server.#net.listen(0, "127.0.0.1")
    await once(server.#net, "listening")
    return server
  }

  get url(): string {
    const { port } = this.#net.address() as AddressInfo
    return `mqtt://127.0.0.1:${port}`
  }

  /** The connection of this number, from 0, once it is there. */
  async connection(index: number): Promise<PacketConnection> {
    for (;;) {
      const found = this.connections[index]
      if (found !== undefined) return found
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async stop(): Promise<void> {
    for (const connection of this.connections) connection.cut()
    this.#net.close()
    await once(this.#net, "close")
  }
}
