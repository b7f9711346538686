/** A push to a board whose gateway is on another node than its actor, against an echo over TCP. */
import { connect, createServer, type Server } from "node:net"
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted, Result, Schema } from "effect"
import { decodeDown, encodeUp } from "../../src/protocol/FrameCodec.ts"
import type { TwinValue } from "../../src/protocol/TwinValue.ts"
import { RawClient } from "../gateways/mqtt/RawClient.ts"
import { startPostgres } from "../support/Postgres.ts"
import { post, startNode, stop, writeConfig } from "./Processes.ts"
import { type BenchOptions, compare, percentile } from "./Rounds.ts"

/** Enough that no board's turn comes again within the time in which the actor gathers changes into one frame. */
const boardCount = 96
const pushes = 200
const warmUpRounds = 4
const goalMillis = 1.5
const echoBytes = 100
const Health = Schema.Struct({ node: Schema.String })

/** A board that takes what is desired as it comes. */
class Board {
  readonly id: string
  readonly #client: RawClient
  #packetId = 0

  private constructor(id: string, client: RawClient) {
    this.id = id
    this.#client = client
  }

  static async attach(id: string, port: number): Promise<Board> {
    const client = await RawClient.connected(port, id)
    const board = new Board(id, client)
    client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: `holon/1/b/${id}/dn`, qos: 1 }] })
    const about = { min: 1, max: 1, boot: 5, link: 1, up: 1000, profile: "bench", firmware: "1", caps: 0, rx: 4096 }
    board.#send(encodeUp({ type: "hello", seq: 0, id, ...about }))
    await board.next("welcome")
    // A full report, after which the board is owed no more than what is desired from now on.
    board.#send(encodeUp({ type: "report", seq: 1, full: true, state: { n: 0 } }))
    return board
  }

  #send(payload: Uint8Array): void {
    this.#packetId = (this.#packetId % 65_535) + 1
    const frame = { topic: `holon/1/b/${this.id}/up`, payload: Buffer.from(payload), messageId: this.#packetId }
    this.#client.send({ cmd: "publish", qos: 1, dup: false, retain: false, ...frame })
  }

  /** Waits for a frame of this type and acknowledges it. */
  async next(type: "welcome" | "desired"): Promise<void> {
    for (;;) {
      const { payload, messageId = 0, qos } = await this.#client.next("publish")
      if (qos > 0) this.#client.send({ cmd: "puback", messageId })
      const decoded = decodeDown(new Uint8Array(Buffer.from(payload)), 65_536)
      if (Result.isFailure(decoded)) throw new Error(`${this.id}: ${decoded.failure.detail}`)
      const frame = decoded.success
      if (frame.type === "desired") this.#send(encodeUp({ type: "desired-ack", seq: 0, version: frame.version }))
      if (frame.type === type) return
    }
  }

  close(): void {
    this.#client.socket.destroy()
  }
}

/** Median milliseconds from the request at the actor's node to the frame at the board; the commit is in it. */
const pushTo = (boards: ReadonlyArray<Board>, httpPort: number, counter: { value: number }) => async () => {
  const waits: Array<number> = []
  for (let push = 0; push < pushes; push++) {
    const board = boards[push % boards.length]
    if (board === undefined) throw new Error("no board whose actor is there")
    const patch: Readonly<Record<string, TwinValue>> = { n: ++counter.value }
    const startedAt = performance.now()
    const [{ status }] = await Promise.all([
      post(httpPort, board.id, "SetDesired", { patch }),
      board.next("desired").then(() => waits.push(performance.now() - startedAt))
    ])
    if (status !== 200) throw new Error(`SetDesired answers ${status}`)
  }
  return percentile(waits, 0.5)
}

const listen = (): Promise<{ readonly server: Server; readonly port: number }> =>
  new Promise((resolve) => {
    const server = createServer({ noDelay: true }, (socket) => socket.pipe(socket))
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resolve({ server, port: typeof address === "object" && address !== null ? address.port : 0 })
    })
  })

const echo = (port: number) => async (): Promise<number> => {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true })
  const waits: Array<number> = []
  await new Promise<void>((resolve) => {
    const bytes = Buffer.alloc(echoBytes, 7)
    let startedAt = 0
    const next = (): void => {
      startedAt = performance.now()
      socket.write(bytes)
    }
    socket.once("connect", next)
    socket.on("data", () => {
      waits.push(performance.now() - startedAt)
      if (waits.length < pushes) next()
      else resolve()
    })
  })
  socket.destroy()
  return percentile(waits, 0.5)
}

const nodeName = async (httpPort: number): Promise<string> => {
  const response = await fetch(`http://127.0.0.1:${httpPort}/health`)
  return Schema.decodeUnknownSync(Health)(await response.json()).node
}

const ownersOf = (url: string): Promise<ReadonlyMap<string, string>> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const rows = yield* sql<{ readonly id: string; readonly owner: string }>`
        select id, owner from actor where kind = 'device'`
      return new Map(rows.map(({ id, owner }) => [id, owner]))
    }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url) })))
  )

export const push = async ({ isQuick }: BenchOptions): Promise<void> => {
  const server = await startPostgres()
  const { path, httpPorts, mqttPorts } = await writeConfig(2)
  const nodes = await Promise.all([startNode(path, 0, server.url), startNode(path, 1, server.url)])
  const [gateway = 0] = mqttPorts
  const [near = 0, far = 0] = httpPorts
  const ids = Array.from({ length: boardCount }, (_, index) => `board-${index}`)
  const boards = await Promise.all(ids.map((id) => Board.attach(id, gateway)))
  const owners = await ownersOf(server.url)
  const names = { near: await nodeName(near), far: await nodeName(far) }
  const ownedBy = (name: string) => boards.filter(({ id }) => owners.get(id) === name)
  const counter = { value: 0 }
  const { server: echoServer, port } = await listen()
  // Both ways as warm as in a node that has run for a minute.
  for (let round = 0; round < warmUpRounds; round++)
    for (const [name, port] of [[names.near, near] as const, [names.far, far] as const])
      await pushTo(ownedBy(name), port, counter)()
  const [, , across] = await compare(
    "from a SetDesired at the actor's node to the frame at the board, commit included, median of a round",
    [
      { name: `TCP echo of ${echoBytes} bytes`, unit: "ms", run: echo(port) },
      { name: "gateway on the actor's node", unit: "ms", run: pushTo(ownedBy(names.near), near, counter) },
      {
        name: "gateway on another node",
        unit: "ms",
        run: pushTo(ownedBy(names.far), far, counter)
      }
    ],
    isQuick ? 2 : 5
  )
  const isMet = across !== undefined && across.median <= goalMillis
  console.log(`  gateway on another node, goal ≤ ${goalMillis} ms: ${isMet ? "met" : "MISSED"}`)
  for (const board of boards) board.close()
  echoServer.close()
  for (const node of nodes) await stop(node)
  await server.stop()
}
