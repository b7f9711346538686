import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { run, running } from "../support/Cli.ts"
import { freePort } from "../support/Ports.ts"
import { tempFolder, until } from "../support/RunningNode.ts"

const bench = Effect.gen(function* () {
  const folder = yield* tempFolder
  const bus = String(yield* Effect.promise(freePort))
  const hub = yield* running(["can", "hub", "--port", bus])
  yield* hub.says("CAN bus")
  const board = ["can", "board", "--bus", bus, "--node", "5", "--memories", join(folder, "can-5")]
  const started = yield* running([...board, "--rpc", "0"])
  const said = yield* started.says("tools reach the board at 127.0.0.1:")
  return { folder, board, started, port: String(said?.split(":").at(-1)) }
})

describe("holon rpc", () => {
  it.live("asks a board that was started with --rpc, and says when it refuses or is not there", () =>
    Effect.gen(function* () {
      const { port, started } = yield* bench
      const asked = yield* run(["rpc", port, "ping", '{"cmd":"session.open","client":"me"}', "session.current"])
      assert.isTrue(asked.isSuccess, asked.err)
      const [pong, opened, current] = asked.out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
      assert.deepStrictEqual([pong.reply, current.session.id], ["pong", opened.session.id])
      const refused = yield* run(["rpc", port, '{"cmd":"kill","pid":9}'])
      assert.isFalse(refused.isSuccess)
      assert.match(refused.err, /"kill" of the board at port \d+: .*pid:9/)
      const nonsense = yield* run(["rpc", port, "not json"])
      assert.match(nonsense.err, /not json is no request/)
      const nowhere = yield* run(["rpc", "70000", "ping"])
      assert.isFalse(nowhere.isSuccess)
      assert.match(`${nowhere.out}${nowhere.err}`, /70000 is not between 1 and 65535/)
      yield* started.stop
      const gone = yield* run(["rpc", port, "ping"])
      assert.match(gone.err, /no board answers at port/)
    })
  )

  it.live("follows the events of a board, and keeps its session alive", () =>
    Effect.gen(function* () {
      const { port } = yield* bench
      const following = yield* running(["rpc", port, "session.open", "events.subscribe"])
      yield* following.says("cursor")
      yield* run(["rpc", port, '{"cmd":"vm_load_begin","label":"a"}'])
      yield* following.says("provisioning.started")
      const acknowledged = yield* until(run(["rpc", port, "session.list"]), ({ out }) => out.includes("heartbeat_s"))
      assert.isTrue(acknowledged.isSuccess)
      yield* following.stop
    })
  )

  it.live("is not served to other machines by a board that knows no roles, nor at a port that is taken", () =>
    Effect.gen(function* () {
      const { board, port } = yield* bench
      const open = yield* run([...board, "--rpc", "0", "--rpc-host", "0.0.0.0"])
      assert.match(open.err, /at 0\.0\.0\.0 the board can be reached from elsewhere/)
      const taken = yield* run([...board, "--rpc", port])
      assert.match(taken.err, /cannot listen at 127\.0\.0\.1:\d+ .*name another port with --rpc/)
    })
  )
})
