/** Images over a serial line: which limits and times the two ends use. */
import type { ServiceClock } from "../EventHub.ts"
import { LoadClient } from "../LoadClient.ts"
import { LoadServer, type LoadServerOptions } from "../LoadServer.ts"
import { source } from "../Source.ts"
import { type UartChannel, uartFrameBytes } from "./UartFraming.ts"

/** How long a reply may take, and how much longer than all that may be on the line before it. */
const replyTimeoutMillis = 300
const replyMarginMillis = 100

/** Bits of a byte on the line, with its start and its stop. */
const byteBits = 10

/** Unanswered WRITEs under way: each of their replies gives one back. */
const window = 4

/** Answers a master at the other end. `port` is what people call the line. */
export const serveUart = (
  channel: UartChannel,
  port: string,
  options: Omit<LoadServerOptions, "source" | "chunkBytesMax" | "window" | "damagedFrames" | "send">
): LoadServer => {
  const server = new LoadServer({
    ...options,
    source: source.uart(port),
    chunkBytesMax: channel.info.chunkBytesMax,
    window,
    damagedFrames: () => channel.counters.damaged,
    send: (reply) => channel.send(reply)
  })
  channel.onMessage((message) => server.receive(message))
  return server
}

/**
 * Pushes images to a board at the other end. On a line so slow that a window takes longer than the usual wait for a reply,
 * that wait is longer: to send it all again before it can be answered would only fill the line.
 */
export const uartClient = (
  channel: UartChannel,
  clock: ServiceClock,
  firstXfer: number,
  baudRate = Number.POSITIVE_INFINITY
): LoadClient => {
  const windowBits = window * uartFrameBytes(channel.info.chunkBytesMax) * byteBits
  const client = new LoadClient({
    clock,
    send: (request) => channel.send(request),
    chunkBytesMax: channel.info.chunkBytesMax,
    replyTimeoutMillis: Math.max(replyTimeoutMillis, replyMarginMillis + Math.ceil((1000 * windowBits) / baudRate)),
    attempts: 5,
    whenSilent: "abort",
    firstXfer
  })
  channel.onMessage((message) => client.receive(message))
  // Whatever was on the line before is no part of the first frame.
  channel.resync()
  return client
}
