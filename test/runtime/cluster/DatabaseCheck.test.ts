import { writeFileSync } from "node:fs"
import * as Net from "node:net"
import { join } from "node:path"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { durability, PoolingProxy, refuseProxy } from "../../../src/runtime/cluster/DatabaseCheck.ts"
import { freePort } from "../../support/Ports.ts"
import { Postgres } from "../../support/Postgres.ts"

/** A message of the server or, after the startup, of a client: its tag and all its bytes. */
const splitMessages = (buffered: Buffer): { readonly messages: ReadonlyArray<Buffer>; readonly rest: Buffer } => {
  const messages: Array<Buffer> = []
  let rest = buffered
  while (rest.length >= 5 && rest.length >= 1 + rest.readUInt32BE(1)) {
    const end = 1 + rest.readUInt32BE(1)
    messages.push(rest.subarray(0, end))
    rest = rest.subarray(end)
  }
  return { messages, rest }
}
const tagOf = (message: Buffer) => String.fromCharCode(message[0] ?? 0)
const message = (tag: string, ...parts: ReadonlyArray<Buffer>) => {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(5)
  head.write(tag)
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/**
 * A proxy that lends a server connection for the length of a transaction. The one returned last is lent first, as pgbouncer
 * does it, so that a lone client meets the same one each time.
 */
const poolTransactions = (upstream: URL): Effect.Effect<number> =>
  Effect.promise(async () => {
    const free: Array<Backend> = []
    interface Backend {
      readonly socket: Net.Socket
      client: Net.Socket | undefined
    }
    const connect = (): Promise<Backend> =>
      new Promise((resolve) => {
        const socket = Net.connect(Number(upstream.port), "127.0.0.1")
        const backend: Backend = { socket, client: undefined }
        let buffered: Buffer = Buffer.alloc(0)
        socket.on("error", () => {})
        socket.on("connect", () => {
          const body = Buffer.concat([
            int32(196_608),
            Buffer.from(`user\0${upstream.username}\0database\0postgres\0\0`)
          ])
          socket.write(Buffer.concat([int32(body.length + 4), body]))
        })
        socket.on("data", (chunk: Buffer) => {
          const split = splitMessages(Buffer.concat([buffered, chunk]))
          buffered = split.rest
          for (const part of split.messages) {
            backend.client?.write(part)
            const isIdle = tagOf(part) === "Z" && String.fromCharCode(part[5] ?? 0) === "I"
            if (!isIdle) continue
            if (backend.client === undefined) resolve(backend)
            else free.push(backend)
            backend.client = undefined
          }
        })
      })
    const port = await freePort()
    const server = Net.createServer((client) => {
      let isStarted = false
      let buffered: Buffer = Buffer.alloc(0)
      let current: Backend | undefined
      let turn = Promise.resolve()
      client.on("error", () => {})
      client.on("data", (chunk: Buffer) => {
        buffered = Buffer.concat([buffered, chunk])
        if (!isStarted) {
          isStarted = true
          buffered = Buffer.alloc(0)
          const ready = message("Z", Buffer.from("I"))
          return client.write(Buffer.concat([message("R", int32(0)), message("K", int32(4711), int32(1)), ready]))
        }
        const { messages, rest } = splitMessages(buffered)
        buffered = rest
        turn = turn.then(async () => {
          for (const part of messages) {
            if (tagOf(part) === "X") return
            if (current?.client !== client) current = free.pop() ?? (await connect())
            current.client = client
            current.socket.write(part)
          }
        })
      })
    })
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))
    return port
  })

const through = (url: string, port: number) => {
  const proxied = new URL(url)
  proxied.port = String(port)
  return PgClient.layer({ url: Redacted.make(proxied.href), prepare: false })
}

describe("DatabaseCheck", { timeout: 40_000 }, () => {
  it.live("refuses a proxy that pools transactions and lets a direct connection pass", () =>
    Effect.gen(function* () {
      const server = yield* Postgres
      yield* refuseProxy.pipe(Effect.provide(through(server.url, server.port)))
      // The proxy has no password to show.
      writeFileSync(join(server.dataDirectory, "pg_hba.conf"), "host all all 127.0.0.1/32 trust\n")
      yield* Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        yield* sql`select pg_reload_conf()`
      }).pipe(Effect.provide(through(server.url, server.port)))
      const proxy = yield* poolTransactions(new URL(server.url))
      const error = yield* Effect.flip(refuseProxy.pipe(Effect.provide(through(server.url, proxy))))
      assert.deepStrictEqual(error, new PoolingProxy())
    }).pipe(Effect.provide(Postgres.layer()))
  )

  it.live("says what an acknowledgement is worth", () =>
    Effect.gen(function* () {
      const server = yield* Postgres
      const worth = (startupParameters: Record<string, string>) =>
        durability.pipe(Effect.provide(PgClient.layer({ url: Redacted.make(server.url), startupParameters })))
      assert.strictEqual(yield* worth({}), "fsync")
      assert.strictEqual(yield* worth({ synchronous_commit: "off" }), "asynchronous")
    }).pipe(Effect.provide(Postgres.layer()))
  )

  it.live("says that a server without fsync keeps nothing", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* durability, "memory")
    }).pipe(Effect.provide(Postgres.client().pipe(Layer.provide(Postgres.layer({ settings: ["fsync=off"] })))))
  )
})
