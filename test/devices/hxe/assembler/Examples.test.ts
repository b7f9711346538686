import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Executive } from "../../../../devices/hxe/executive/Executive.ts"
import { HostAccess } from "../../../../devices/hxe/executive/HostAccess.ts"
import { codes } from "../../../../src/protocol/Codes.ts"
import type { HxeImage } from "../../../../src/protocol/hxe/Hxe.ts"
import { imageOf } from "./Sources.ts"

const folder = "examples"
const programs = readdirSync(folder).filter((name) => name.endsWith(".mvasm"))

const exampleOf = (name: string): HxeImage => {
  const includes = readdirSync(join(folder, "include")).map((file) => `include/${file}`)
  return imageOf(
    { [name]: readFileSync(join(folder, name), "utf8") },
    { name: name.replace(".mvasm", "") },
    Object.fromEntries(includes.map((file) => [file, readFileSync(join(folder, file), "utf8")]))
  )
}

/** A board with one example on it, and its clock in the hands of the test. */
const boardWith = (name: string) => {
  let millis = 0
  const printed: Array<string> = []
  const executive = new Executive({
    now: () => millis,
    observe: ({ type, data }) => {
      if (type === "stdout" && typeof data["text"] === "string") printed.push(data["text"])
    }
  })
  const loaded = executive.load(exampleOf(name))
  if (Result.isFailure(loaded)) throw new Error(loaded.failure.detail)
  const { pid } = loaded.success
  const host = new HostAccess(executive)
  /** Lets so many seconds pass. */
  const pass = (seconds: number): void => {
    const until = millis + seconds * 1000
    for (;;) {
      executive.step(10_000)
      const due = executive.nextDue()
      if (due === undefined || due > until) break
      millis = Math.max(millis, due)
    }
    millis = until
  }
  const value = (id: string): number | undefined => host.valueOf(pid, id)?.value
  return { executive, host, pid, pass, value, printed, task: () => executive.task(pid) }
}

describe("examples", () => {
  it("sender and receiver pass messages to each other by a mailbox, whichever comes first", () => {
    for (const first of ["sender.mvasm", "receiver.mvasm"]) {
      const { pass, value, printed, executive, host } = boardWith(first)
      const second = executive.load(exampleOf(first === "sender.mvasm" ? "receiver.mvasm" : "sender.mvasm"))
      const other = Result.getOrThrow(second).pid
      pass(3)
      assert.deepStrictEqual(printed, ["tick 0\n", "tick 1\n", "tick 2\n"])
      const counts = [first === "sender.mvasm" ? "sent" : "received", first === "sender.mvasm" ? "received" : "sent"]
      assert.deepStrictEqual([value(counts[0] ?? ""), host.valueOf(other, counts[1] ?? "")?.value], [3, 3])
    }
  })

  it("are all tried here", () => {
    assert.deepStrictEqual(programs, [
      "blink.mvasm",
      "cooler.mvasm",
      "echo.mvasm",
      "hello.mvasm",
      "receiver.mvasm",
      "sender.mvasm",
      "thermostat.mvasm",
      "trap.mvasm"
    ])
  })

  it("cooler ends where there is no hardware; on a heater it is tried in another place", () => {
    const { pass, task } = boardWith("cooler.mvasm")
    pass(2)
    assert.deepStrictEqual(task()?.end, { status: 1, code: codes.ExitCode, detail: "exit 1" })
  })

  it("hello says hello and ends well", () => {
    const { pass, printed, task } = boardWith("hello.mvasm")
    pass(0)
    assert.deepStrictEqual(printed, ["hello from a board\n"])
    assert.deepStrictEqual(task()?.end, { status: 0, code: 0, detail: "" })
  })

  it("blink changes its lamp each second, counts, and counts anew after reset", () => {
    const { pass, value, host, pid } = boardWith("blink.mvasm")
    pass(1)
    assert.deepStrictEqual([value("lamp"), value("blinks")], [1, 1])
    pass(1)
    assert.deepStrictEqual([value("lamp"), value("blinks")], [0, 1])
    pass(5)
    assert.deepStrictEqual([value("lamp"), value("blinks")], [1, 4])
    assert.deepStrictEqual(host.callCommand(pid, "reset", 0), Result.succeed(0))
    assert.strictEqual(value("blinks"), 0)
    pass(2)
    assert.strictEqual(value("blinks"), 1)
  })

  it("blink begins anew where a half cannot count further", () => {
    const { pass, value, host, pid } = boardWith("blink.mvasm")
    assert.isUndefined(host.setValue(pid, "blinks", 2000, 0))
    pass(1)
    assert.strictEqual(value("blinks"), 1)
  })

  it("thermostat keeps the room near its target, follows a new one, and tells of each switching", () => {
    const { pass, value, host, pid } = boardWith("thermostat.mvasm")
    const told: Array<string> = []
    host.tapMail(pid, "app:heater", undefined, ({ data }) => told.push(new TextDecoder().decode(data)))
    pass(1)
    assert.deepStrictEqual([value("heater"), told], [1, ["on"]])
    for (let second = 0; second < 60; second++) {
      pass(1)
      if (second > 10) assert.closeTo(value("level") ?? 0, 20, 1.01)
    }
    assert.deepStrictEqual(told.slice(0, 4), ["on", "off", "on", "off"])
    assert.deepStrictEqual(host.callCommand(pid, "boost", 0), Result.succeed(21))
    assert.deepStrictEqual(host.callCommand(pid, "boost", 0), Result.succeed(22), "it has kept the first one")
    assert.isUndefined(host.setValue(pid, "target", 25, 0))
    pass(30)
    assert.closeTo(value("level") ?? 0, 25, 1.01)
  })

  it("echo sends back what it gets, and counts", () => {
    const { pass, value, host, pid } = boardWith("echo.mvasm")
    pass(1)
    assert.strictEqual(value("echoed"), 0)
    for (const text of ["one", "two"]) {
      assert.isTrue(Result.isSuccess(host.sendMail(pid, "app:echo", new TextEncoder().encode(text))))
      pass(1)
      const answer = Result.getOrUndefined(host.takeMail(pid, "app:echo.reply"))
      assert.strictEqual(new TextDecoder().decode(answer?.data), text)
    }
    assert.strictEqual(value("echoed"), 2)
  })

  it("trap runs for half a second, and traps", () => {
    const { pass, task } = boardWith("trap.mvasm")
    pass(0.4)
    assert.strictEqual(task()?.state, "sleeping")
    pass(0.2)
    assert.strictEqual(task()?.state, "terminated")
    assert.deepInclude(task()?.end, { status: 0xffff_ff05, detail: "division_by_zero:DIV at 0x10" })
  })
})
