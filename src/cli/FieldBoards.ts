/** Boards without a link as processes of this machine: their memories, their trust, and what they say. */
import { randomBytes } from "node:crypto"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { Console, Effect, Option, Result, Schema } from "effect"
import { Flag } from "effect/cli"
import { realClock } from "../../devices/agent/RealTime.ts"
import { FileNvDevice } from "../../devices/nv/FileNvDevice.ts"
import { hostMap, hostShape } from "../../devices/nv/NvMap.ts"
import { NvStore } from "../../devices/nv/NvStore.ts"
import { FieldBoard, type FieldBoardEvent, type FieldBoardParts } from "../../devices/provisioning/FieldBoard.ts"
import { fieldTrustIn } from "../../devices/provisioning/FieldTrust.ts"
import { guardedLine, type LinePlace, lineFlags, lineParts, servedLine } from "./BoardLine.ts"
import { formats } from "./Format.ts"
import { wholeNumber } from "./Numbers.ts"

/** The memories of the board cannot be opened. */
export class MemoriesUnreadable extends Schema.TaggedError<MemoriesUnreadable>()("MemoriesUnreadable", {
  folder: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `the memories in ${this.folder} cannot be read (${this.reason})`
  }
}

/** The board does not know whom to trust. */
export class TrustUnreadable extends Schema.TaggedError<TrustUnreadable>()("TrustUnreadable", {
  reason: Schema.String
}) {
  override get message() {
    return `whom the board trusts cannot be told: ${this.reason}; mend that file, or take it away`
  }
}

/** What every such board takes; `memoriesDefault` says where it keeps them when nobody does. */
export const boardFlags = (memoriesDefault: string) => ({
  memories: Flag.String("memories").pipe(
    Flag.withDescription(
      `Folder of its memories, of its boot.json, and of the folder trust with the keys of those it believes (default: ${memoriesDefault})`
    ),
    Flag.optional
  ),
  card: Flag.String("card").pipe(
    Flag.withDescription(
      "Folder of an SD card: what its hsx/manifest.json or manifest.toml names is started, not what the board keeps"
    ),
    Flag.optional
  ),
  buffer: wholeNumber("buffer", 64, 1_048_576).pipe(
    Flag.withDescription(
      "Bytes of an image that it can hold until they are stored, as a small part; full, it asks its master to wait (default: it stores as they come)"
    ),
    Flag.optional
  ),
  format: formats,
  ...lineFlags
})

/** What the flash of a small part stores in a millisecond: a page of 256 bytes in 13 ms. */
const storedBytesPerMilli = 20

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

/** Runs one for as long as the scope is open, and prints what happens on it. */
export const fieldBoard = Effect.fnUntraced(function* (options: {
  readonly folder: string
  readonly flags: {
    readonly format: boolean
    readonly card: Option.Option<string>
    readonly buffer: Option.Option<number>
  } & LinePlace
  readonly ways: Pick<FieldBoardParts, "node" | "can" | "line">
}) {
  const { folder, flags: place, ways } = options
  const { buffer, card, format } = options.flags
  const devices = yield* memoriesIn(folder, format)
  const { roleKeys, trust } = yield* Effect.mapError(
    Effect.fromResult(fieldTrustIn(join(folder, "trust"))),
    (reason) => new TrustUnreadable({ reason })
  )
  yield* guardedLine(place, roleKeys.size > 0)
  const clock = yield* realClock
  const runFork = Effect.runForkWith(yield* Effect.context<never>())
  const observe = (event: FieldBoardEvent): void => {
    const line = shown(event)
    if (line !== undefined) runFork(Console.log(line))
  }
  const nonce = () => new Uint8Array(randomBytes(8))
  const started = yield* Effect.acquireRelease(
    Effect.mapError(
      Effect.fromResult(
        FieldBoard.start({
          ...ways,
          ...lineParts(place),
          clock,
          devices,
          observe,
          folder,
          trust,
          ...(roleKeys.size === 0 ? {} : { roles: { roleKeys, nonce } }),
          ...(Option.isSome(buffer) ? { staging: { bytes: buffer.value, bytesPerMilli: storedBytesPerMilli } } : {}),
          ...(Option.isSome(card) ? { card: card.value } : {})
        })
      ),
      ({ detail }) => new MemoriesUnreadable({ folder, reason: detail })
    ),
    (running) => Effect.sync(() => running.stop())
  )
  yield* servedLine(started.rpc, place)
  return started
})
