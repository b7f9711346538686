import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { topicTest } from "../../../src/events/matching/Topic.ts"
import type { HolonEvent } from "../../../src/protocol/Event.ts"
import { severities } from "../../../src/protocol/JournalBody.ts"
import { TopicGlob, topicOf } from "../../../src/protocol/Topic.ts"
import { randomFrom } from "../../support/Random.ts"

const eventOf = (type: string, severity: HolonEvent["severity"], zone?: string): HolonEvent => ({
  id: "00000000-0000-7000-8000-000000000001",
  type,
  source: { actor: "device", id: "press-1" },
  seq: 1,
  ts: { ms: 1, ctr: 0, node: "0123456789abcdef" },
  at: 1,
  vsm: "root",
  ...(zone !== undefined && { zone }),
  severity,
  data: null,
  causes: []
})

/** What a glob means, by trying every length of each run. */
const fits = (glob: string, text: string): boolean => {
  const [first, ...rest] = glob
  if (first === undefined) return text === ""
  const behind = rest.join("")
  if (first === "*") return fits(behind, text) || (text !== "" && fits(glob, text.slice(1)))
  return text !== "" && (first === "?" || first === text[0]) && fits(behind, text.slice(1))
}

const random = randomFrom(45)
const one = <A>(of: readonly [A, ...ReadonlyArray<A>]): A => of[Math.floor(random() * of.length)] ?? of[0]
const zones = [undefined, "hall", "hall.line-3", "hall2", "hall.telemetry", "-"] as const
const types = ["telemetry", "board.telemetry", "line-3.info", "error", "device.on_line", "hall.error"] as const
const drawnEvent = () => eventOf(one(types), one(severities), one(zones))

/** A topic with some runs and characters of it, or parts of it, made open. */
const drawnGlob = (): string => {
  let glob = topicOf(drawnEvent())
  for (let changes = Math.floor(random() * 4); changes > 0; changes--) {
    const from = Math.floor(random() * (glob.length + 1))
    const to = Math.min(glob.length, from + Math.floor(random() * 12))
    glob = glob.slice(0, from) + one(["*", "*", "?", "**", ".", ""]) + glob.slice(to)
  }
  return glob
}

const isGlob = Schema.is(TopicGlob)

describe("a glob over topics", () => {
  it("selects the events that trying everything selects, and what is refused would select none", () => {
    const seen = { fits: 0, fitsNot: 0, refused: 0 }
    for (let count = 0; count < 3000; count++) {
      const glob = drawnGlob()
      const isTaken = isGlob(glob)
      if (!isTaken) seen.refused++
      const test = isTaken ? topicTest(glob) : () => false
      for (let each = 0; each < 10; each++) {
        const event = drawnEvent()
        const expected = fits(glob, topicOf(event))
        if (isTaken) seen[expected ? "fits" : "fitsNot"]++
        assert.strictEqual(test(event), expected, `${glob} of ${topicOf(event)}`)
      }
    }
    assert.isAbove(Math.min(...Object.values(seen)), 300, JSON.stringify(seen))
  })

  it("is held against the whole topic, in which zones and types have dots of their own", () => {
    const telemetry = eventOf("board.telemetry", "info", "hall.line-3")
    assert.strictEqual(topicOf(telemetry), "root.hall.line-3.board.telemetry.info")
    assert.strictEqual(topicOf(eventOf("device.online", "info")), "root.-.device.online.info")
    for (const [glob, expected] of [
      ["root.hall.line-3.board.telemetry.info", true],
      ["root.hall.*", true],
      ["root.ha.*", false],
      ["*.board.telemetry.*", true],
      ["root.hall.line-?.*", true],
      ["root.-.*", false],
      ["*.error", false]
    ] as const)
      assert.strictEqual(topicTest(glob)(telemetry), expected, glob)
  })

  it("takes a time that grows with the topic alone", () => {
    const test = topicTest(`${"*a".repeat(120)}*b.info`)
    assert.isFalse(test(eventOf("a".repeat(100_000), "info")))
  })

  it("is refused where no topic is like it, with a sentence that shows one", () => {
    for (const [glob, sentence] of [
      ["", /^a topic is missing; .*root\.hall/],
      ["board.telemetry", /^no topic is like this: .*VSM\.ZONE\.TYPE\.SEVERITY/],
      ["root.hall.*.warning", /ends with debug, info, warn, error, critical/],
      ["root.info", /^no topic is like this/],
      ["root/hall/#", /no topic has the character `\/`/],
      ["root.Hall.*", /no topic has the character `H`/],
      ["root.\\*.info", /no topic has the character `\\`/],
      ["*.😀.info", /no topic has the character `😀`/],
      [`*${"a".repeat(300)}.info`, /more than 254 characters/]
    ] as const) {
      const refused = Schema.decodeUnknownResult(TopicGlob)(glob)
      assert.strictEqual(refused._tag, "Failure", glob)
      if (refused._tag === "Failure") assert.match(refused.failure.message, sentence)
    }
    assert.isTrue(isGlob("*") && isGlob("*??or") && isGlob(`*${"a".repeat(248)}.info`))
  })
})
