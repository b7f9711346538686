import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Redacted } from "effect"
import cluster from "../../cluster.config.ts"
import { isLoopback } from "../../src/runtime/Binds.ts"
import { type Overrides, portsOf } from "../../src/runtime/Config.ts"
import { loadConfig } from "../../src/runtime/ConfigFile.ts"

/** The config of a file with this text, in a folder that is gone afterwards. */
const load = (text: string, overrides: Overrides = {}, env: Record<string, string> = {}) =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "holon-config-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true }))
    )
    const path = join(folder, "cluster.config.ts")
    writeFileSync(path, text)
    return yield* loadConfig(overrides, path).pipe(
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
    )
  })

const reasonOf = (text: string, overrides?: Overrides) =>
  load(text, overrides).pipe(
    Effect.flip,
    Effect.map((error) => (error._tag === "ConfigUnreadable" ? error.reason : error.message))
  )

describe("the config file", () => {
  it.effect("is complete when it is empty, and binds loopback only", () =>
    Effect.gen(function* () {
      const config = yield* load("export default {}")
      assert.deepStrictEqual(
        [config.data, config.storage, config.nodes, config.shards.perGroup],
        [".holon", "embedded", 1, 64]
      )
      assert.deepStrictEqual(
        [config.http, config.mqtt].map(({ host, port }) => [host, port]),
        [
          ["127.0.0.1", 7700],
          ["127.0.0.1", 1883]
        ]
      )
      assert.deepStrictEqual(
        [config.link.times, config.demo.link].flatMap(({ heartbeat, lease }) => [heartbeat, lease]),
        [10, 25, 3, 8].map((seconds) => Duration.seconds(seconds))
      )
      assert.deepStrictEqual(config.units, {})
      assert.deepStrictEqual(cluster, { units: { temp: "°C", power: "W" } }, "that of `npm start` says no more")
    })
  )

  it.effect("is changed by the command line where that says something, and nowhere else", () =>
    Effect.gen(function* () {
      const text = `export default { nodes: 2, http: { port: 8000 }, demo: { isOn: false } }`
      const config = yield* load(text, { mqttPort: 2000, boards: 7, postgres: Redacted.make("postgres://x") })
      assert.deepStrictEqual([config.nodes, config.http.port, config.mqtt.port], [2, 8000, 2000])
      assert.deepStrictEqual([config.demo.isOn, config.demo.boards], [true, 7])
      assert.deepStrictEqual(config.storage, { url: Redacted.make("postgres://x") })
      assert.isFalse((yield* load("export default {}", { demo: false, boards: 7 })).demo.isOn)
      assert.deepStrictEqual(portsOf(config, 1), { http: 8001, mqtt: 2001, runner: 7711, relay: 7731 })
    })
  )

  it.effect("says what fields count in, and which field cannot be said so", () =>
    Effect.gen(function* () {
      const units = { temp: "°C", "motor.speed": "rpm", "`fan speed`": "%", flow: "m³" }
      const { units: declared } = yield* load(`export default { units: ${JSON.stringify(units)} }`)
      assert.deepStrictEqual(declared, units)
      const refused = (wrong: object) => reasonOf(`export default { units: ${JSON.stringify({ ...units, ...wrong })} }`)
      assert.match(
        yield* refused({ power: "w" }),
        /^units: "power" cannot count in "w"; did you mean W\? known are µs, .*°C.*, and any other word of letters such as rpm$/
      )
      assert.match(yield* refused({ power: "W/m" }), /"power" cannot count in "W\/m"; known are µs/)
      assert.match(yield* refused({ power: "" }), /"power" cannot count in ""/)
      assert.match(yield* refused({ "reported.temp": "K" }), /"reported.temp": a field is named as boards report it/)
      assert.match(yield* refused({ "fan speed": "rpm" }), /"fan speed" is no name of a field; .* backticks/)
    })
  )

  it.effect("takes secrets from the environment and hides them", () =>
    Effect.gen(function* () {
      const text = `export default { tokens: { boards: { "press-1": { env: "PRESS_TOKEN" } } } }`
      const config = yield* load(text, {}, { PRESS_TOKEN: "s3cret" })
      const token = config.tokens.boards["press-1"]
      assert.isDefined(token)
      assert.strictEqual(token && Redacted.value(token), "s3cret")
      assert.notInclude(JSON.stringify(config), "s3cret")
      assert.strictEqual(
        yield* reasonOf(text),
        "tokens.boards.press-1: the environment variable PRESS_TOKEN is not set"
      )
    })
  )

  it.effect("takes rules that say in which zone devices are, and names the one that is none", () =>
    Effect.gen(function* () {
      const rules = [
        { match: "press-*", zone: "hall.line-3" },
        { match: "*", zone: "hall" }
      ]
      assert.deepStrictEqual((yield* load(`export default { zones: ${JSON.stringify(rules)} }`)).zones, rules)
      assert.strictEqual(
        yield* reasonOf(`export default { zones: [{ match: "press-*", zone: "Hall.Line 3" }] }`),
        "zones.0.zone: Expected a zone: one to six names of a-z, 0-9 and - with dots between them, 24 characters each at most"
      )
      assert.strictEqual(
        yield* reasonOf(`export default { zones: [{ match: "*", zone: "a" }, { match: "press ?", zone: "a" }] }`),
        "zones.1.match: Expected an id of devices: lower-case letters, digits, hyphens, and * for any characters"
      )
      assert.strictEqual(yield* reasonOf(`export default { zones: [{ zone: "a" }] }`), "zones.0.match: Missing key")
    })
  )

  it.effect("bounds the tree of VSMs, by numbers that a tree may have", () =>
    Effect.gen(function* () {
      const vsm = { bounds: { depth: 3, perMinute: 60 }, budget: { mem_mb: 4096, spawn: 20 } }
      assert.deepStrictEqual((yield* load(`export default { vsm: ${JSON.stringify(vsm)} }`)).vsm, vsm)
      assert.deepStrictEqual((yield* load("export default {}")).vsm, { bounds: {}, budget: {} })
      const refused = (wrong: object) => reasonOf(`export default { vsm: ${JSON.stringify(wrong)} }`)
      assert.match(yield* refused({ bounds: { depth: 9 } }), /^vsm.bounds.depth: Expected a value between 2 and 8/)
      assert.match(yield* refused({ bounds: { total: 0 } }), /^vsm.bounds.total: Expected a value between 1 and 1024/)
      assert.strictEqual(yield* refused({ bounds: { deep: 3 } }), "vsm.bounds.deep: there is no such field")
      assert.match(yield* refused({ budget: { spawn: -1 } }), /^vsm.budget.spawn: Expected a value between 0/)
      assert.strictEqual(yield* refused({ budget: { gold: 1 } }), "vsm.budget.gold: there is no such field")
    })
  )

  it.effect("names the field that is wrong", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* reasonOf("export default { http: { port: 70000 } }"),
        "http.port: Expected a value between 0 and 65535"
      )
      assert.strictEqual(yield* reasonOf("export default { htpp: {} }"), "htpp: there is no such field")
      assert.strictEqual(
        yield* reasonOf(`export default { link: { times: { heartbeat: "10 seconds", lease: "20 seconds" } } }`),
        "link.times: Expected a lease of at least twice the heartbeat and one second"
      )
      assert.strictEqual(yield* reasonOf("export default 5"), "Expected object")
    })
  )

  it.effect("is refused when it is missing, is no module or exports nothing", () =>
    Effect.gen(function* () {
      const missing = yield* loadConfig({}, "/nowhere/cluster.config.ts").pipe(Effect.flip)
      assert.strictEqual(
        missing.message,
        "cannot use the config /nowhere/cluster.config.ts: there is no such file. Correct it, or name another file with --config."
      )
      assert.include(yield* reasonOf("export const x = 1"), "it has no default export")
      const broken = yield* load("export default {").pipe(Effect.flip)
      assert.strictEqual(broken._tag, "ConfigUnreadable")
      assert.notInclude(broken.message, "\n")
      const throwing = yield* reasonOf(`throw new Error("no such file: keys.pem")`)
      assert.strictEqual(throwing, "no such file: keys.pem")
    })
  )

  it.effect("is refused when some node would get no shard", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* reasonOf("export default { nodes: 3, shards: { perGroup: 2 } }"),
        "shards.perGroup: 2 shards are too few for 3 nodes"
      )
      assert.strictEqual((yield* load("export default { nodes: 3, shards: { perGroup: 3 } }")).nodes, 3)
    })
  )

  it.effect("is refused when two nodes would take one port", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* reasonOf("export default { nodes: 3, mqtt: { port: 7702 } }"),
        "http of node 3 and mqtt of node 1 would both take port 7702"
      )
      assert.strictEqual(
        yield* reasonOf("export default { nodes: 2, http: { port: 65535 } }"),
        "http of node 2 would take port 65536, the last is 65535"
      )
      assert.strictEqual((yield* load("export default { nodes: 3, http: { port: 0 }, mqtt: { port: 0 } }")).nodes, 3)
    })
  )
})

