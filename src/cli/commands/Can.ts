/** `holon can`: a CAN bus between processes of this machine, boards on it, and images for them. They need no cluster. */
import { join } from "node:path"
import { Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { realClock } from "../../../devices/agent/RealTime.ts"
import { loadFlags } from "../../../devices/provisioning/LoadPdu.ts"
import { startGroup } from "../../../devices/provisioning/transports/CanBroadcastListener.ts"
import {
  type BroadcastRequest,
  CanBroadcastMaster,
  type NodeOutcome
} from "../../../devices/provisioning/transports/CanBroadcastMaster.ts"
import { CanHub, type CanMember, joinBus } from "../../../devices/provisioning/transports/CanHub.ts"
import { canClient } from "../../../devices/provisioning/transports/CanUnicast.ts"
import { bridgeBuses, type CanBitRate, canBitRates, SlcanBus } from "../../../devices/provisioning/transports/Slcan.ts"
import { examples } from "../Examples.ts"
import { boardFlags, fieldBoard } from "../FieldBoards.ts"
import {
  firstXfer,
  imageToPush,
  proofFlags,
  pushedLine,
  pushFlags,
  pushThrough,
  refused,
  signFlags
} from "../FieldPush.ts"
import { json } from "../Globals.ts"
import { port, wholeNumber } from "../Numbers.ts"
import { openedLine } from "../SerialLines.ts"
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

/** A role is proved to one board, in answer to what it asks. */
export class ProofToMany extends Schema.TaggedError<ProofToMany>()("ProofToMany", {}) {
  override get message() {
    return "a role is proved to one board: name it with --node; what goes to all at once is signed with --key instead"
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

/** Joins the bus of this machine to the one behind an adapter, for the scope; the answer fails when the adapter goes away. */
const bridged = Effect.fnUntraced(function* (listening: number, adapter: string, bitRate: CanBitRate) {
  const { gone, line } = yield* openedLine({ port: adapter, baud: adapterBaud, rtscts: false })
  const outside = yield* Effect.acquireRelease(
    Effect.sync(() => new SlcanBus(line, bitRate)),
    (open) => Effect.sync(() => open.close())
  )
  const inside = yield* joined(listening)
  yield* Effect.acquireRelease(
    Effect.sync(() => bridgeBuses(inside, outside)),
    (part) => Effect.sync(part)
  )
  return gone
})

/** Adapters on USB take any; those behind a real line come set to this. */
const adapterBaud = 115_200

const hub = Command.make(
  "hub",
  {
    port: port("port").pipe(Flag.withDescription("Port of this machine"), Flag.withDefault(defaultPort)),
    adapter: Flag.String("adapter").pipe(
      Flag.withDescription(
        "Serial line of a CAN adapter that speaks slcan (LAWICEL): joins the bus to the one behind it"
      ),
      Flag.optional
    ),
    bitRate: Flag.Literals("bit-rate", canBitRates).pipe(
      Flag.withDescription("Bits in a second on the bus behind the adapter"),
      Flag.withDefault("500000")
    )
  },
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
    const bridge = yield* Option.match(flags.adapter, {
      onNone: () => Effect.succeed(Effect.never),
      onSome: (adapter) => bridged(listening, adapter, flags.bitRate)
    })
    const beside = Option.isSome(flags.adapter) ? `, joined to the one behind ${flags.adapter.value}` : ""
    yield* Console.log(`CAN bus at ${host}:${listening}${beside}; Ctrl-C ends it`)
    return yield* bridge
  }, Effect.scoped)
).pipe(
  Command.withDescription("Run a CAN bus for processes of this machine, and join it to a real one"),
  examples(
    [""],
    ["--port 7760", "A second one; boards and masters name it with --bus"],
    ["--adapter /dev/ttyACM0 --bit-rate 250000", "Joined to the bus behind a USB adapter"]
  )
)

const board = Command.make(
  "board",
  { bus, node, ...boardFlags(".holon/can-NODE") },
  Effect.fn(function* (flags) {
    const member = yield* joined(flags.bus)
    yield* fieldBoard({
      folder: Option.getOrElse(flags.memories, () => join(".holon", `can-${flags.node}`)),
      flags,
      ways: { node: flags.node, can: { bus: member, name: "can0" } }
    })
    yield* Console.log(`simulated board ${flags.node} is on the bus; Ctrl-C ends it`)
    return yield* Effect.never
  }, Effect.scoped)
).pipe(
  Command.withDescription("Put a simulated board on the bus; its programs come over the bus or a card"),
  examples(["--node 5"], ["--node 6 --card my-card", "Starts what my-card/hsx/manifest.json names"])
)

/** Sends an image to all boards at once that hear it, and says how it went for each. */
const broadcast = (
  member: CanMember,
  request: Omit<BroadcastRequest, "flags"> & { readonly persist: boolean }
): Effect.Effect<ReadonlyArray<NodeOutcome>> =>
  Effect.gen(function* () {
    const clock = yield* realClock
    return yield* Effect.callback<ReadonlyArray<NodeOutcome>>((resume) => {
      const flags = loadFlags.autostart | (request.persist ? loadFlags.persist : 0)
      const master = new CanBroadcastMaster(member, clock, { ...request, flags }, (outcomes) =>
        resume(Effect.succeed(outcomes))
      )
      return Effect.sync(() => master.abort())
    })
  })

const numbers = (text: string): ReadonlyArray<number> => text.split(",").map(Number)

const expected = (description: string) =>
  Flag.String("expect").pipe(
    Flag.withDescription(description),
    Flag.filter(
      (text) => numbers(text).every((number) => Number.isInteger(number) && number >= 1 && number <= 126),
      (text) => `${text} is no list of board numbers, as 5,6`
    ),
    Flag.optional
  )

const push = Command.make(
  "push",
  {
    bus,
    ...pushFlags,
    ...proofFlags,
    node: node.pipe(Flag.optional),
    expect: expected("Without --node the image goes to all boards at once: those that must take it, as 5,6")
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
    if (Option.isSome(flags.roleKey)) return yield* new ProofToMany()
    const expected = Option.isSome(flags.expect) ? numbers(flags.expect.value) : []
    const outcomes = yield* broadcast(member, { image, xfer: firstXfer(), expected, persist: !flags.volatile })
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
).pipe(
  Command.withDescription("Bring an image to one board of the bus, or to all at once"),
  examples(
    ["blink.hxe --node 5"],
    ["blink.hxe --expect 5,6", "To all at once; fails unless these two have it"],
    ["blink.hxe --node 5 --key ada.pem --role-key admin.key", "Signed inside, by a master that proves its role"]
  )
)

/** Numbers of transfers on the bus: another one each time, as boards tell by it what is a repeat. */
const after = (xfer: number): number => (xfer % 255) + 1

const boot = Command.make(
  "boot",
  {
    json,
    bus,
    files: Argument.String("file").pipe(
      Argument.withDescription("Images that a board runs instead of what it keeps, in the order of their start"),
      Argument.atLeast(1)
    ),
    ...signFlags,
    keep: Flag.Boolean("keep").pipe(
      Flag.withDescription("The boards keep the images as well"),
      Flag.withDefault(false)
    ),
    expect: expected("End when these boards have taken all images, as 5,6; without it, Ctrl-C ends it")
  },
  Effect.fn(function* (flags) {
    const images = yield* Effect.forEach(flags.files, (file) => imageToPush({ ...flags, file }))
    const member = yield* joined(flags.bus)
    const wanted = Option.map(flags.expect, numbers)
    // By board, the images it has answered about; a board that starts anew answers anew.
    const answered = new Map<number, Map<string, NodeOutcome>>()
    const isWanting = (node: number) => flags.files.some((file) => !answered.get(node)?.has(file))
    if (!flags.json && Option.isNone(wanted))
      yield* Console.log("boards that are switched on now run these images; Ctrl-C ends it")
    let xfer = firstXfer()
    while (Option.isNone(wanted) || wanted.value.some(isWanting)) {
      for (const [index, image] of images.entries()) {
        const file = flags.files[index] ?? ""
        xfer = after(xfer)
        const outcomes = yield* broadcast(member, { image, xfer, group: startGroup, persist: flags.keep })
        for (const outcome of outcomes) {
          const { node: number, status } = outcome
          const known = answered.get(number) ?? new Map<string, NodeOutcome>()
          answered.set(number, known)
          // A board says no as long as it listens; once is enough.
          const isRepeat = status !== 0 && known.get(file)?.status === status
          known.set(file, outcome)
          if (isRepeat) continue
          const said =
            status === 0 ? `runs ${file} as pid ${outcome.pid}` : refused(file, { code: status, detail: "" }).message
          yield* Console.log(flags.json ? JSON.stringify({ file, ...outcome }) : `board ${number} ${said}`)
        }
      }
    }
    const failed = [...answered].flatMap(([number, known]) =>
      [...known].filter(([, { status }]) => status !== 0).map(([file, { status }]) => ({ number, file, status }))
    )[0]
    if (failed !== undefined)
      return yield* refused(`${failed.file} on board ${failed.number}`, { code: failed.status, detail: "" })
  }, Effect.scoped)
).pipe(
  Command.withDescription("Give images to boards of the bus that are being switched on"),
  examples(["blink.hxe", "Until Ctrl-C"], ["base.hxe pump.hxe --expect 5,6", "Until both boards have both"])
)

export const can = Command.make("can").pipe(
  Command.withDescription("A CAN bus on this machine, boards on it, and images for them"),
  Command.withSubcommands([hub, board, push, boot])
)
