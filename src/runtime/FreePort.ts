/** A port that nobody listens on. */
import { createServer } from "node:net"
import { Effect } from "effect"

/** A free port of `host`, at the moment of the answer; for what must be told to others before it is listened on. */
export const freePort = (host: string): Effect.Effect<number> =>
  Effect.callback((resume) => {
    const server = createServer()
    server.once("error", (cause) => resume(Effect.die(cause)))
    server.listen(0, host, () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      server.close(() => resume(Effect.succeed(port)))
    })
  })
