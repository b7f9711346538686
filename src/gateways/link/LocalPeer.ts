/** Whether both ends of a socket are on this machine. */
import { Socket } from "node:net"
import type { Duplex } from "node:stream"

const isLoopbackAddress = (address: string | undefined): boolean =>
  address !== undefined && (address === "::1" || address.startsWith("127.") || address.startsWith("::ffff:127."))

/** False for what is no socket: nothing is known of its ends. */
export const isLocal = (socket: Duplex): boolean =>
  socket instanceof Socket && isLoopbackAddress(socket.remoteAddress) && isLoopbackAddress(socket.localAddress)
