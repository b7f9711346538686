/** The baseline of frames: an MQTT broker in common use that does nothing with what it gets. */
import { createServer } from "node:net"
import { Aedes } from "aedes"
import { serve } from "./Processes.ts"

const broker = await Aedes.createBroker({ concurrency: 10_000 })
const server = createServer({ noDelay: true }, (socket) => broker.handle(socket))

serve(
  () =>
    new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resolve(typeof address === "object" && address !== null ? address.port : 0)
      })
    })
)
