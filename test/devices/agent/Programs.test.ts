import { assert, describe, it } from "@effect/vitest"
import type { Execution } from "../../../devices/agent/Application.ts"
import type { Programs, ProgramVoice } from "../../../devices/agent/Programs.ts"
import { sync } from "../../../src/protocol/frame/LinkFrames.ts"
import { Rig, type RigOptions } from "./ScriptedPeer.ts"

/** Programs that write down what is asked of them. */
class Scripted implements Programs {
  readonly kinds = [1]
  readonly calls: Array<string> = []
  readonly executions: Array<Execution> = []
  voice: ProgramVoice | undefined
  isBroken = false

  readonly start = () => this.#call("start")
  readonly stop = (orderly: boolean) => this.#call(orderly ? "stop" : "cut")
  readonly offer = ({ xfer }: { readonly xfer: number }) => {
    this.#call("offer")
    this.voice?.acknowledge({ xfer, next: 0, state: 1 })
  }
  readonly chunk = ({ xfer, index }: { readonly xfer: number; readonly index: number }) => {
    this.#call("chunk")
    this.voice?.acknowledge({ xfer, next: index + 1, state: 1 })
  }
  readonly operate = ({ op }: { readonly op: number }) => {
    this.#call(`op ${op}`)
    return { xfer: 1, state: 3 }
  }
  readonly control = ({ op }: { readonly op: number }) => {
    this.#call(`ctl ${op}`)
    return { code: 0 }
  }
  readonly getValues = () => this.#reply("get")
  readonly setValue = () => this.#reply("set")
  readonly watchValue = () => this.#reply("watch")
  readonly sendMail = () => this.#reply("send")
  readonly tapMail = () => this.#reply("tap")
  readonly execute: Programs["execute"] = (command, execution) => {
    this.#call(`${command.program}.${command.name}`)
    this.executions.push(execution)
    return undefined
  }
  readonly imageStates = () => [{ xfer: 3, state: 1 }]
  readonly programStatus = () => ({
    type: "program-status" as const,
    programs: [{ name: "motor", state: 4 }],
    all: true
  })

  #call(what: string): void {
    this.calls.push(what)
    if (this.isBroken) throw new Error("broken")
  }

  #reply(what: string) {
    this.#call(what)
    return { code: 0, value: what }
  }
}

const rigWith = (options: RigOptions = {}) => {
  const programs = new Scripted()
  const rig = new Rig({
    ...options,
    programs: (voice) => {
      programs.voice = voice
      return programs
    }
  })
  return { rig, programs }
}

