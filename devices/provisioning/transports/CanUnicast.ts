/** Images to one board of a CAN bus: which identifiers, limits and times the two ends use. */
import type { ServiceClock } from "../EventHub.ts"
import { LoadClient } from "../LoadClient.ts"
import { LoadServer, type LoadServerOptions } from "../LoadServer.ts"
import { source } from "../Source.ts"
import { type CanBus, canClasses, idFromNode, idToNode } from "./CanFrame.ts"
import { IsoTpChannel } from "./IsoTp.ts"

/** Answers a master of the bus as `board.node`. `channelName` is what people call the bus. */
export const serveCan = (
  bus: CanBus,
  channelName: string,
  options: Omit<LoadServerOptions, "source" | "chunkBytesMax" | "window" | "send">
): { readonly server: LoadServer; readonly channel: IsoTpChannel } => {
  const { node } = options.board
  const channel = new IsoTpChannel(bus, options.clock, {
    send: idFromNode(canClasses.load, node),
    receive: idToNode(canClasses.load, node)
  })
  const server = new LoadServer({
    ...options,
    source: source.can(node, channelName),
    chunkBytesMax: channel.info.chunkBytesMax,
    window: 1,
    send: (reply) => channel.send(reply)
  })
  channel.onMessage((message) => server.receive(message))
  return { server, channel }
}

/** Pushes images to one board. `chunkBytesMax` may be set lower for a bus that loses frames: a message is lost with any of its frames. */
export const canClient = (
  bus: CanBus,
  clock: ServiceClock,
  node: number,
  options: { readonly firstXfer: number; readonly chunkBytesMax?: number }
): { readonly client: LoadClient; readonly channel: IsoTpChannel } => {
  const channel = new IsoTpChannel(bus, clock, {
    send: idToNode(canClasses.load, node),
    receive: idFromNode(canClasses.load, node)
  })
  const client = new LoadClient({
    clock,
    send: (request) => channel.send(request),
    chunkBytesMax: options.chunkBytesMax ?? channel.info.chunkBytesMax,
    replyTimeoutMillis: 500,
    attempts: 5,
    whenSilent: "status",
    firstXfer: options.firstXfer
  })
  channel.onMessage((message) => client.receive(message))
  return { client, channel }
}
