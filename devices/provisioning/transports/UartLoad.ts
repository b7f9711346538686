/** Images over a serial line: which limits and times the two ends use. */
import type { ServiceClock } from "../EventHub.ts"
import { LoadClient } from "../LoadClient.ts"
import { LoadServer, type LoadServerOptions } from "../LoadServer.ts"
import { source } from "../Source.ts"
import type { UartChannel } from "./UartFraming.ts"

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

/** Pushes images to a board at the other end. */
export const uartClient = (channel: UartChannel, clock: ServiceClock, firstXfer: number): LoadClient => {
  const client = new LoadClient({
    clock,
    send: (request) => channel.send(request),
    chunkBytesMax: channel.info.chunkBytesMax,
    replyTimeoutMillis: 300,
    attempts: 5,
    whenSilent: "abort",
    firstXfer
  })
  channel.onMessage((message) => client.receive(message))
  // Whatever was on the line before is no part of the first frame.
  channel.resync()
  return client
}