describe("an agent with programs", () => {
  it("says which images the board takes, and that it takes them", () => {
    const { rig } = rigWith()
    const hello = rig.up().of("hello")[0]
    assert.deepStrictEqual([hello?.kinds, hello?.caps], [[1], 8 | 32])
  })

  it("starts them before the first link and stops them with the board", () => {
    const { rig, programs } = rigWith()
    rig.agent.start()
    assert.deepStrictEqual(programs.calls, ["start"])
    rig.agent.stop(0, () => {})
    assert.deepStrictEqual(programs.calls, ["start", "stop"])
  })

  it("stops them without time for anything when the power goes", () => {
    const { rig, programs } = rigWith()
    rig.up()
    rig.agent.cut()
    assert.deepStrictEqual(programs.calls, ["start", "cut"])
  })

  it("answers a request that comes again from memory, also over another attach", () => {
    const { rig, programs } = rigWith()
    rig.up().say({ type: "program-ctl", epoch: 5, req: 9, op: 1, program: "motor" })
    const line = rig.again()
    line.say({ type: "program-ctl", epoch: 6, req: 9, op: 1, program: "motor" })
    assert.deepStrictEqual(programs.calls, ["start", "ctl 1"])
    assert.deepStrictEqual(line.of("answer"), [{ type: "answer", seq: 0, req: 9, code: 0 }])
  })

  it("takes another request of the same number for what it is", () => {
    const { rig, programs } = rigWith()
    const line = rig.up()
    line.say({ type: "program-ctl", epoch: 5, req: 9, op: 1, program: "motor" })
    line.say({ type: "program-ctl", epoch: 5, req: 9, op: 2, program: "motor" })
    line.say({ type: "value-get", epoch: 5, req: 9, program: "motor" })
    assert.deepStrictEqual(programs.calls, ["start", "ctl 1", "ctl 2", "get"])
  })

  it("remembers as many answers as two for each request it takes at a time, and no more", () => {
    const { rig, programs } = rigWith({ agent: { requests: 2 } })
    const line = rig.up()
    const ask = (req: number) => line.say({ type: "value-get", epoch: 5, req, program: "motor" })
    for (const req of [1, 2, 3, 4, 1]) ask(req)
    assert.lengthOf(programs.calls, 5)
    ask(5)
    ask(1)
    assert.lengthOf(programs.calls, 7)
  })

  it("answers an order about an image by a numbered state, the same one when it comes again", () => {
    const { rig, programs } = rigWith()
    const line = rig.up()
    line.say({ type: "image-op", epoch: 5, op: 1, xfer: 1, req: 4 })
    line.say({ type: "image-op", epoch: 5, op: 1, xfer: 1, req: 4 })
    assert.deepStrictEqual(programs.calls, ["start", "op 1"])
    assert.deepStrictEqual(line.of("image-status"), [
      { type: "image-status", seq: 1, xfer: 1, state: 3, req: 4 },
      { type: "image-status", seq: 2, xfer: 1, state: 3, req: 4 }
    ])
  })

  it("tells a cluster that does not know where images and programs stand", () => {
    const { rig } = rigWith()
    const line = rig.up({ sync: sync.imageStatus | sync.programStatus })
    assert.deepStrictEqual(line.of("image-status"), [{ type: "image-status", seq: 1, xfer: 3, state: 1 }])
    assert.deepStrictEqual(line.of("program-status"), [
      { type: "program-status", seq: 2, programs: [{ name: "motor", state: 4 }], all: true }
    ])
  })

  it("runs a command that names a program there, and any other on the board", () => {
    const { rig, programs } = rigWith()
    const line = rig.up()
    const id = (last: number) => `018f3a6e-4c00-7abc-8def-00000000000${last}`
    line.say({ type: "invoke", epoch: 5, id: id(1), name: "home", ttl: 1000, program: "motor" })
    line.say({ type: "invoke", epoch: 5, id: id(2), name: "blink", ttl: 1000 })
    line.puback(1, 2)
    assert.deepStrictEqual(programs.calls, ["start", "motor.home"])
    assert.deepStrictEqual(
      rig.runs.map(({ command }) => command.name),
      ["blink"]
    )
    programs.executions[0]?.finish({ code: 0, value: 3 })
    assert.deepInclude(line.of("result")[0], { id: id(1), code: 0, value: 3 })
  })

  it("answers with an inner error where programs break, and goes on", () => {
    const { rig, programs } = rigWith()
    const line = rig.up()
    programs.isBroken = true
    line.say({ type: "program-ctl", epoch: 5, req: 1, op: 1 })
    line.say({ type: "image-op", epoch: 5, op: 1, xfer: 1, req: 2 })
    line.say({ type: "chunk", epoch: 5, xfer: 1, index: 0, data: new Uint8Array(4) })
    assert.strictEqual(line.of("answer")[0]?.code, 240)
    assert.strictEqual(line.of("image-status")[0]?.code, 240)
    assert.deepInclude(line.of("image-ack")[0], { xfer: 1, state: 4, code: 240 })
    assert.lengthOf(rig.reports, 3)
  })

  it("is linked though its programs cannot be booted", () => {
    const { rig, programs } = rigWith()
    programs.isBroken = true
    rig.up()
    assert.strictEqual(rig.agent.state, "up")
    assert.deepStrictEqual(rig.reports, ["the programs cannot be booted"])
  })

  it("loses an acknowledgement of chunks that no link carries, and keeps the letters", () => {
    const { rig, programs } = rigWith()
    rig.up().lose()
    programs.voice?.acknowledge({ xfer: 1, next: 1, state: 1 })
    programs.voice?.letter({ type: "program-status", programs: [{ name: "a", state: 4 }] })
    programs.voice?.letter({ type: "program-status", programs: [{ name: "b", state: 4 }] })
    programs.voice?.letter({ type: "program-status", programs: [{ name: "a", state: 9 }] })
    programs.voice?.letter({ type: "value", program: "a", values: [{ id: 1, value: 1, at: 10 }] })
    programs.voice?.letter({ type: "value", program: "a", values: [{ id: 1, value: 2, at: 11 }] })
    rig.reopen()
    const line = rig.welcomed({ epoch: 6 })
    assert.lengthOf(line.of("image-ack"), 0)
    assert.deepStrictEqual(line.of("program-status"), [
      {
        type: "program-status",
        seq: 1,
        programs: [
          { name: "b", state: 4 },
          { name: "a", state: 9 }
        ]
      }
    ])
    assert.deepStrictEqual(line.of("value"), [
      { type: "value", seq: 2, program: "a", values: [{ id: 1, value: 2, at: 11 }] }
    ])
  })

  it("says all that its programs print, and counts what is lost without a link", () => {
    const { rig, programs } = rigWith()
    programs.voice?.log(2, "lost", "motor")
    const line = rig.up()
    programs.voice?.log(1, "hot", "motor")
    assert.deepStrictEqual(
      line.of("log").map(({ level, text, program }) => [level, text, program]),
      [[1, "hot", "motor"]]
    )
    rig.time.advance(10_000)
    assert.strictEqual(line.of("heartbeat")[0]?.dropped, 1)
  })
})