describe("an address that others can reach", () => {
  it.effect("is refused without TLS and tokens, naming what is missing", () =>
    Effect.gen(function* () {
      const open = yield* load(`export default { mqtt: { host: "0.0.0.0" } }`).pipe(Effect.flip)
      assert.strictEqual(open._tag, "BindRefused")
      assert.strictEqual(
        open.message,
        "refuses to listen on 0.0.0.0 (mqtt): other machines could reach it without mqtt.tls and tokens.boards. " +
          "Set it, or listen on 127.0.0.1."
      )
      const peers = yield* load(`export default { peers: { host: "10.0.0.1" } }`).pipe(Effect.flip)
      assert.include(peers.message, "other machines could reach it without peers.tls.")
      const everywhere = yield* load(`export default { peers: { host: "0.0.0.0" } }`).pipe(Effect.flip)
      assert.include(
        everywhere.message,
        "peers.host: Expected an address of this machine that the other nodes can dial"
      )
      const noTokens = yield* load(
        `export default { http: { host: "::", tls: { certificate: "c.pem", key: "k.pem" } } }`
      ).pipe(Effect.flip)
      assert.include(noTokens.message, "without tokens.operators.")
    })
  )

  it.effect("is accepted with both", () =>
    Effect.gen(function* () {
      const text = `export default {
        mqtt: { host: "0.0.0.0", port: 8883, tls: { certificate: "c.pem", key: "k.pem" } },
        tokens: { boards: { a: { env: "TOKEN_A" } } }
      }`
      assert.strictEqual((yield* load(text, {}, { TOKEN_A: "x" })).mqtt.host, "0.0.0.0")
    })
  )

  it("is everything but loopback", () => {
    const loopback = ["127.0.0.1", "127.9.9.9", "::1", "localhost"]
    const open = ["0.0.0.0", "::", "192.168.1.1", "localhost.example.com", "example.com", "", "127.0.0.1.example.com"]
    assert.deepStrictEqual([...loopback, ...open].filter(isLoopback), loopback)
  })

  it.effect("counts also when a folder has the name of a config", () =>
    Effect.gen(function* () {
      const folder = mkdtempSync(join(tmpdir(), "holon-config-"))
      mkdirSync(join(folder, "cluster.config.ts"))
      const refusal = yield* loadConfig({}, join(folder, "cluster.config.ts")).pipe(Effect.flip)
      assert.strictEqual(refusal._tag, "ConfigUnreadable")
      rmSync(folder, { recursive: true })
    })
  )
})

