import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { build } from "../../../devices/hxe/assembler/Build.ts"
import { budgetProfiles } from "../../../devices/hxe/executive/BudgetProfile.ts"
import { excessOf, type HxeRoom, hxeRuntimeVersion, misfitOf, quantumOf } from "../../../devices/programs/HxeFit.ts"
import { HxeRuntime } from "../../../devices/programs/HxeRuntime.ts"
import { trustsAll } from "../../../devices/programs/ImageChecks.ts"
import type { HxeHeader } from "../../../src/protocol/hxe/Hxe.ts"
import { readHxe } from "../../../src/protocol/hxe/HxeReader.ts"
import type { Manifest } from "../../../src/protocol/image/Manifest.ts"
import { Bench, manifestOf } from "./Bench.ts"

const manifest = (fields: Partial<Manifest> = {}): Manifest => ({
  v: 1,
  kind: "hxe",
  sha256: "ab".repeat(32),
  size: 376,
  name: "motor",
  version: "1.2.0",
  secver: 0,
  ...fields
})

const room = (fields: Partial<HxeRoom> = {}): HxeRoom => ({
  profile: budgetProfiles.small,
  usedBytes: 2048,
  storageBytes: 1000,
  ...fields
})
/** Code, data and stacks of the small profile, without what is used. */
const freeBytes = (8 + 2 + 2) * 1024 - 2048

const misfit = (fields: Partial<Manifest>, has: Partial<HxeRoom> = {}) => {
  const refused = misfitOf(manifest(fields), room(has))
  return refused && [refused.code, refused.detail]
}

const counting = `.value {"group":1,"id":1,"name":"turns","init":0}
.entry main
.text
main:
    LDI R1, 0x101
    SVC VAL_GET
    LDI32 R3, f16(1)
    FADD R2, R0, R3
    LDI R1, 0x101
    SVC VAL_SET
    JMP main
`
const image = Result.getOrThrow(build([{ file: "motor.mvasm", text: counting }], () => undefined, { name: "motor" }))

describe("the manifest of an HXE image", () => {
  it("fits where it asks for nothing, or for what is there", () => {
    assert.isUndefined(misfit({}))
    const requires = { ram: freeBytes, storage: 1000, heap: 0, runtime: hxeRuntimeVersion }
    assert.isUndefined(misfit({ requires, limits: { fuel: 10, share: 1 }, start: { args: [], env: {} } }))
    assert.isUndefined(misfit({ requires: { runtime: "0.9" } }))
  })

  it("is refused for memory and storage that the board has not", () => {
    assert.deepStrictEqual(misfit({ requires: { ram: freeBytes + 1 } }), [
      12,
      `budget:ram:${freeBytes + 1}/${freeBytes}`
    ])
    assert.deepStrictEqual(misfit({ requires: { heap: 1 } }), [12, "budget:heap:1/0"])
    assert.deepStrictEqual(misfit({ requires: { storage: 1001 } }), [28, "budget:storage:1001/1000"])
    assert.deepStrictEqual(misfit({ requires: { storage: 1 } }, { storageBytes: 0 }), [28, "budget:storage:1/0"])
  })

  it("asks for memory of its own where every program has its own", () => {
    const { codeBytes, dataBytes, stackBytesDefault } = budgetProfiles.desktop
    const all = codeBytes + dataBytes + stackBytesDefault
    const desktop = { profile: budgetProfiles.desktop, usedBytes: 1_000_000 }
    assert.isUndefined(misfit({ requires: { ram: all } }, desktop))
    assert.deepStrictEqual(misfit({ requires: { ram: all + 1 } }, desktop)?.[0], 12)
  })

  it("is refused where it needs a later runtime, or names no version", () => {
    assert.deepStrictEqual(misfit({ requires: { runtime: "1.1" } }), [95, `runtime:1.1/${hxeRuntimeVersion}`])
    assert.deepStrictEqual(misfit({ requires: { runtime: "new" } }), [22, "requires.runtime: new is no version"])
  })

  it("is refused for what no HXE program is given", () => {
    const wishes: ReadonlyArray<readonly [Partial<Manifest>, number, string]> = [
      [{ start: { args: ["-v"] } }, 95, "start.args"],
      [{ start: { env: { A: "b" } } }, 95, "start.env"],
      [{ limits: { share: 0.5 } }, 95, "limits.share"],
      [{ limits: { fuel: 0 } }, 22, "limits.fuel"],
      [{ entry: "main" }, 95, "entry"],
      [{ requires: { compat: "1.0.0" } }, 95, "requires.compat"]
    ]
    for (const [fields, code, field] of wishes) {
      const [refused, detail] = misfit(fields) ?? []
      assert.strictEqual(refused, code, field)
      assert.match(String(detail), new RegExp(`^${field}: `))
    }
  })

  it("limits the memory of its image: code, data and stack", () => {
    const header: HxeHeader = Result.getOrThrow(readHxe(image)).header
    const needed = header.codeLength + header.rodataLength + header.bssSize + 512
    assert.isUndefined(excessOf(header, 512, undefined))
    assert.isUndefined(excessOf(header, 512, manifest({ limits: { memory: needed } })))
    assert.deepStrictEqual(excessOf(header, 512, manifest({ limits: { memory: needed - 1 } })), {
      code: 122,
      detail: `limit:memory:${needed}/${needed - 1}`
    })
  })

  it("limits the steps of a turn, and never raises them", () => {
    assert.strictEqual(quantumOf(undefined, 50), 50)
    assert.strictEqual(quantumOf(manifest({ limits: { fuel: 7 } }), 50), 7)
    assert.strictEqual(quantumOf(manifest({ limits: { fuel: 10_000 } }), 50), 50)
  })
})

