/** Clients that others wrote: mosquitto's, where they are installed. */
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { MqttServer } from "../../src/gateways/mqtt/MqttServer.ts"
import { encodeUp } from "../../src/protocol/FrameCodec.ts"
import { FakeNode } from "../gateways/FakeNode.ts"
import { listening } from "../support/Ports.ts"

const isInstalled = spawnSync("mosquitto_sub", ["--help"]).error === undefined
const node = new FakeNode()
const server = createServer({ noDelay: true, pauseOnConnect: true })
new MqttServer({ ports: node.ports, credentials: node.credentials() }).serve(server)
const folder = mkdtempSync(join(tmpdir(), "holon-mosquitto-"))
const hello = join(folder, "hello.cbor")
let port = 0

beforeAll(async () => {
  port = await listening(server)
  const frame = { type: "hello", seq: 0, min: 1, max: 1, id: "press-1", boot: 5, link: 1, up: 1, rx: 1_024 } as const
  writeFileSync(hello, encodeUp({ ...frame, profile: "press", firmware: "1.0.0", caps: 0 }))
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await new Promise((resolve) => server.close(resolve))
})

const run = (program: string, version: string, ...more: ReadonlyArray<string>) =>
  new Promise<{ readonly code: number | null; readonly out: string }>((resolve) => {
    const child = spawn(program, ["-h", "127.0.0.1", "-p", String(port), "-V", version, ...more])
    let out = ""
    child.stdout.on("data", (chunk) => {
      out += chunk
    })
    child.stderr.on("data", (chunk) => {
      out += chunk
    })
    child.on("close", (code) => resolve({ code, out }))
  })

describe.skipIf(!isInstalled).each(["mqttv311", "mqttv5"])("mosquitto's clients, %s", (version) => {
  const up = ["-i", "press-1", "-t", "holon/1/b/press-1/up", "-f", hello]

  it("publish a frame and end when it is acknowledged", async () => {
    const before = node.cellOf("press-1").epoch
    assert.deepStrictEqual(await run("mosquitto_pub", version, "-q", "1", ...up), { code: 0, out: "" })
    assert.strictEqual(node.cellOf("press-1").epoch, before + 1)
  })

  it("read retained presence by a wildcard", async () => {
    const { code, out } = await run("mosquitto_sub", version, "-t", "holon/#", "-C", "1", "-F", "%t %r %p")
    assert.strictEqual(code, 0)
    const [topic, retained, json = ""] = out.trim().split(" ")
    assert.deepStrictEqual([topic, retained], ["holon/1/b/press-1/presence", "1"])
    assert.isFalse(JSON.parse(json).online)
  })

  it("get no frame through with QoS 2", async () => {
    const before = node.cellOf("press-1").epoch
    const { code, out } = await run("mosquitto_pub", version, "-q", "2", ...up)
    assert.isTrue(code !== 0 || out !== "", "an error or a word of warning")
    assert.strictEqual(node.cellOf("press-1").epoch, before)
  })
})