describe("an operator's account", () => {
  const reasonWith = (operators: string) =>
    load(`export default { tokens: { operators: ${operators} } }`, {}, { TOKEN: "shown to nobody" }).pipe(
      Effect.flip,
      Effect.map((error) => (error._tag === "ConfigUnreadable" ? error.reason : error.message))
    )

  it.effect("is a token alone, or one with what it may do; the token shows nowhere", () =>
    Effect.gen(function* () {
      const text = `export default { tokens: { operators: {
        ada: { env: "ADA" },
        bob: { token: { env: "TOKEN" }, may: ["device.read", "program.*", "*"] },
        eve: { token: { env: "EVE" }, may: [] }
      } } }`
      const { operators } = (yield* load(text, {}, { ADA: "a", TOKEN: "secret text", EVE: "e" })).tokens
      assert.deepStrictEqual(
        Object.values(operators).map(({ may }) => may),
        [undefined, ["device.read", "program.*", "*"], []]
      )
      assert.notInclude(JSON.stringify(operators), "secret text")
      assert.strictEqual(operators["bob"] && Redacted.value(operators["bob"].token), "secret text")
    })
  )

  it.effect("is refused when another has its token, which shows nowhere", () =>
    Effect.gen(function* () {
      const reason = yield* reasonWith('{ ada: { env: "TOKEN" }, bob: { token: { env: "TOKEN" }, may: [] } }')
      assert.strictEqual(
        reason,
        "tokens.operators: Expected a token of its own for each operator, got one for ada and bob"
      )
      assert.notInclude(reason, "shown to nobody")
    })
  )

  it.effect("is refused when it names a right that nothing needs, with the nearest ones", () =>
    Effect.gen(function* () {
      const may = (rights: string) => reasonWith(`{ bob: { token: { env: "TOKEN" }, may: ${rights} } }`)
      assert.include(
        yield* may('["device.read", "device.invok"]'),
        "tokens.operators.bob.may.1: there is no right device.invok (did you mean device.invoke or "
      )
      assert.strictEqual(
        yield* may('["porgram.*"]'),
        "tokens.operators.bob.may.0: there is no right porgram.* (did you mean program.*?)"
      )
      assert.include(
        yield* may('["everything you have got"]'),
        "(the rights are audit.erase, audit.read, audit.verify, deadletter.read, "
      )
    })
  )

  it.effect("is refused by the field that is wrong", () =>
    Effect.gen(function* () {
      const account = (text: string) => reasonWith(`{ bob: ${text} }`)
      const both = 'tokens.operators.bob: Expected { env: "NAME" }, or { token: { env: "NAME" }, may: '
      assert.strictEqual(
        yield* account('{ token: { env: "TOKEN" }, my: [] }'),
        "tokens.operators.bob.my: there is no such field"
      )
      assert.include(yield* account('{ env: "TOKEN", may: ["device.read"] }'), both)
      assert.include(yield* account("{}"), both)
      assert.strictEqual(
        yield* account('{ token: { env: "NONE" }, may: [] }'),
        "tokens.operators.bob.token: the environment variable NONE is not set"
      )
      assert.include(yield* reasonWith('{ local: { env: "TOKEN" } }'), "other than local")
    })
  )
})
