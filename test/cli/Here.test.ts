import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { authority } from "../../src/cli/Here.ts"
import { below, end, isAlive, start } from "../support/HolonProcess.ts"
import { freePort } from "../support/Ports.ts"
import { ask, tempFolder, until } from "../support/RunningNode.ts"

describe("commands without flags", () => {
  it.live(
    "find the node without the secrets that its config names",
    () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder
        const secrets = `storage: { url: { env: "HOLON_NOT_SET" } }, tokens: { operators: { ada: { env: "HOLON_NOT_SET" } } }`
        writeFileSync(join(folder, "cluster.config.ts"), `export default { data: "mine", ${secrets} }`)
        const listed = yield* start(folder, "devices", "ls")
        assert.strictEqual(yield* end(listed), 1)
        assert.include(listed.err, "no node has run with this data folder: there is no mine/token")
        const up = yield* start(folder, "up")
        assert.strictEqual(yield* end(up), 1)
        assert.include(up.err, "the environment variable HOLON_NOT_SET is not set")
      }),
    30_000
  )

  it("reach on the machine's own address who listens on all of them, and write IPv6 in brackets", () => {
    assert.strictEqual(authority("0.0.0.0", 7700), "127.0.0.1:7700")
    assert.strictEqual(authority("::", 7700), "[::1]:7700")
    assert.strictEqual(authority("fd00::1", 7700), "[fd00::1]:7700")
    assert.strictEqual(authority("node.example", 7700), "node.example:7700")
  })

  it.live(
    "find node and data by the config of the folder, and say where they looked when nobody is there",
    () =>
      Effect.gen(function* () {
        const folder = yield* tempFolder
        const [http, mqtt] = [yield* Effect.promise(freePort), yield* Effect.promise(freePort)]
        writeFileSync(
          join(folder, "cluster.config.ts"),
          `export default { data: "mine", http: { port: ${http} }, mqtt: { port: ${mqtt} },
            peers: { runnerPort: 0, relayPort: 0 }, demo: { isOn: false } }`
        )
        const early = yield* start(folder, "devices", "ls")
        assert.strictEqual(yield* end(early), 1)
        assert.include(early.err, "no node has run with this data folder: there is no mine/token")
        mkdirSync(join(folder, "mine"))
        writeFileSync(join(folder, "mine", "token"), "x".repeat(43))
        const alone = yield* start(folder, "devices", "ls")
        assert.strictEqual(yield* end(alone), 1)
        assert.match(
          alone.err,
          new RegExp(`^holon: no node answers at http://127.0.0.1:${http}, as .*/cluster.config.ts says \\(.*\\n$`)
        )
        rmSync(join(folder, "mine"), { recursive: true })

        const up = yield* start(folder, "up")
        yield* up.says("holon is ready")
        assert.match(up.out, /npx holon devices ls$/m)
        const board = yield* start(folder, "board", "host")
        yield* board.says("link up")
        const second = yield* start(folder, "board", "host")
        assert.strictEqual(yield* end(second), 1)
        assert.match(second.err, /^holon: the host board "host" runs already \(process \d+\); [^\n]*\n$/)
        const listed = yield* start(folder, "devices", "ls")
        assert.strictEqual(yield* end(listed), 0)
        assert.match(listed.out, /^host +online /m)

        const fleet = yield* start(folder, "board", "sim", "--count", "2", "--kind", "press", "--prefix", "press-")
        yield* fleet.says(`2 simulated press boards attach to mqtt://127.0.0.1:${mqtt}`)
        const devices = Effect.map(ask(`http://127.0.0.1:${http}/api/devices/press-2`), ({ text }) => text)
        yield* until(devices, (text) => text.includes('"online"') && text.includes('"sim-press"'))
        fleet.kill("SIGTERM")
        assert.strictEqual(yield* end(fleet), 130)
        yield* until(devices, (text) => text.includes('"offline"'))

        board.kill("SIGINT")
        assert.strictEqual(yield* end(board), 130)
        const tree = below(up.pid)
        up.kill("SIGINT")
        assert.strictEqual(yield* end(up), 130)
        assert.deepStrictEqual(tree.filter(isAlive), [])
      }),
    60_000
  )
})
