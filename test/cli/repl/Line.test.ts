import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type Line, parseLine } from "../../../src/cli/repl/Line.ts"

const lineOf = (text: string): Line => Result.getOrThrow(parseLine(text))

const complaint = (text: string): string =>
  Result.match(parseLine(text), { onFailure: ({ message }) => message, onSuccess: () => "understood" })

describe("a line of the REPL", () => {
  it("is a message with its values in order", () => {
    assert.deepStrictEqual(lineOf('device("press-1").SetDesired({ led: "on", level: 2 }, 12)'), {
      _tag: "Message",
      isWatch: false,
      kind: "device",
      id: "press-1",
      message: "SetDesired",
      values: [{ led: "on", level: 2 }, 12]
    })
  })

  it("bears spaces, single quotes, a semicolon and a trailing comma", () => {
    const plain = lineOf('device("a").GetTwin()')
    assert.deepStrictEqual(lineOf("  device ( 'a' ) . GetTwin ( ) ;"), plain)
    assert.deepInclude(lineOf("device('a').SetDesired({ led: 'on', },)"), { values: [{ led: "on" }] })
  })

  it("is a sentence, with the reading that is meant and a yes", () => {
    const plain = { _tag: "Ask" as const, text: "turn off the heater", choose: undefined, yes: false }
    assert.deepStrictEqual(lineOf('ask("turn off the heater")'), plain)
    assert.deepStrictEqual(lineOf("ask( 'turn off the heater', { choose: 2, yes: true } );"), {
      ...plain,
      choose: 2,
      yes: true
    })
    assert.deepStrictEqual(lineOf('ask("is \\"heater-1\\" on (or off)?")'), {
      ...plain,
      text: 'is "heater-1" on (or off)?'
    })
    for (const text of ["ask()", "ask(1)", 'ask("a", 2)', 'ask("a", { choose: "b" })', 'ask("a", {}, 1)'])
      assert.match(complaint(text), /expected a sentence/)
  })

  it("is a watch, of the kind's own Watch or of a message that is named", () => {
    const watch = { _tag: "Message" as const, isWatch: true, kind: "device", id: "a", values: [] }
    assert.deepStrictEqual(lineOf('watch device("a")'), { ...watch, message: undefined })
    assert.deepStrictEqual(lineOf('watch device("a").Watch()'), { ...watch, message: "Watch" })
  })

  it("is a word or nothing", () => {
    assert.deepStrictEqual(lineOf(" help "), { _tag: "Word", word: "help" })
    assert.deepStrictEqual(lineOf("   "), { _tag: "Empty" })
  })

  it("runs no code: values are data only", () => {
    for (const value of ["process.exit()", "(() => 1)()", "`x`", "a", "1+1", "new Date()"])
      assert.include(complaint(`device("a").SetDesired(${value})`), "not values", value)
  })

  it("says where it stops making sense", () => {
    assert.match(complaint("devices"), /^expected an actor and a message.* \(column 1\)$/)
    assert.match(complaint('device("a")'), /^expected \.Message.* \(column 12\)$/)
    assert.match(complaint('device("a").GetTwin'), /column 12/)
    assert.match(complaint('device("a").SetDesired({ led: on })'), /invalid character 'o' \(column 31\)/)
    assert.match(complaint('device("a").SetDesired({ led: "on" )'), /not values/)
  })

  it("keeps a key that means something to objects as data", () => {
    const line = lineOf('device("a").SetDesired({ "__proto__": { polluted: true } })')
    assert.isUndefined(Reflect.get({}, "polluted"))
    assert.strictEqual(line._tag, "Message")
  })
})
