import { assert, describe, it } from "@effect/vitest"
import { houseBoards } from "../../../../src/systems/operations/asking/HouseBoards.ts"
import { type Fleet, wordsOf } from "../../../../src/systems/operations/asking/WordsOf.ts"

const none: Fleet = {
  devices: [],
  zones: [],
  twins: [],
  images: [],
  programs: [],
  rollouts: [],
  vsms: [],
  boards: [],
  units: new Map()
}
const kilns = [{ id: "kiln-1", profile: "acme-kiln" }]

describe("the words of a fleet", () => {
  it("are of what its boards report, and only what somebody desired can be set", () => {
    const { fields } = wordsOf({
      ...none,
      devices: kilns,
      twins: [
        { profile: "acme-kiln", reported: { temp: 20, motor: { speed: 3 }, tags: ["a"] }, desired: { burner: true } }
      ]
    })
    assert.deepStrictEqual(fields, [
      { name: "burner", type: "boolean", isSettable: true, profiles: ["acme-kiln"] },
      { name: "motor.speed", type: "number", profiles: ["acme-kiln"] },
      { name: "temp", type: "number", profiles: ["acme-kiln"] }
    ])
  })

  it("say once what boards of several profiles have alike", () => {
    const { fields } = wordsOf({
      ...none,
      devices: [...kilns, { id: "dryer-1", profile: "acme-dryer" }],
      twins: [
        { profile: "acme-kiln", reported: { temp: 20 }, desired: {} },
        { profile: "acme-dryer", reported: { temp: 20 }, desired: { temp: 30 } },
        { profile: "gone", reported: { odd: 1 }, desired: {} }
      ]
    })
    assert.deepStrictEqual(fields, [
      { name: "temp", type: "number", profiles: ["acme-kiln"] },
      { name: "temp", type: "number", isSettable: true, profiles: ["acme-dryer"] }
    ])
  })

  it("take the config before what this release knows, profile by profile", () => {
    const own = { name: "target", type: "number", max: 80, isSettable: true, profiles: ["sim-oven"] } as const
    const { commands, fields } = wordsOf({
      ...none,
      devices: [
        { id: "oven-1", profile: "sim-oven" },
        { id: "heater-1", profile: "sim-heater" }
      ],
      boards: [{ profiles: [], fields: [own], commands: [] }, houseBoards]
    })
    const targets = fields.filter(({ name }) => name === "target")
    assert.deepStrictEqual(
      targets.map(({ max, profiles }) => ({ max, profiles })),
      [
        { max: 80, profiles: ["sim-oven"] },
        { max: 100, profiles: ["sim-heater"] }
      ]
    )
    // No press is there, so nobody can tell one to press.
    assert.deepStrictEqual(commands.map(({ name }) => name).toSorted(), ["ping", "reboot", "sleep"])
  })

  it("measure fields as the config of the cluster says", () => {
    const { fields } = wordsOf({
      ...none,
      devices: kilns,
      twins: [{ profile: "acme-kiln", reported: { temp: 20, name: "x" }, desired: {} }],
      units: new Map([
        ["temp", "K"],
        ["name", "m"]
      ])
    })
    assert.deepStrictEqual(
      fields.map(({ unit }) => unit),
      [undefined, "K"]
    )
  })

  it("know programs by their images and by the boards that run them", () => {
    const { programs } = wordsOf({
      ...none,
      images: [
        { name: "blink", version: "1.1.0", sha256: "a" },
        { name: "blink", version: "1.0.0", sha256: "b" },
        { name: "blink", version: "1.0.0", sha256: "c" }
      ],
      programs: [
        { name: "thermostat", values: ["gain"] },
        { name: "blink", values: [] }
      ]
    })
    assert.deepStrictEqual(programs, [
      { name: "blink", versions: ["1.1.0", "1.0.0"], values: [] },
      { name: "thermostat", versions: [], values: ["gain"] }
    ])
  })

  it("leave out fields without a plain name, those too deep, and all behind the two-hundredth", () => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`f${String(at).padStart(3, "0")}`, at]))
    const { fields } = wordsOf({
      ...none,
      devices: kilns,
      twins: [
        { profile: "acme-kiln", reported: { ...many, "a.b": 1, deep: { a: { b: { c: { d: 1 } } } } }, desired: {} }
      ]
    })
    assert.lengthOf(fields, 200)
    assert.isFalse(fields.some(({ name }) => name.startsWith("a") || name.startsWith("deep")))
  })
})
