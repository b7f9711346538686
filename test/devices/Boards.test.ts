import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Random, Result } from "effect"
import { runBoards } from "../../devices/Boards.ts"
import { hostBoard } from "../../devices/host/HostBoard.ts"
import { build } from "../../devices/hxe/assembler/Build.ts"
import { simulatedBoards } from "../../devices/simulated/SimulatedBoards.ts"
import { caps } from "../../src/protocol/frame/LinkFrames.ts"
import { f16Value } from "../../src/protocol/hxe/F16.ts"
import { freePort } from "../support/Ports.ts"
import { AttachServer, type Guest } from "./AttachServer.ts"
import { manifestOf, sha256 } from "./programs/Bench.ts"

const server = Effect.acquireRelease(
  Effect.promise(() => AttachServer.start()),
  (started) => Effect.promise(() => started.stop())
)

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "holon-board-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

/** Writes what the memory sensor says into a file, switches the lamp on, and ends. */
const lampText = `.entry main
.text
main:
    LDI R1, 33
    SVC HAL_GPIO_READ
    LDI32 R2, buffer
    STH [R2+0], R0
    LDI32 R1, path
    LDI R2, 0
    SVC FS_OPEN
    MOV R1, R0
    LDI32 R2, buffer
    LDI R3, 2
    SVC FS_WRITE
    LDI R1, 0
    LDI R2, 1
    SVC HAL_GPIO_WRITE
    RET
.data
path:
    .asciz "memory"
buffer:
    .zero 2
`

const said = (guest: Guest, type: string) => guest.frames.some((frame) => frame.type === type)

const gone = <A>(fiber: Fiber.Fiber<A, unknown>) => Fiber.interrupt(fiber)

describe("hostBoard", () => {
  it.live("reports this machine, follows the desired lamp and says goodbye when interrupted", () =>
    Effect.gen(function* () {
      const peer = yield* server
      const path = yield* folder
      const shown: Array<boolean> = []
      const board = yield* Effect.forkChild(
        hostBoard({
          id: "host",
          url: peer.url,
          token: "secret",
          folder: path,
          intervalMillis: 50,
          showLed: (on) => shown.push(on)
        })
      )
      const guest = yield* Effect.promise(() => peer.until(() => peer.guests.get("host")))
      assert.strictEqual(guest.authorization, "Bearer secret")
      yield* Effect.promise(() => peer.until(() => guest.reported.cpu !== undefined && guest.reported.led === "off"))
      assert.strictEqual(guest.reported.hostname, hostname())
      guest.say({ type: "desired", epoch: 1, version: 2, state: { led: "on" } })
      yield* Effect.promise(() => peer.until(() => said(guest, "desired-ack")))
      assert.strictEqual(guest.reported.led, "on")
      assert.deepStrictEqual(shown, [true])
      assert.strictEqual(readFileSync(join(path, "led"), "utf8"), "on\n")
      yield* gone(board)
      yield* Effect.promise(() => peer.until(() => said(guest, "goodbye")))
    })
  )

  it.live("counts its boots in its folder, and remembers there what it has executed", () =>
    Effect.gen(function* () {
      const peer = yield* server
      const path = yield* folder
      const id = "018f3a6e-4c00-7abc-8def-0123456789ab"
      const start = Effect.forkChild(hostBoard({ id: "host", url: peer.url, folder: path }))
      const first = yield* start
      const before = yield* Effect.promise(() => peer.until(() => peer.guests.get("host")))
      before.say({ type: "invoke", epoch: 1, id, name: "ping", args: 1, ttl: 60_000 })
      yield* Effect.promise(() => peer.until(() => said(before, "result")))
      yield* gone(first)
      peer.guests.clear()
      const second = yield* start
      const after = yield* Effect.promise(() => peer.until(() => peer.guests.get("host")))
      assert.strictEqual(after.boot, before.boot + 1)
      after.say({ type: "invoke", epoch: 1, id, name: "ping", args: 2, ttl: 60_000 })
      const result = yield* Effect.promise(() =>
        peer.until(() => after.frames.find((frame) => frame.type === "result"))
      )
      assert.deepInclude(result, { code: 0, value: 1, again: true })
      yield* gone(second)
    })
  )

  it.live("lets a program switch its lamp, read its sensors and keep files in its folder", () =>
    Effect.gen(function* () {
      const peer = yield* server
      const path = yield* folder
      const image = Result.getOrThrow(
        build([{ file: "lamp.mvasm", text: lampText }], () => undefined, { name: "lamp" })
      )
      const board = yield* Effect.forkChild(
        hostBoard({ id: "host", url: peer.url, folder: path, intervalMillis: 3_600_000 })
      )
      const guest = yield* Effect.promise(() => peer.until(() => peer.guests.get("host")))
      yield* Effect.promise(() => peer.until(() => guest.reported.led === "off"))
      guest.say({
        type: "image-offer",
        epoch: 1,
        xfer: 1,
        sha256: sha256(image),
        size: image.length,
        kind: 1,
        manifest: manifestOf(image, { name: "lamp", requires: { caps: ["led", "sensor", "file"] } }),
        chunk: 16_384,
        window: 8,
        flags: 1 | 2
      })
      guest.say({ type: "chunk", epoch: 1, xfer: 1, index: 0, data: image })
      guest.say({ type: "image-op", epoch: 1, op: 1, xfer: 1, req: 1 })
      guest.say({ type: "image-op", epoch: 1, op: 2, xfer: 1, req: 2 })
      yield* Effect.promise(() => peer.until(() => guest.reported.led === "on"))
      assert.strictEqual(readFileSync(join(path, "led"), "utf8"), "on\n")
      const measured = readFileSync(join(path, "files", "lamp", "memory"))
      assert.strictEqual(measured.length, 2)
      const share = f16Value(measured.readUInt16LE())
      assert.isTrue(share > 0 && share < 1, String(share))
      yield* gone(board)
    })
  )

  it.live("keeps trying until somebody listens", () =>
    Effect.gen(function* () {
      const port = yield* Effect.promise(freePort)
      const failed = yield* Deferred.make<string | undefined>()
      const board = yield* Effect.forkChild(
        hostBoard({
          id: "host",
          url: `ws://127.0.0.1:${port}/attach`,
          observe: ({ state, why }) => {
            if (state === "down") Deferred.doneUnsafe(failed, Effect.succeed(why))
          }
        })
      )
      assert.strictEqual(yield* Deferred.await(failed), "no connection")
      const peer = yield* Effect.acquireRelease(
        Effect.promise(() => AttachServer.start(port)),
        (started) => Effect.promise(() => started.stop())
      )
      yield* Effect.promise(() => peer.until(() => peer.guests.get("host")))
      yield* gone(board)
    })
  )

  it.live("runs without its folder when that cannot be used, and says that it keeps nothing", () =>
    Effect.gen(function* () {
      const peer = yield* server
      const path = yield* folder
      writeFileSync(join(path, "file"), "in the way")
      const board = yield* Effect.forkChild(hostBoard({ id: "host", url: peer.url, folder: join(path, "file") }))
      const guest = yield* Effect.promise(() => peer.until(() => peer.guests.get("host")))
      const [hello] = guest.frames
      assert.strictEqual(hello?.type === "hello" && hello.caps & caps.commandJournal, 0)
      yield* gone(board)
    })
  )

  it.live("takes no programs where its memories are damaged, until it is started to empty them", () =>
    Effect.gen(function* () {
      const peer = yield* server
      const path = yield* folder
      writeFileSync(join(path, "nvm.bin"), new Uint8Array(4096))
      for (const [formats, kinds] of [
        [false, undefined],
        [true, [1]],
        [false, [1]]
      ] as const) {
        const board = yield* Effect.forkChild(hostBoard({ id: "host", url: peer.url, folder: path, formats }))
        const guest = yield* Effect.promise(() => peer.until(() => peer.guests.get("host")))
        const [hello] = guest.frames
        assert.deepStrictEqual(hello?.type === "hello" ? hello.kinds : [], kinds)
        yield* gone(board)
        peer.guests.delete("host")
      }
    })
  )

  it.live("refuses at once a URL that is no link's", () =>
    Effect.gen(function* () {
      for (const url of ["http://127.0.0.1:1", "nonsense"]) {
        const refusal = yield* Effect.flip(hostBoard({ id: "host", url }))
        assert.strictEqual(refusal._tag, "NoTransport")
        assert.include(refusal.message, url)
      }
    })
  )
})

