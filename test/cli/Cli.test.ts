import { readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { encodeStored } from "../../src/protocol/Stored.ts"
import { atTerminal, piped, run, Typist } from "../support/Cli.ts"
import { holon } from "../support/NodeCommands.ts"
import { takenPort } from "../support/Ports.ts"
import { RunningNode, tempFolder } from "../support/RunningNode.ts"

const idsOf = (listed: unknown) =>
  Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String })))(listed).map(({ id }) => id)

const decodeNumbers = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ number: Schema.Int })))

layer(RunningNode.layer({ boards: 2 }), { timeout: "60 seconds", excludeTestServices: true })("holon", (it) => {
  /** Messages that reached the node while `work` ran. */
  const sentDuring = <A, E, R>(work: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const { actors } = yield* RunningNode
      const { send, watch } = actors
      const sent: Array<string> = []
      const spied = {
        send: (...args: Parameters<typeof send>) => {
          sent.push(args[1])
          return send(...args)
        },
        watch: (...args: Parameters<typeof watch>) => {
          sent.push(args[1])
          return watch(...args)
        }
      }
      Object.assign(actors, spied)
      const result = yield* Effect.ensuring(
        work,
        Effect.sync(() => Object.assign(actors, { send, watch }))
      )
      return { result, sent }
    })

  it.effect("lists devices as a table for people and as JSON for scripts", () =>
    Effect.gen(function* () {
      const { out } = yield* holon("devices", "ls")
      assert.match(out, /^ID +STATE +SEEN +PROFILE +REPORTED\n/)
      assert.match(out, /^heater-1 +online +\d+ s ago +sim-heater +temp=/m)
      const listed: unknown = JSON.parse((yield* holon("devices", "ls", "--json")).out)
      assert.deepStrictEqual(idsOf(listed), ["heater-1", "heater-2"])
      const limited: unknown = JSON.parse((yield* holon("devices", "ls", "--json", "--limit", "1")).out)
      assert.deepStrictEqual(idsOf(limited), ["heater-1"])
    })
  )

  it.effect("shows one device, the nodes and the kinds of actors", () =>
    Effect.gen(function* () {
      const shown: unknown = JSON.parse((yield* holon("devices", "show", "heater-1", "--json")).out)
      assert.deepNestedInclude(shown, {
        id: "heater-1",
        "status.connection.state": "online",
        "twin.connection.state": "online"
      })
      const { out } = yield* holon("devices", "show", "heater-1")
      assert.match(
        out,
        /^heater-1: online for \d+ s, heard \d+ s ago, boot \d+, link \d+\nfirmware \S+, profile sim-heater/
      )
      assert.match(out, /^REPORTED +VALUE +AGE\n(?:.*\n)*temp +[\d.]+ +\d+ s/m)
      assert.isBelow(out.split("\n").length, 40)
      assert.match(
        (yield* holon("nodes", "ls")).out,
        /healthy +ready +serving +30 .*\nresident on the node asked: (.*, )?2 device/
      )
      assert.match((yield* holon("actors")).out, /^device +SetDesired +once +changes/m)
    })
  )

  it.effect("sends a message and prints the reply", () =>
    Effect.gen(function* () {
      const { out, isSuccess } = yield* holon(
        "send",
        "device",
        "heater-1",
        "SetDesired",
        '{"patch":{"target":48}}',
        "--json"
      )
      assert.isTrue(isSuccess)
      assert.deepInclude(JSON.parse(out), { _tag: "Accepted", desired: { target: 48 } })
    })
  )

  it.effect("sends nothing that does not fit, and says what is wrong and what was meant", () =>
    Effect.gen(function* () {
      const wrong: ReadonlyArray<readonly [argv: ReadonlyArray<string>, sentence: RegExp]> = [
        [["devic", "heater-1", "GetTwin"], /^holon: there is no actor kind devic; did you mean device\?$/],
        [["device", "heater-1", "GetTwn"], /^holon: there is no message GetTwn of device; did you mean GetTwin\?$/],
        [["device", "heater-1", "SetDesired", '{"patch":5}'], /^holon: SetDesired\.patch: Expected object$/],
        [["device", "heater-1", "SetDesired", '{"patch":{},"x":1}'], /^holon: SetDesired\.x: there is no such field$/],
        [
          ["device", "heater-1", "Invoke", '{"name":"a","ttlMillis":"b"}'],
          /^holon: Invoke\.ttlMillis: Expected number$/
        ],
        [["device", "heater-1", "SetDesired", "{bad"], /^holon: the payload is not JSON \(.*\); quote it/],
        [["device", "heater-1", "Attach", "{}"], /^holon: there is no message Attach of device/]
      ]
      const { sent } = yield* sentDuring(
        Effect.forEach(wrong, ([argv, sentence]) =>
          Effect.map(holon("send", ...argv), ({ out, err, isSuccess }) => {
            assert.isFalse(isSuccess)
            assert.strictEqual(out, "")
            assert.match(err.trimEnd(), sentence)
          })
        )
      )
      assert.deepStrictEqual(sent, [])
      const right = yield* sentDuring(holon("send", "device", "heater-1", "GetStatus"))
      assert.deepStrictEqual(right.sent, ["GetStatus"])
    })
  )

  it.effect("fails with one sentence when what is asked for is not there", () =>
    Effect.gen(function* () {
      const { url, data } = yield* RunningNode
      const nowhere = yield* tempFolder
      const cases: ReadonlyArray<readonly [argv: ReadonlyArray<string>, sentence: string]> = [
        [["devices", "show", "nobody", "--url", url, "--data", data], "there is no device nobody"],
        [["dead", "show", "77", "--url", url, "--data", data], "there is no dead letter 77"],
        [["dead", "retry", "77", "--url", url, "--data", data], "there is no dead letter 77"],
        [
          ["quarantine", "release", "device", "heater-1", "--url", url, "--data", data],
          "there is no quarantine of device/heater-1"
        ],
        [["devices", "ls", "--url", "http://127.0.0.1:9", "--data", data], "no node answers at http://127.0.0.1:9 ("],
        [["devices", "ls", "--url", "localhost", "--data", data], "localhost is no address of a node"],
        [["devices", "ls", "--url", `${url}/docs`, "--data", nowhere], "no node has run with this data folder"]
      ]
      for (const [argv, sentence] of cases) {
        const { out, err, isSuccess } = yield* run(argv)
        assert.isFalse(isSuccess)
        assert.strictEqual(out, "")
        assert.match(err, /^holon: [^\n]*\n$/)
        assert.include(err, sentence)
      }
    })
  )

  it.effect("is told by the node when its token is another cluster's", () =>
    Effect.gen(function* () {
      const { url } = yield* RunningNode
      const data = yield* tempFolder
      writeFileSync(join(data, "token"), "x".repeat(43))
      const { err, isSuccess } = yield* run(["devices", "ls", "--url", url, "--data", data])
      assert.isFalse(isSuccess)
      assert.strictEqual(
        err,
        `holon: the node at ${url} does not know this token; name its data folder with --data, or set HOLON_TOKEN to one that it knows\n`
      )
    })
  )

  it.effect("says in one line what only the node can refuse", () =>
    Effect.gen(function* () {
      const { err, isSuccess } = yield* holon(
        "send",
        "device",
        "heater-1",
        "SetDesired",
        '{"patch":{"__proto__":{"a":1}}}'
      )
      assert.isFalse(isSuccess)
      assert.match(err, /^holon: SetDesired: patch\.__proto__: a key is 1 to 64 bytes[^\n]*\n$/)
    })
  )

  it.effect("says that something else answers where a node was looked for", () =>
    Effect.gen(function* () {
      const { data } = yield* RunningNode
      const port = yield* takenPort(() => createServer((_request, response) => response.writeHead(404).end()))
      const { err, isSuccess } = yield* run(["nodes", "ls", "--url", `http://127.0.0.1:${port}`, "--data", data])
      assert.isFalse(isSuccess)
      assert.match(err, /what answers there is none of this release, it says 404/)
    })
  )

  it.effect("refuses numbers that are out of bounds before anything starts", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [argv: string, sentence: string]> = [
        ["up --nodes 0", "0 is not between 1 and 10"],
        ["up --nodes 11", "11 is not between 1 and 10"],
        ["up --http-port -1", "-1 is not between 0 and 65535"],
        ["up --boards -3", "-3 is not between 0 and 10000"],
        ["node --index 10", "10 is not between 0 and 9"],
        ["board host --id Press_1", "Press_1 is no id of a device"],
        [`board sim --prefix ${"a".repeat(63)}`, "is no id of a device"],
        ["board sim --count 0", "0 is not between 1 and 10000"],
        ["board sim --interval 0", "0 is not between 100 and 3600000"],
        ["chaos --minutes -1", "-1 is not between 0.1 and 1440"],
        ["simulate --runs 0", "0 is not between 1 and 1000000000"],
        ["devices ls --limit 0", "0 is not between 1 and 1000000"],
        ["dead ls --limit 1001", "1001 is not between 1 and 1000"]
      ]
      for (const [argv, sentence] of cases) {
        const { err, isSuccess } = yield* run(argv.split(" "))
        assert.isFalse(isSuccess, argv)
        assert.include(err, sentence, argv)
      }
    })
  )

  it.effect("does not wait for ever for a node that hangs up", () =>
    Effect.gen(function* () {
      const { data } = yield* RunningNode
      const port = yield* takenPort(() =>
        createServer((_request, response) => response.writeHead(426).end()).on("upgrade", (_request, socket) =>
          socket.destroy()
        )
      )
      const { err, isSuccess } = yield* run(["devices", "ls", "--url", `http://127.0.0.1:${port}`, "--data", data])
      assert.isFalse(isSuccess)
      assert.match(err, /^holon: the connection to the node broke[^\n]*\n$/)
    })
  )

  it.effect("lists, shows and retries dead letters, each once", () =>
    Effect.gen(function* () {
      const { sql } = yield* RunningNode
      const payload = encodeStored({ patch: { target: 51 } })
      yield* sql`insert into dead_letter (kind, id, letter, message, payload, cause, trace_id, at)
        values ('device', 'heater-2', 'request x', 'SetDesired', ${payload}, 'it broke', 'trace', 1000)`
      assert.match((yield* holon("dead", "ls")).out, /device +heater-2 +SetDesired +.* ago +it broke/)
      const listed: unknown = JSON.parse((yield* holon("dead", "ls", "--json")).out)
      const number = String(decodeNumbers(listed)[0]?.number)
      assert.deepInclude(JSON.parse((yield* holon("dead", "show", number)).out), { payload: { patch: { target: 51 } } })
      const retried = yield* holon("dead", "retry", number, "--json")
      assert.deepInclude(JSON.parse(retried.out), { _tag: "Accepted", desired: { target: 51 } })
      const again = yield* holon("dead", "retry", number)
      assert.isFalse(again.isSuccess)
      assert.include(again.err, "already retried")
    })
  )

  it.effect("lists and releases the quarantined", () =>
    Effect.gen(function* () {
      const { engine, sql } = yield* RunningNode
      assert.include((yield* holon("quarantine", "ls")).out, "nobody is quarantined")
      yield* sql`insert into quarantine (kind, id, shard, since, cause, attempts, told)
        values ('device', 'broken', ${engine.shards()[0] ?? 1}, 1000, 'it crashed', 5, true)`
      assert.match((yield* holon("quarantine", "ls")).out, /device +broken +.* ago +5 +it crashed/)
      assert.match((yield* holon("quarantine", "release", "device", "broken")).out, /device broken is released/)
      assert.include((yield* holon("quarantine", "ls")).out, "nobody is quarantined")
    })
  )

  it.effect("runs a script of REPL lines, one sentence a failure, and fails if one failed", () =>
    Effect.gen(function* () {
      const { url, data } = yield* RunningNode
      const script = [
        'device("heater-1").SetDesired({ target: 39 })',
        'device("heater-1").SetDesired(5)',
        'device("heater-1").SetDesired({ target: 1 }, "two")',
        "nonsense",
        'device("heater-1").GetStatus()',
        "exit",
        'device("heater-1").SetDesired({ target: 2 })'
      ]
      const { result, sent } = yield* sentDuring(
        run(["repl", "--url", url, "--data", data], piped(`${script.join("\n")}\n`))
      )
      assert.deepStrictEqual(sent, ["SetDesired", "GetStatus"])
      assert.isFalse(result.isSuccess)
      assert.include(result.out, "SetDesired.patch: Expected object\n")
      assert.include(result.out, "SetDesired.expected: Expected number\n")
      assert.include(result.out, "expected an actor and a message")
      assert.include(result.out, "state: 'online'")
      assert.strictEqual(result.err, "holon: 3 lines failed; what was wrong stands above\n")
    })
  )

  it.effect("follows what a script watches to the end of that script, and goes on behind it", () =>
    Effect.gen(function* () {
      const { url, data } = yield* RunningNode
      const script = ['watch device("heater-1")', "watch events", 'device("heater-2").GetStatus()']
      const { out, isSuccess } = yield* run(["repl", "--url", url, "--data", data], piped(`${script.join("\n")}\n`))
      assert.isTrue(isSuccess)
      assert.include(out, "profile: 'sim-heater'")
    })
  )

  it.effect("completes, remembers and watches at a terminal", () =>
    Effect.gen(function* () {
      const { url, data } = yield* RunningNode
      const order = JSON.stringify({ device: "heater-1", sha256: "0".repeat(64) })
      yield* run(["send", "session", "evening-1", "Provision", order, "--url", url, "--data", data])
      const typist = new Typist()
      const repl = atTerminal(typist, ["repl", "--url", url, "--data", data])
      const running = yield* Effect.forkChild(repl)
      yield* typist.type("", "holon> ")
      yield* typist.type("dev\t", 'device("')
      yield* typist.type("heater-1\t", '").')
      yield* typist.type("SetD\t", "SetDesired(")
      yield* typist.type("{ targ\t", "target: ")
      assert.include(yield* typist.type("37 })\r", "holon> "), "Accepted")
      yield* typist.type('watch device("heater-1")\r', "desired: { target: \u001b[33m37")
      // Ctrl-C ends the watch, not the REPL; what follows is answered.
      yield* typist.type("\u0003", "holon> ")
      yield* typist.type('device("heater-1").GetTwn()\r', "did you mean GetTwin?")
      yield* typist.type("\u001b[A\u001b[A", 'watch device("heater-1")')
      yield* typist.type("\u001b[A", "SetDesired({ target: 37 })")
      // Ids of other kinds are completed too.
      yield* typist.type('\u0015session("eve\t', 'evening-1").')
      // Ctrl-D on an empty line ends it.
      yield* typist.type("\u0015\u0004", "")
      yield* Fiber.join(running)
      const history = readFileSync(join(data, "repl_history"), "utf8").trimEnd().split("\n")
      assert.deepStrictEqual(history.slice(0, 2), [
        'device("heater-1").SetDesired({ target: 37 })',
        'watch device("heater-1")'
      ])
    })
  )
})
