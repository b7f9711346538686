/** Loopback ports for tests: what listens, what is free, what is taken. */
import { createServer, type Server } from "node:net"
import { Effect } from "effect"
import { freePorts } from "../../src/runtime/FreePorts.ts"

/** Listens on a free loopback port, which it answers. */
export const listening = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      if (address === null || typeof address === "string") reject(new Error("no port"))
      else resolve(address.port)
    })
  })

/** A free loopback port, at the moment of the answer. */
export const freePort = async (): Promise<number> => {
  const [port] = await Effect.runPromise(freePorts(1, "127.0.0.1"))
  if (port === undefined) throw new Error("no port")
  return port
}

/** The port of a server that listens for as long as the scope is open; by default one that only keeps it from others. */
export const takenPort = (server: () => Server = createServer) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const made = server()
      return { port: await listening(made), made }
    }),
    ({ made }) => Effect.sync(() => made.close())
  ).pipe(Effect.map(({ port }) => port))
