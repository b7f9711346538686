/** Ports for processes that are yet to start. */
import { randomInt } from "node:crypto"
import { createServer } from "node:net"

/** Systems give the ports above to outgoing connections, which would take a port between the look and its use. */
const range: readonly [number, number] = [10_000, 32_000]

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false))
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)))
  })

/** As many loopback ports in a row, free at the moment of the answer. */
export const freePorts = async (count: number): Promise<ReadonlyArray<number>> => {
  for (;;) {
    const first = randomInt(range[0], range[1] - count)
    const ports = Array.from({ length: count }, (_, index) => first + index)
    if ((await Promise.all(ports.map(isFree))).every((free) => free)) return ports
  }
}