describe("a board", () => {
  const benchOf = () =>
    new Bench({
      runtime: (time, events, shelf) =>
        new HxeRuntime({ now: () => time.now, events, trust: trustsAll, imageBytesMax: 262_144, store: shelf.values })
    })
  const committed = { flags: 1 | 2 | 4 }
  const turns = (bench: Bench, program: string): number => {
    const answer = bench.ask({ type: "value-get", program, ids: ["turns"] })?.value
    return Array.isArray(answer) && Array.isArray(answer[0]) ? Number(answer[0][1]) : Number.NaN
  }

  it("declines an offer whose manifest it cannot serve before a byte of it has come, and says why", () => {
    const bench = benchOf()
    for (const [fields, code, detail] of [
      [{ start: { args: ["-v"] } }, 95, "start.args: HXE programs take no arguments"],
      [{ requires: { storage: 1 } }, 28, "budget:storage:1/0"],
      [{ requires: { heap: 1 } }, 12, "budget:heap:1/0"],
      [{ depends: [{ name: "base" }] }, 95, "depends:base"]
    ] as const) {
      bench.send(image, manifestOf(image, fields))
      assert.deepInclude(bench.of("image-ack").at(-1), { next: 0, state: 0, code })
      assert.deepInclude(bench.of("event").at(-1)?.data, { where: "begin", errno: code, detail })
    }
  })

  it("declines an image that is larger than its manifest lets it be as soon as its header has come", () => {
    const bench = benchOf()
    bench.send(image, manifestOf(image, { limits: { memory: 100 } }))
    assert.deepInclude(bench.of("image-status").at(-1), { state: 4, code: 122 })
  })

  it("takes what depends on a program that is there, and gives it no more steps than its fuel", () => {
    const bench = benchOf()
    assert.strictEqual(bench.install(image, { version: "1.3.0" }, committed).state, 7)
    const depends = [{ name: "motor", range: "^1.2" }]
    const beside = { ...committed, instance: "slow" }
    assert.strictEqual(bench.install(image, { limits: { fuel: 5 }, depends }, beside).state, 7)
    const before = turns(bench, "motor")
    // No longer: above 2048 a half counts no further by ones.
    bench.advance(10)
    const [fast, slow] = [turns(bench, "motor") - before, turns(bench, "slow")]
    assert.isAbove(slow, 0)
    assert.isAbove(fast, 5 * slow)
  })
})
