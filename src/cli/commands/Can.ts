/** `holon can`: a CAN bus between processes of this machine, boards on it, and images for them. They need no cluster. */
import { mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Console, Effect, Option, Result, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { realClock } from "../../../devices/agent/RealTime.ts"
import { FileNvDevice } from "../../../devices/nv/FileNvDevice.ts"
import { hostMap, hostShape } from "../../../devices/nv/NvMap.ts"
import { NvStore } from "../../../devices/nv/NvStore.ts"
import { FieldBoard, type FieldBoardEvent } from "../../../devices/provisioning/FieldBoard.ts"
import type { Pushed } from "../../../devices/provisioning/LoadClient.ts"
import { loadFlags } from "../../../devices/provisioning/LoadPdu.ts"
import { CanBroadcastMaster, type NodeOutcome } from "../../../devices/provisioning/transports/CanBroadcastMaster.ts"
import { CanHub, type CanMember, joinBus } from "../../../devices/provisioning/transports/CanHub.ts"
import { canClient } from "../../../devices/provisioning/transports/CanUnicast.ts"
import type { Refused } from "../../../devices/Refused.ts"
import { BoardRefused } from "../Following.ts"
import { formats } from "../Format.ts"
import { json } from "../Globals.ts"
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

/** The image cannot be read. */
export class ImageUnreadable extends Schema.TaggedError<ImageUnreadable>()("ImageUnreadable", {
  file: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.file} cannot be read (${this.reason})`
  }
}

/** The memories of the board cannot be opened. */
export class MemoriesUnreadable extends Schema.TaggedError<MemoriesUnreadable>()("MemoriesUnreadable", {
  folder: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `the memories in ${this.folder} cannot be read (${this.reason})`
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

const shown = (event: FieldBoardEvent): string | undefined => {
  switch (event.type) {
    case "provisioning.progress":
      return undefined
    case "confirmed":
      return `configuration ${event.generation} has proved itself`
    case "card":
      return event.isUsable ? `card: ${event.detail}` : `the card cannot be used: ${event.detail}`
  }
  const words = Object.entries(event.data)
    .filter(([, value]) => value !== null && typeof value !== "object")
    .map(([name, value]) => `${name}=${String(value)}`)
  return `${event.type}${event.pid === null ? "" : ` pid ${event.pid}`} ${words.join(" ")}`
}

const memoriesIn = (folder: string, isEmptied: boolean) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        mkdirSync(folder, { recursive: true })
        const devices = {
          nvm: new FileNvDevice(join(folder, "nvm.bin"), hostShape.nvm),
          flash: new FileNvDevice(join(folder, "flash.bin"), hostShape.flash)
        }
        if (isEmptied) Result.getOrThrowWith(NvStore.format({ devices }, hostMap), ({ detail }) => new Error(detail))
        return devices
      },
      catch: (cause) =>
        new MemoriesUnreadable({ folder, reason: cause instanceof Error ? cause.message : String(cause) })
    }),
    ({ nvm, flash }) =>
      Effect.sync(() => {
        nvm.close()
        flash.close()
      })
  )

const board = Command.make(
  "board",
  {
    bus,
    node,
    memories: Flag.String("memories").pipe(
      Flag.withDescription("Folder of its memories and of its boot.json (default: .holon/can-NODE)"),
      Flag.optional
    ),
    card: Flag.String("card").pipe(
      Flag.withDescription(
        "Folder of an SD card: what its hsx/manifest.json names is started, not what the board keeps"
      ),
      Flag.optional
    ),
    format: formats
  },
  Effect.fn(function* (flags) {
    const folder = Option.getOrElse(flags.memories, () => join(".holon", `can-${flags.node}`))
    const devices = yield* memoriesIn(folder, flags.format)
    const clock = yield* realClock
    const runFork = Effect.runForkWith(yield* Effect.context<never>())
    const say = (line: string): void => void runFork(Console.log(line))
    const observe = (event: FieldBoardEvent): void => {
      const line = shown(event)
      if (line !== undefined) say(line)
    }
    const made = yield* Effect.acquireRelease(
      Effect.mapError(
        Effect.fromResult(
          FieldBoard.start({
            node: flags.node,
            clock,
            devices,
            observe,
            folder,
            ...(Option.isSome(flags.card) ? { card: flags.card.value } : {})
          })
        ),
        ({ detail }) => new MemoriesUnreadable({ folder, reason: detail })
      ),
      (running) => Effect.sync(() => running.stop())
    )
    const member = yield* joined(flags.bus)
    made.joinCan(member, "can0")
    yield* Console.log(`simulated board ${flags.node} is on the bus; Ctrl-C ends it`)
    return yield* Effect.never
  }, Effect.scoped)
).pipe(Command.withDescription("Put a simulated board on the bus; its programs come over the bus or a card"))

/** Numbers of transfers differ from start to start: late replies to an earlier one match nothing. */
const firstXfer = (): number => 1 + Math.floor(Math.random() * 255)

const refused = (what: string, { code, detail }: Refused) => new BoardRefused({ what, code, detail })

const pushTo = (member: CanMember, target: number, image: Uint8Array, label: string, persist: boolean) =>
  Effect.gen(function* () {
    const clock = yield* realClock
    const { client } = canClient(member, clock, target, { firstXfer: firstXfer() })
    return yield* Effect.callback<Pushed, BoardRefused>((resume) => {
      client.push(image, { label, persist, replace: true }, (result) =>
        resume(
          Result.isSuccess(result)
            ? Effect.succeed(result.success)
            : Effect.fail(refused(`${label} on board ${target}`, result.failure))
        )
      )
      return Effect.sync(() => client.cancel())
    })
  })

const broadcast = (member: CanMember, image: Uint8Array, expected: ReadonlyArray<number>, persist: boolean) =>
  Effect.gen(function* () {
    const clock = yield* realClock
    return yield* Effect.callback<ReadonlyArray<NodeOutcome>>((resume) => {
      const flags = loadFlags.autostart | (persist ? loadFlags.persist : 0)
      new CanBroadcastMaster(member, clock, { image, xfer: firstXfer(), expected, flags }, (outcomes) =>
        resume(Effect.succeed(outcomes))
      )
    })
  })

const numbers = (text: string): ReadonlyArray<number> => text.split(",").map(Number)

const push = Command.make(
  "push",
  {
    json,
    bus,
    file: Argument.String("file").pipe(Argument.withDescription("Image, as lamp.hxe")),
    node: node.pipe(Flag.optional),
    expect: Flag.String("expect").pipe(
      Flag.withDescription("Without --node the image goes to all boards at once: those that must take it, as 5,6"),
      Flag.filter(
        (text) => numbers(text).every((number) => Number.isInteger(number) && number >= 1 && number <= 126),
        (text) => `${text} is no list of board numbers, as 5,6`
      ),
      Flag.optional
    ),
    volatile: Flag.Boolean("volatile").pipe(
      Flag.withDescription("Do not keep it over a restart of the board"),
      Flag.withDefault(false)
    )
  },
  Effect.fn(function* (flags) {
    const { file } = flags
    const image = yield* Effect.try({
      try: () => new Uint8Array(readFileSync(file)),
      catch: (cause) => new ImageUnreadable({ file, reason: cause instanceof Error ? cause.message : String(cause) })
    })
    const member = yield* joined(flags.bus)
    if (Option.isSome(flags.node)) {
      const pushed = yield* pushTo(member, flags.node.value, image, file, !flags.volatile)
      return yield* Console.log(
        flags.json
          ? JSON.stringify({ node: flags.node.value, ...pushed })
          : `board ${flags.node.value} runs it as pid ${pushed.pid}: ${pushed.chunks} chunks, ${pushed.resent} sent again`
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
