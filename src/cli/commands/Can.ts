/** `holon can`: a CAN bus between processes of this machine, boards on it, and images for them. They need no cluster. */
import { join } from "node:path"
import { Console, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { realClock } from "../../../devices/agent/RealTime.ts"
import { loadFlags } from "../../../devices/provisioning/LoadPdu.ts"
import { CanBroadcastMaster, type NodeOutcome } from "../../../devices/provisioning/transports/CanBroadcastMaster.ts"
import { CanHub, type CanMember, joinBus } from "../../../devices/provisioning/transports/CanHub.ts"
import { canClient } from "../../../devices/provisioning/transports/CanUnicast.ts"
import { boardFlags, fieldBoard } from "../FieldBoards.ts"
import { firstXfer, imageToPush, proofFlags, pushedLine, pushFlags, pushThrough, refused } from "../FieldPush.ts"
import { port, wholeNumber } from "../Numbers.ts"
import { table } from "../Table.ts"

const defaultPort = 7750
const host = "127.0.0.1"

/** Nobody answers where the bus should be, or it has gone. */
export class BusUnreachable extends Schema.TaggedError<BusUnreachable>()("BusUnreachable", {
  port: Schema.Int,
  reason: Schema.String
}) {
  override get message() {
    return `no bus at port ${this.port} (${this.reason}); start one with "holon can hub"`
  }
}

/** The port of the hub cannot be had. */
export class HubRefused extends Schema.TaggedError<HubRefused>()("HubRefused", { port: Schema.Int }) {
  override get message() {
    return `port ${this.port} is taken; name another with --port`
  }
}

const bus = port("bus").pipe(Flag.withDescription("Port of the bus on this machine"), Flag.withDefault(defaultPort))
const node = wholeNumber("node", 1, 126).pipe(Flag.withDescription("Number of the board on the bus"))

/** A place on the bus for as long as the scope is open; fails when there is no bus. */
const joined = (address: number) =>
  Effect.acquireRelease(
    Effect.callback<CanMember, BusUnreachable>((resume) => {
      const member = joinBus(
        { host, port: address },
        () => resume(Effect.succeed(member)),
        (cause) => resume(Effect.fail(new BusUnreachable({ port: address, reason: cause?.message ?? "it has gone" })))
      )
    }),
    (member) => Effect.sync(() => member.close())
  )

const hub = Command.make(
  "hub",
  { port: port("port").pipe(Flag.withDescription("Port of this machine"), Flag.withDefault(defaultPort)) },
  Effect.fn(function* (flags) {
    const made = yield* Effect.acquireRelease(
      Effect.sync(() => new CanHub()),
      (open) => Effect.callback<void>((resume) => open.close(() => resume(Effect.void)))
    )
    const listening = yield* Effect.callback<number, HubRefused>((resume) => {
      made.listen(
        flags.port,
        (at) => resume(Effect.succeed(at)),
        () => resume(Effect.fail(new HubRefused({ port: flags.port })))
      )
    })
    yield* Console.log(`CAN bus at ${host}:${listening}; Ctrl-C ends it`)
    return yield* Effect.never
  }, Effect.scoped)
).pipe(Command.withDescription("Run a CAN bus for processes of this machine"))

const board = Command.make(
  "board",
  { bus, node, ...boardFlags(".holon/can-NODE") },
  Effect.fn(function* (flags) {
    const member = yield* joined(flags.bus)
    yield* fieldBoard({
      folder: Option.getOrElse(flags.memories, () => join(".holon", `can-${flags.node}`)),
      isEmptied: flags.format,
      card: flags.card,
      ways: { node: flags.node, can: { bus: member, name: "can0" } }
    })
    yield* Console.log(`simulated board ${flags.node} is on the bus; Ctrl-C ends it`)
    return yield* Effect.never
  }, Effect.scoped)
).pipe(Command.withDescription("Put a simulated board on the bus; its programs come over the bus or a card"))

const broadcast = (member: CanMember, image: Uint8Array, expected: ReadonlyArray<number>, persist: boolean) =>
  Effect.gen(function* () {
    const clock = yield* realClock
    return yield* Effect.callback<ReadonlyArray<NodeOutcome>>((resume) => {
      const flags = loadFlags.autostart | (persist ? loadFlags.persist : 0)
      const master = new CanBroadcastMaster(member, clock, { image, xfer: firstXfer(), expected, flags }, (outcomes) =>
        resume(Effect.succeed(outcomes))
      )
      return Effect.sync(() => master.abort())
    })
  })

const numbers = (text: string): ReadonlyArray<number> => text.split(",").map(Number)

const push = Command.make(
  "push",
  {
    bus,
    ...pushFlags,
    ...proofFlags,
    node: node.pipe(Flag.optional),
    expect: Flag.String("expect").pipe(
      Flag.withDescription("Without --node the image goes to all boards at once: those that must take it, as 5,6"),
      Flag.filter(
        (text) => numbers(text).every((number) => Number.isInteger(number) && number >= 1 && number <= 126),
        (text) => `${text} is no list of board numbers, as 5,6`
      ),
      Flag.optional
    )
  },
  Effect.fn(function* (flags) {
    const { file } = flags
    const image = yield* imageToPush(flags)
    const member = yield* joined(flags.bus)
    if (Option.isSome(flags.node)) {
      const target = flags.node.value
      const { client } = canClient(member, yield* realClock, target, { firstXfer: firstXfer() })
      const pushed = yield* pushThrough(client, image, flags, `board ${target}`)
      return yield* Console.log(
        flags.json ? JSON.stringify({ node: target, ...pushed }) : pushedLine(`board ${target}`, pushed)
      )
    }
    const expected = Option.isSome(flags.expect) ? numbers(flags.expect.value) : []
    const outcomes = yield* broadcast(member, image, expected, !flags.volatile)
    if (flags.json) yield* Console.log(JSON.stringify(outcomes, null, 2))
    else
      yield* Console.log(
        outcomes.length === 0
          ? "no board has joined"
          : table(
              ["board", "result", "pid"],
              outcomes.map(({ node: number, status, pid }) => [number, status === 0 ? "runs" : `code ${status}`, pid])
            )
      )
    const failed = outcomes.find(({ status }) => status !== 0)
    if (failed !== undefined)
      return yield* refused(`${file} on board ${failed.node}`, { code: failed.status, detail: "" })
  }, Effect.scoped)
).pipe(Command.withDescription("Bring an image to one board of the bus, or to all at once"))

export const can = Command.make("can").pipe(
  Command.withDescription("A CAN bus on this machine, boards on it, and images for them"),
  Command.withSubcommands([hub, board, push])
)
