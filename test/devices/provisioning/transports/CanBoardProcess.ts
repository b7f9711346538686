/** A board in a process of its own: joins a CAN bus and answers masters there. Arguments: port of the bus, own number. */
import { Effect } from "effect"
import { realClock } from "../../../../devices/agent/RealTime.ts"
import { Executive } from "../../../../devices/hxe/executive/Executive.ts"
import { executivePrograms } from "../../../../devices/provisioning/ExecutivePrograms.ts"
import { Loader } from "../../../../devices/provisioning/Loader.ts"
import { CanBroadcastListener } from "../../../../devices/provisioning/transports/CanBroadcastListener.ts"
import { joinBus } from "../../../../devices/provisioning/transports/CanHub.ts"
import { serveCan } from "../../../../devices/provisioning/transports/CanUnicast.ts"

const port = Number(process.argv[2])
const node = Number(process.argv[3])
const clock = Effect.runSync(realClock)
const executive = new Executive({ now: clock.board, capabilities: 0xff })
const loader = new Loader({ clock, programs: executivePrograms(executive) })

const say = (what: unknown): void => {
  process.send?.(what)
}

const bus = joinBus(
  { host: "127.0.0.1", port },
  () => {
    serveCan(bus, "can0", {
      loader,
      clock,
      board: { node, capabilities: () => 0xff, codeBytesFree: () => 65_536 },
      level: 1
    })
    new CanBroadcastListener({ bus, clock, loader, node, channelName: "can0", allowsUnsigned: true })
    say({ type: "joined" })
  },
  () => process.exit(0)
)

loader.subscribe((event) => {
  if (event.type === "provisioning.progress") return
  say(event)
  if (event.type !== "provisioning.complete" || event.pid === null) return
  executive.step(100)
  const task = executive.task(event.pid)
  say({ type: "ran", state: task?.state, result: task?.machine?.register(0) })
})

// Whoever started it has gone: so does it.
process.on("disconnect", () => process.exit(0))
