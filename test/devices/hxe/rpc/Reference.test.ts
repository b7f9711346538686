import { readFileSync } from "node:fs"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { boardEventTypes } from "../../../../devices/hxe/rpc/EventFilter.ts"
import { type RpcClient, RpcRig } from "./RpcRig.ts"

const page = readFileSync(new URL("../../../../docs/reference/board-rpc.md", import.meta.url), "utf8")

/** Lines of the example: what a client sends (`L>`), what it gets (`L<`), and how much time passes. */
const example = (page.split("```jsonl\n")[1]?.split("```")[0] ?? "").trimEnd().split("\n")

let rig: RpcRig
beforeEach(() => {
  rig = new RpcRig()
})
afterEach(() => rig.stop())

describe("the reference of the board's own line", () => {
  it("shows an example that goes just so", () => {
    assert.isAbove(example.length, 20)
    const clients: Record<string, RpcClient> = { L: rig.client(), T: rig.client() }
    for (const line of example) {
      const pause = /^# (\d+) ms/.exec(line)
      const [, name = "", way, text = ""] = /^([LT])([<>]) (.*)$/.exec(line) ?? []
      const client = clients[name]
      if (pause !== null) rig.time.advance(Number(pause[1]))
      else if (client === undefined) assert.fail(`no line of an example: ${line}`)
      else if (way === ">") client.write(`${text}\n`)
      else assert.strictEqual(client.lines.shift(), text)
    }
    for (const client of Object.values(clients)) assert.deepStrictEqual(client.lines, [])
  })

  it("names every command and every type of event", () => {
    for (const name of [...rig.service.commandNames, ...boardEventTypes]) assert.include(page, `\`${name}\``)
  })
})
