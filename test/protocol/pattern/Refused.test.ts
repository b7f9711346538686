import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import type { Problem } from "../../../src/protocol/condition/ConditionInvalid.ts"
import { Pattern } from "../../../src/protocol/pattern/Pattern.ts"
import { checkText } from "../../../src/protocol/pattern/PatternCheck.ts"
import { formatPattern } from "../../../src/protocol/pattern/PatternFormat.ts"
import { readPattern } from "../../../src/protocol/pattern/PatternText.ts"
import { randomFrom } from "../../support/Random.ts"

const problem = (text: string): Problem => {
  const read = readPattern(text)
  if (Result.isFailure(read)) return read.failure.problems[0]
  throw new Error(`${text} was read`)
}
const before = "pattern p { "

describe("a pattern that cannot be read", () => {
  const whole: ReadonlyArray<readonly [string, number, RegExp]> = [
    ["", 1, /^`pattern` should follow: a pattern begins as in/],
    ["patern p { where a > 1 }", 1, /not `patern`; did you mean pattern\?/],
    ["pattern { where a > 1 }", 9, /^the name of a pattern should stand here, not `\{`/],
    ['pattern "a b" { where a > 1 }', 9, /at most 100 letters/],
    ["pattern p where a > 1 }", 11, /^`\{` should stand here, or `priority` before it, not `where`/],
    ["pattern p prioriti high { where a > 1 }", 11, /did you mean priority/],
    [
      "pattern p priority hihg { where a > 1 }",
      20,
      /one of low, normal, high, critical, not `hihg`; did you mean high\?/
    ],
    ["pattern p { where a > 1", 24, /^`}` is missing; it was opened at line 1, column 11/],
    ["pattern p { where a > 1 } }", 27, /^the pattern is over here/],
    ["pattern p { where a > 1 } pattern q { where a > 1 }", 27, /one pattern at a time/]
  ]
  for (const [text, column, sentence] of whole)
    it(`${JSON.stringify(text)}: at column ${column}`, () => {
      const found = problem(text)
      assert.match(found.sentence, sentence)
      assert.strictEqual(found.column, column)
    })

  /** The text from the place on, and the sentence. */
  const refusals: ReadonlyArray<readonly [text: string, rest: string, sentence: RegExp]> = [
    ["}", "}", /^what the pattern asks should stand here/],
    ["from a.b", "", /^what the pattern asks should stand here/],
    ["whre a > 1 }", "whre a > 1 }", /did you mean [a-z ]*where/],
    ["whn avg(temp) > 1 }", "whn avg(temp) > 1 }", /did you mean when\?/],
    ["silense a.b for 1s }", "silense a.b for 1s }", /did you mean silence\?/],
    ["a > 1 }", "a > 1 }", /a condition that is the whole question stands behind `where`; did you mean where a > 1\?/],
    ["form a.b where a > 1 }", "form a.b where a > 1 }", /what the pattern asks/],
    ["where a > 1 from b.c }", "from b.c }", /^`from` stands once, and clauses in this order: from, by/],
    ["by zone from b.c where a > 1 }", "from b.c where a > 1 }", /in this order/],
    ["where a > 1 suppress 1s do raise(x) }", "do raise(x) }", /in this order/],
    ["where a > 1 when count > 1 over sliding 1s }", "when count > 1 over sliding 1s }", /^a pattern asks one thing/],
    ["where a > 1 an b > 2 }", "an b > 2 }", /did you mean and/],
    ["when count > 1 over tumbling 1s emit {} allow late 1s }", "allow late 1s }", /in this order/],
    ["when count > 1 over tumbling 1s allow 1s }", "1s }", /`allow late` and by how much/],
    ["when count > 1 over tumbling 1s allow late 61min }", "61min }", /1h at most/],
    ["where a > 1 supress 1s }", "supress 1s }", /did you mean suppress\?/],
    ["where a > 1 do raise(x) supress 1s }", "supress 1s }", /did you mean suppress\?/],
    ["where temp }", "temp }", /compare it, as in `temp == true`/],
    ["where }", "}", /^a value should stand here, not `}`/],
    ["from Board where a > 1 }", "Board where a > 1 }", /^a type of events such as board.telemetry/],
    ['from "Board" where a > 1 }', '"Board" where a > 1 }', /^this is no type of events/],
    ["by where a > 1 }", "a > 1 }", /stands behind `where`/],
    ["by 5 where a > 1 }", "5 where a > 1 }", /^the name of a field should follow `by`, not `5`/],
    ["by a, b, c, d, e where a > 1 }", "e where a > 1 }", /^at most 4 fields/],
    // When.
    ["when > 5 }", "> 5 }", /^what is computed should follow `when`: count, rate/],
    ["when agv(temp) > 5 }", "agv(temp) > 5 }", /did you mean avg\?/],
    ["when mean(temp) > 5 }", "mean(temp) > 5 }", /did you mean avg\?/],
    ["when p99(temp) > 5 }", "p99(temp) > 5 }", /did you mean p\(0\.99, …\)\?/],
    ["when p(1.5, temp) > 5 }", "1.5, temp) > 5 }", /from 0 to 1/],
    ["when ewma(temp, 0) > 5 }", "0) > 5 }", /above 0 and at most 1/],
    ["when ewma(temp) > 5 }", ") > 5 }", /`,` should stand here, before the weight/],
    [
      "when avg temp > 5 }",
      "temp > 5 }",
      /^`\(` should stand here, with what `avg` is computed of, as in `avg\(temp\)`/
    ],
    ["when avg(temp > 5 }", "> 5 }", /an operator should stand here, not `>`|should stand here/],
    ["when count(x) > 5 }", "x) > 5 }", /count is of events, not of a field/],
    ["when distinct(1) > 5 }", "1) > 5 }", /^the name of a field should follow `distinct\(`/],
    ["when count over sliding 1s }", "over sliding 1s }", /^a comparison such as `> 5` should follow/],
    ["when count > x over sliding 1s }", "x over sliding 1s }", /^a number should stand here, not `x`/],
    ["when count > 5°C over sliding 1s }", "5°C over sliding 1s }", /write 5 without °C/],
    ["when count > 5 over slidin 1s }", "slidin 1s }", /did you mean sliding\?/],
    ["when count > 5 over 1s }", "1s }", /^a window should follow `over`/],
    ["when count > 5 over sliding 10 }", "10 }", /^a time has a unit; write 10s, 10min or 10ms/],
    ["when count > 5 over sliding 10sec }", "sec }", /^sec is no unit of time; did you mean/],
    ["when count > 5 over sliding 10V }", "V }", /^V is no unit of time/],
    ["when count > 5 over sliding 0s }", "0s }", /a millisecond at least/],
    ["when count > 5 over sliding 1.5ms }", "1.5ms }", /whole milliseconds/],
    ["when count > 5 over sliding 25h }", "25h }", /24h at most/],
    ["when count > 5 over sliding 1h30min }", "30min }", /a time has one unit/],
    ["when count > 5 over last 1.5 events }", "1.5 events }", /a whole number/],
    ["when count > 5 over last 20000 events }", "20000 events }", /at most 10000/],
    ["when count > 5 over last 10 evnts }", "evnts }", /did you mean events\?/],
    ["when count > 5 where a > 1 over sliding 1s }", "over sliding 1s }", /^`over` stands once, in this order/],
    ["when count > 5 over sliding 1s claer < 2 }", "claer < 2 }", /did you mean clear\?/],
    // Steps.
    ["a.b -> c.d within 1s }", "a.b -> c.d within 1s }", /stand behind `seq`/],
    ["a > 1 ~> c.d within 1s }", "a > 1 ~> c.d within 1s }", /stand behind `seq`/],
    ["seq a.b within 1s }", "within 1s }", /^a sequence has two steps at least/],
    ["seq a.b -> c.d }", "}", /a sequence has a limit, or what has begun would be kept for ever; write `within 10s`/],
    ["seq a.b -> c.d withn 1s }", "withn 1s }", /did you mean within\?/],
    ["seq a.b wher x > 1 -> c.d within 1s }", "wher x > 1 -> c.d within 1s }", /did you mean [a-z ]*where/],
    ["seq a.b -> -> c.d within 1s }", "-> c.d within 1s }", /a value should stand here, not `->`/],
    ["a.b then c.d within 1s }", "c.d within 1s }", /^`no` should follow/],
    ["a.b tehn no c.d within 1s }", "tehn no c.d within 1s }", /did you mean then\?/],
    ["a.b then no c.d }", "}", /write `within 10s`/],
    ["silence a.b }", "}", /^`for` should follow/],
    ["all(a b) within 1s }", "b) within 1s }", /^`\)` should stand here/],
    ["all() within 1s }", ") within 1s }", /^the name of a pattern/],
    ["all(a, b) }", "}", /a combination has a limit/],
    ["20 of (a, b) within 1s }", "20 of (a, b) within 1s }", /at most 16/],
    ["join a.b with c.d as x within 1s }", "with c.d as x within 1s }", /^`as` should follow/],
    ["join a.b as X with c.d as y within 1s }", "X with c.d as y within 1s }", /lower-case/],
    ["join a.b as x with c.d as y }", "}", /a join has a limit/],
    // What becomes of it.
    ["where a > 1 emit temp }", "temp }", /as in `emit { highest: temp }`/],
    ["where a > 1 emit { b: temp c: d } }", "c: d } }", /an operator should stand here|should stand here/],
    ["where a > 1 emit { b: 1, b: 2 } }", "b: 2 } }", /^b stands here twice/],
    ["where a > 1 emit { b 1 } }", "1 } }", /^`:` should stand here/],
    ["where a > 1 do }", "}", /^what a match has done should follow `do`/],
    ["where a > 1 do evnt(x) }", "evnt(x) }", /did you mean event\?/],
    ["where a > 1 do policy(x) }", "policy(x) }", /event, tell, webhook, mqtt or raise, not `policy`/],
    ["where a > 1 do event(X) }", "X) }", /a type of an event should stand here, in quotes/],
    ['where a > 1 do event("a b") }', '"a b") }', /^this is no type of an event/],
    ['where a > 1 do webhook("x.org") }', '"x.org") }', /^an address begins with http/],
    ['where a > 1 do mqtt("a/#") }', '"a/#") }', /^a topic to publish on has no # and no \+/],
    [
      'where a > 1 do mqtt("holon/1/b/x/down") }',
      '"holon/1/b/x/down") }',
      /^boards and the cluster speak on topics below holon/
    ],
    ['where a > 1 do raise("") }', '"") }', /1 to 128 characters/],
    ["where a > 1 do tell(device) }", ") }", /^`,` should stand here, before the actor's id, as in `tell\(device/],
    ["where a > 1 do tell(device, x, M) }", "x, M) }", /^the id of an actor should stand here, in quotes, not `x`/],
    ['where a > 1 do tell(device, "x", M, { a: on }) }', "on }) }", /a text stands in quotes/],
    ['where a > 1 do tell(device, "x", M, { a: 5s }) }', "5s }) }", /write 5 without s/],
    ['where a > 1 do tell(device, "x", M, { a: 1, a: 2 }) }', "a: 2 }) }", /stands here twice/],
    ['where a > 1 do tell(device, "x", M, [1) }', ") }", /or `\]` to close what was opened at line 1, column/],
    [`where a > 1 do tell(device, "x", M, ${"[".repeat(17)}`, "[", /at most 16 maps and lists/],
    [`where a > 1 do ${"raise(x), ".repeat(8)}raise(y) }`, "raise(y) }", /at most 8 things done/]
  ]
  for (const [text, rest, sentence] of refusals)
    it(`${text}: at ${JSON.stringify(rest)}`, () => {
      const found = problem(before + text)
      assert.match(found.sentence, sentence)
      assert.strictEqual((before + text).slice(found.at), rest)
    })

  it("shows the line with a caret under the character", () => {
    const { line, column, excerpt } = problem("pattern p {\n  when avg(temp) > 5 over\n    slidin 10s\n}")
    assert.deepStrictEqual([line, column], [3, 5])
    assert.strictEqual(excerpt, "      slidin 10s\n      ^")
  })
})

describe("what is too large", () => {
  const reasonOf = (text: string) => problem(text).reason

  it("refuses a megabyte, whatever it says", () => {
    assert.strictEqual(reasonOf("a".repeat(1_000_000)), "TooLarge")
    assert.strictEqual(reasonOf(`${before}where a > 1${" or a > 1".repeat(120_000)} }`), "TooLarge")
    assert.strictEqual(reasonOf(`${before}from ${"a,".repeat(500_000)}`), "TooLarge")
  })
  it("refuses ten thousand of anything that opens", () => {
    for (const sign of ["(", "not ", "-", "[", "{"])
      for (const start of [
        "where ",
        "when avg(",
        "seq ",
        "where a > ",
        "where a > 1 emit { a: ",
        'where a > 1 do tell(device, "x", M, '
      ])
        assert.include(["TooLarge", "Syntax"], reasonOf(`${before}${start}${sign.repeat(10_000)}`))
    assert.strictEqual(reasonOf(`${before}where ${"(".repeat(10_000)}a > 1`), "TooLarge")
    assert.strictEqual(reasonOf(`${before}when avg(${"(".repeat(10_000)}`), "TooLarge")
    assert.strictEqual(reasonOf(`${before}where a > 1 do tell(device, "x", M, ${"[".repeat(10_000)}`), "TooLarge")
    assert.strictEqual(reasonOf(`${before}where a > 1 do tell(device, "x", M, ${"{a:".repeat(10_000)}`), "TooLarge")
  })
  it("takes a list as long as a text can be, far behind its beginning", () => {
    const far = " ".repeat(30_000)
    const list = `${before}where a > 1 do tell(device, "x", M, ${far}[${"1,".repeat(17_000)}1]) }`
    assert.isTrue(Result.isSuccess(readPattern(list)))
  })
  it("refuses more steps, types and patterns than there may be", () => {
    assert.strictEqual(reasonOf(`${before}seq a${" -> a".repeat(16)} within 1s }`), "TooLarge")
    assert.strictEqual(reasonOf(`${before}from a${", a".repeat(16)} where a > 1 }`), "TooLarge")
    assert.strictEqual(reasonOf(`${before}all(a${", a".repeat(16)}) within 1s }`), "TooLarge")
    assert.isTrue(Result.isSuccess(readPattern(`${before}seq a${" -> a".repeat(15)} within 1s }`)))
    const values = (count: number) => Array.from({ length: count }, (_, index) => `v${index}: a`).join(", ")
    assert.strictEqual(reasonOf(`${before}where a > 1 emit { ${values(33)} } }`), "TooLarge")
    assert.isTrue(Result.isSuccess(readPattern(`${before}where a > 1 emit { ${values(32)} } }`)))
  })
})

describe("whatever somebody writes", () => {
  const sound = [
    'pattern "hot-line" priority critical { from board.telemetry, device.* by zone, source.id when p(0.95, temp - 2) >= 85 over sliding 30s where cpu > 80% and not (on == true) clear < 78 for 10s emit { highest: temp } do raise("thermal"), tell(device, "$zone", SetDesired, { patch: { led: "on", n: [1, -2.5, null] } }) suppress 10min }',
    "pattern p { seq door.opened -> where temp > 80 ~> any event within 5min }",
    'pattern p { by `odd name` door.opened where a in [1, 2] then no "where" within 30s do mqtt("a/b") }',
    "pattern p { 2 of (a, b-1, c.d) within 10s suppress 1h }",
    "pattern p { when count > 3 over session 5min allow late 30min do raise(x) suppress 1h }",
    "pattern p { join a.b as x with c.d as y within 1s where x.n > 1 and y.allow > 2 allow late 1h }",
    'pattern p { "allow" where allow > 1 then no a.b within 1s }',
    'pattern p { join a.b as x with c.* as y on job within 1h where x.took > y.limit and x.name glob "a*" }',
    "pattern p { silence exists temp for 500ms }",
    "pattern p { when ewma(temp, 0.2) < -5 over last 10 events }"
  ]
  const pieces = sound.join(" ").split(/(?<=[\s(){},:])|(?=[\s(){},:])/)

  it("is read or refused with a place in the text, and never breaks the reader or the checker", () => {
    const random = randomFrom(7)
    const pick = <A>(of: ReadonlyArray<A>): A | undefined => of[Math.floor(random() * of.length)]
    let read = 0
    for (let count = 0; count < 15_000; count++) {
      let text = pick(sound) ?? ""
      for (let edit = 0; edit <= random() * 3; edit++) {
        const at = Math.floor(random() * text.length)
        const end = at + Math.floor(random() * 6)
        const put = random() < 0.4 ? "" : random() < 0.6 ? (pick(pieces) ?? "") : String.fromCharCode(random() * 130)
        text = text.slice(0, at) + put + text.slice(end)
      }
      const found = readPattern(text)
      if (Result.isFailure(found)) {
        const [first] = found.failure.problems
        assert.isTrue(first.at >= 0 && first.at <= text.length && first.sentence.length > 10, text)
        continue
      }
      read++
      assert.isTrue(Schema.is(Pattern)(found.success), text)
      assert.deepStrictEqual(Result.getOrThrow(readPattern(formatPattern(found.success))), found.success, text)
      checkText(text)
    }
    assert.isAbove(read, 1000)
  })
})