describe("simulatedBoards", () => {
  it.live("attaches each board under its id, and attaches a lost one again", () =>
    Effect.gen(function* () {
      const peer = yield* server
      const boards = yield* Effect.forkChild(
        simulatedBoards({ count: 5, url: peer.url, seed: 3, intervalMillis: 100, spreadMillis: 0 }).pipe(
          Random.withSeed("jitter")
        )
      )
      yield* Effect.promise(() => peer.until(() => peer.guests.size === 5))
      assert.sameMembers([...peer.guests.keys()], ["heater-1", "heater-2", "heater-3", "heater-4", "heater-5"])
      const third = yield* Effect.promise(() =>
        peer.until(() => {
          const guest = peer.guests.get("heater-3")
          return guest?.reported.temp === undefined ? undefined : guest
        })
      )
      assert.closeTo(Number(third.reported.temp), 22, 2)
      third.drop()
      const again = yield* Effect.promise(() =>
        peer.until(() => {
          const guest = peer.guests.get("heater-3")
          return guest === third ? undefined : guest
        })
      )
      assert.strictEqual(again.boot, third.boot)
      yield* gone(boards)
      yield* Effect.promise(() => peer.until(() => [...peer.guests.values()].every((guest) => said(guest, "goodbye"))))
    })
  )
})

describe("runBoards", () => {
  it.live("runs a host board beside simulated ones", () =>
    Effect.gen(function* () {
      const peer = yield* server
      const boards = yield* Effect.forkChild(
        runBoards({
          host: { id: "host", url: peer.url },
          simulated: { count: 2, url: peer.url, prefix: "sensor-", kind: "sensor" }
        })
      )
      yield* Effect.promise(() => peer.until(() => peer.guests.size === 3))
      assert.sameMembers([...peer.guests.keys()], ["host", "sensor-1", "sensor-2"])
      yield* gone(boards)
    })
  )
})
