/** Ports that nobody listens on, for what must be told to others before it is listened on. */
import { randomInt } from "node:crypto"
import { createServer } from "node:net"
import { Effect } from "effect"

/** Systems give the ports above to outgoing connections, which would take a port between the look and its use. */
const range: readonly [number, number] = [10_000, 32_000]

const isFree = (port: number, host: string): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const server = createServer()
    server.once("error", (cause: NodeJS.ErrnoException) =>
      resume(cause.code === "EADDRINUSE" || cause.code === "EACCES" ? Effect.succeed(false) : Effect.die(cause))
    )
    server.listen(port, host, () => server.close(() => resume(Effect.succeed(true))))
  })

/** As many ports of `host` in a row, free at the moment of the answer. */
export const freePorts = (count: number, host: string): Effect.Effect<ReadonlyArray<number>> =>
  Effect.suspend(() => {
    const first = randomInt(range[0], range[1] - count)
    const ports = Array.from({ length: count }, (_, index) => first + index)
    return Effect.flatMap(
      Effect.forEach(ports, (port) => isFree(port, host), { concurrency: "unbounded" }),
      (free) => (free.every((one) => one) ? Effect.succeed(ports) : freePorts(count, host))
    )
  })
