import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { device } from "../../../src/actors/device/Device.ts"
import { Bench, refusal } from "./Bench.ts"

const changes = ({ events }: Bench): ReadonlyArray<unknown> =>
  events.flatMap(({ type, data }) => (type === "device.zone-changed" ? [data] : []))

const zoneOf = ({ state }: Bench): string | undefined => device.reactions.zoneOf?.(state)

const partsOf = ({ state }: Bench): ReadonlyMap<string, unknown> =>
  device.reactions.storage?.split(state, 1).parts ?? new Map()

const said = Schema.NullOr(Schema.Literals(["hall", "hall.line-3", "yard"]))
const Steps = Schema.Array(
  Schema.Union([
    Schema.TaggedStruct("Attach", { rule: said, board: said }),
    Schema.TaggedStruct("People", { zone: said }),
    Schema.TaggedStruct("FailOver", {})
  ])
).check(Schema.isMaxLength(30))

describe("the zone of a device", () => {
  it.prop(
    "is what the strongest says, whatever was said before, and each change is told once",
    { steps: Steps },
    ({ steps }) => {
      const bench = new Bench()
      const words: { people: string | null; rule: string | null; board: string | null } = {
        people: null,
        rule: null,
        board: null
      }
      const told: Array<string | undefined> = []
      let link = 0
      bench.attach({ link: ++link })
      for (const step of steps) {
        const before = zoneOf(bench)
        if (step._tag === "FailOver") bench.failOver()
        else if (step._tag === "People") {
          words.people = step.zone
          bench.ask("SetZone", { zone: step.zone })
        } else {
          const { rule, board } = step
          Object.assign(words, { rule, board })
          bench.attach({
            link: ++link,
            ...(rule !== null && { zoneByRule: rule }),
            ...(board !== null && { zoneOfBoard: board })
          })
        }
        const zone = words.people ?? words.rule ?? words.board ?? undefined
        assert.strictEqual(zoneOf(bench), zone)
        if (zone !== before) told.push(zone)
      }
      assert.deepStrictEqual(
        changes(bench).map((data) => Object(data).zone),
        told
      )
    }
  )

  it("is what people say, else what a rule says, else what the board says", () => {
    const bench = new Bench()
    bench.attach({ zoneOfBoard: "shed" })
    assert.strictEqual(zoneOf(bench), "shed")
    bench.attach({ link: 2, zoneByRule: "hall", zoneOfBoard: "shed" })
    assert.strictEqual(zoneOf(bench), "hall")
    assert.deepStrictEqual(bench.ask("SetZone", { zone: "hall.line-3" }), { zone: "hall.line-3", zoneBy: "people" })
    bench.attach({ link: 3, zoneByRule: "yard", zoneOfBoard: "shed" })
    assert.strictEqual(zoneOf(bench), "hall.line-3")
    assert.deepStrictEqual(bench.ask("SetZone", { zone: null }), { zone: "yard", zoneBy: "rule" })
    bench.attach({ link: 4 })
    assert.strictEqual(zoneOf(bench), undefined)
    assert.deepStrictEqual(changes(bench), [
      { zone: "shed", zoneBy: "board" },
      { zone: "hall", zoneBy: "rule", before: "shed" },
      { zone: "hall.line-3", zoneBy: "people", before: "hall" },
      { zone: "yard", zoneBy: "rule", before: "hall.line-3" },
      { before: "yard" }
    ])
  })

  it("is told as a change only when another one comes into force", () => {
    const bench = new Bench()
    bench.attach({ zoneByRule: "hall" })
    bench.attach({ link: 2, zoneByRule: "hall", zoneOfBoard: "shed" })
    bench.ask("SetZone", { zone: "hall" })
    bench.ask("SetZone", { zone: "hall" })
    assert.strictEqual(changes(bench).length, 1)
    assert.deepStrictEqual(bench.status().zoneBy, "people")
  })

  it("is in the welcome and in the status, and survives the node", () => {
    const bench = new Bench()
    bench.attach()
    bench.ask("SetZone", { zone: "hall.line-3" })
    bench.failOver()
    assert.deepInclude(bench.status(), { zone: "hall.line-3", zoneBy: "people" })
    assert.deepInclude(bench.attach({ link: 2 }), { zone: "hall.line-3" })
  })

  it("costs a report nothing: its part of the row is written when it changes", () => {
    const bench = new Bench().ready({ zoneByRule: "hall" })
    const before = partsOf(bench).get("zone")
    assert.deepStrictEqual(before, { rule: "hall" })
    bench.report(2, { temp: 20 })
    bench.attach({ link: 2, zoneByRule: "hall" })
    assert.strictEqual(partsOf(bench).get("zone"), before)
    assert.isFalse(partsOf(new Bench().ready()).has("zone"))
  })

  it("of a retired device stays as it was", () => {
    const bench = new Bench().ready({ zoneByRule: "hall" })
    bench.ask("Retire")
    assert.strictEqual(
      refusal(() => bench.ask("SetZone", { zone: "yard" })),
      "InvalidTransition"
    )
    assert.strictEqual(bench.status().zone, "hall")
  })

  it("keeps what a newer node has stored beside it", () => {
    const { storage } = device.reactions
    const bench = new Bench().ready({ zoneByRule: "hall" })
    const { head, parts } = storage?.split(bench.state, 1) ?? { head: undefined, parts: new Map() }
    const loaded = storage?.join(head, new Map([...parts, ["zone", { rule: "hall", site: "yard" }]]), "press-1", 1)
    assert.deepStrictEqual(storage?.split(loaded, 1).parts.get("zone"), { rule: "hall", site: "yard" })
  })
})
