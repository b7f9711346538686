/** The baseline of frames: an MQTT broker in common use that does nothing with what it gets. */
import { createServer } from "node:net"
import { Aedes } from "aedes"
import { listening } from "../support/Ports.ts"
import { serve } from "./Processes.ts"

const broker = await Aedes.createBroker({ concurrency: 10_000 })
const server = createServer({ noDelay: true }, (socket) => broker.handle(socket))

serve(() => listening(server))
