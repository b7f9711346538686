import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { boardCaller } from "../../../../devices/provisioning/LoaderCalls.ts"
import { sourceText } from "../../../../devices/provisioning/Source.ts"
import {
  loadSdPlan,
  readSdPlan,
  type SdOutcome,
  sdTransport
} from "../../../../devices/provisioning/transports/SdCard.ts"
import { readSdManifest, type SdPlan } from "../../../../devices/provisioning/transports/SdManifest.ts"
import type { Refused } from "../../../../devices/Refused.ts"
import { writeHxe } from "../../../../src/protocol/hxe/HxeWriter.ts"
import { goldenImage, goldenSha256 } from "../GoldenImage.ts"
import { done, LoaderRig, refusedAs } from "../LoaderRig.ts"

const image = (appName: string): Uint8Array =>
  writeHxe({ version: 2, entry: 0, code: new Uint8Array(8), rodata: new Uint8Array(0), appName })

let card = ""
beforeEach(() => {
  card = mkdtempSync(join(tmpdir(), "holon-card-"))
  mkdirSync(join(card, "hsx", "apps"), { recursive: true })
})
afterEach(() => rmSync(card, { recursive: true }))

const put = (path: string, contents: Uint8Array | string): void => writeFileSync(join(card, "hsx", path), contents)

const planOf = (rig: LoaderRig, node = 5): Result.Result<SdPlan, Refused> => {
  const plans: Array<Result.Result<SdPlan, Refused>> = []
  readSdPlan({ loader: rig.loader, transport: sdTransport(card), clock: rig.time.clock() }, node, (plan) =>
    plans.push(plan)
  )
  rig.time.advance(20_000)
  const [plan] = plans
  if (plan === undefined) throw new Error("no plan")
  return plan
}

const load = (
  entries: ReadonlyArray<Record<string, unknown>>
): { readonly rig: LoaderRig; readonly outcome: SdOutcome } => {
  put("manifest.json", JSON.stringify({ version: 1, image: entries }))
  const rig = new LoaderRig()
  const plan = done(planOf(rig))
  const outcomes: Array<SdOutcome> = []
  loadSdPlan(
    { loader: rig.loader, transport: sdTransport(card), clock: rig.time.clock() },
    plan,
    boardCaller,
    (outcome) => outcomes.push(outcome)
  )
  rig.time.advance(20_000)
  const [outcome] = outcomes
  if (outcome === undefined) throw new Error("no outcome")
  return { rig, outcome }
}

describe("a card", () => {
  it("is loaded by priority, equals in the order of its list", () => {
    for (const name of ["a", "b", "c"]) put(`apps/${name}.hxe`, image(name))
    const { outcome, rig } = load([
      { path: "apps/a.hxe", priority: 1 },
      { path: "apps/b.hxe", priority: 100 },
      { path: "apps/c.hxe", priority: 100 }
    ])
    assert.deepStrictEqual(
      rig.host.running.map(([, name]) => name),
      ["b", "c", "a"]
    )
    assert.isTrue(outcome.isUsable)
    const { data } = rig.last("provisioning.complete")
    assert.strictEqual(data.source === null ? "" : sourceText(data.source), "sd:/hsx/manifest.json#0:apps/a.hxe")
    assert.strictEqual(rig.last("provisioning.started").data.mode, "boot")
  })

  it("gives the newest of one name", () => {
    put("apps/old.hxe", image("motor"))
    put("apps/new.hxe", image("motor"))
    const { outcome } = load([
      { path: "apps/old.hxe", app_name: "motor", version: "1.9.0" },
      { path: "apps/new.hxe", app_name: "motor", version: "1.10.0" }
    ])
    assert.deepStrictEqual(
      outcome.reports.map(({ path }) => path),
      ["apps/new.hxe"]
    )
  })

  it("checks hashes and names, and tries what stands in", () => {
    put("apps/golden.hxe", goldenImage())
    put("apps/motor.hxe", image("motor"))
    const { outcome, rig } = load([
      { path: "apps/golden.hxe", sha256: goldenSha256, crc32: "a621e704", pid: 3 },
      { path: "apps/golden.hxe", app_name: "motor", fallback: "apps/motor.hxe" },
      { path: "apps/golden.hxe", crc32: "00000000" },
      { path: "apps/missing.hxe" }
    ])
    assert.deepStrictEqual(
      outcome.reports.map(({ path, result }) => [path, Result.isSuccess(result) ? 0 : result.failure.code]),
      [
        ["apps/golden.hxe", 0],
        ["apps/motor.hxe", 0],
        ["apps/golden.hxe", 74],
        ["apps/missing.hxe", 2]
      ]
    )
    assert.strictEqual(rig.host.running[0]?.[0], 3)
    const boots = rig.events.flatMap((event) => (event.type === "provisioning.boot" ? [event.data] : []))
    assert.deepStrictEqual(
      boots.map(({ attempt, result }) => [attempt, result]),
      [
        [1, "OK"],
        [1, "EBADMSG"],
        [2, "OK"],
        [1, "EBADMSG"],
        [1, "ENOENT"]
      ]
    )
  })

  it("is not usable when what is required fails", () => {
    assert.isFalse(load([{ path: "apps/missing.hxe", required: true }]).outcome.isUsable)
    assert.isTrue(load([{ path: "apps/missing.hxe" }]).outcome.isUsable)
  })

  it("asks an image for the keys of its values", () => {
    put("apps/golden.hxe", goldenImage())
    put(
      "keys.json",
      JSON.stringify([
        { key: 17, mode: "load", length: 2 },
        { key: 18, mode: "save", length: 2 }
      ])
    )
    const entry = { path: "apps/golden.hxe", fram_manifest: "keys.json" }
    const [optional] = load([entry]).outcome.reports
    assert.deepStrictEqual(optional?.warnings, ["fram_key:18"])
    const [required] = load([{ ...entry, required: true }]).outcome.reports
    assert.deepStrictEqual(required === undefined ? [] : refusedAs(required.result), [74, "fram_key:18"])
  })

  it("cannot name what lies outside of it", () => {
    const [report] = load([{ path: "../../secret" }]).outcome.reports
    assert.strictEqual(report === undefined ? 0 : refusedAs(report.result)[0], 1)
  })

  it("says that there is no list", () => {
    assert.strictEqual(refusedAs(planOf(new LoaderRig()))[0], 2)
  })

  it("is loaded by a list in TOML as by the same list in JSON, which counts where both are there", () => {
    put("apps/a.hxe", image("a"))
    put("manifest.toml", `version = 1\n[[image]]\npath = "apps/a.hxe"\n`)
    const rig = new LoaderRig()
    const parts = { loader: rig.loader, transport: sdTransport(card), clock: rig.time.clock() }
    loadSdPlan(parts, done(planOf(rig)), boardCaller, () => {})
    rig.time.advance(20_000)
    const { data } = rig.last("provisioning.complete")
    assert.strictEqual(data.source === null ? "" : sourceText(data.source), "sd:/hsx/manifest.toml#0:apps/a.hxe")
    put("manifest.json", JSON.stringify({ version: 1, image: [] }))
    assert.deepStrictEqual(done(planOf(rig)).entries, [])
  })
})

describe("readSdManifest", () => {
  it("refuses the whole list for one wrong entry", () => {
    for (const wrong of [
      { version: 2, image: [] },
      { version: 1 },
      { version: 1, image: [{}] },
      { version: 1, image: [{ path: "a", sha256: "12" }] },
      { version: 1, image: [{ path: "a", version: "one" }] }
    ]) {
      const [code, detail] = refusedAs(readSdManifest(JSON.stringify(wrong), 1))
      assert.strictEqual(code, 74)
      assert.match(String(detail), /^manifest_shape:(version|image(\.0\.(path|sha256|version))?): ./)
    }
  })

  it("names the line that is no JSON or no TOML, and the key that does not fit", () => {
    const json = '{ "version": 1,\n  "image": [\n    { "path": } ] }'
    assert.match(String(refusedAs(readSdManifest(json, 1))[1]), /^manifest_json:line 3: Unexpected token/)
    assert.match(String(refusedAs(readSdManifest('{\n"version":\n', 1))[1]), /^manifest_json:line 2: Unexpected end/)
    const toml = "version = 1\n[[image]]\npath = apps/a.hxe\n"
    assert.match(String(refusedAs(readSdManifest(toml, 1, "toml"))[1]), /^manifest_toml:line 3: ./)
    const wrong = 'version = 1\n[[image]]\npath = "a"\n[[image]]\npath = "b"\nrequired = 1\n'
    assert.deepStrictEqual(refusedAs(readSdManifest(wrong, 1, "toml")), [
      74,
      "manifest_shape:image.1.required: Expected boolean"
    ])
    const date = 'version = 1\n[[image]]\npath = "a"\nversion = 1979-05-27\n'
    assert.strictEqual(refusedAs(readSdManifest(date, 1, "toml"))[0], 74)
  })

  it("makes the same plan of the same list in both syntaxes", () => {
    const toml = `
version = 1
node = 5                    # a list for one board
color = "red"
[[image]]
path = "apps/motor-1.1.hxe"
app_name = "motor"
version = "1.1.0"
[[image]]
path = "apps/motor.hxe"
app_name = "motor"
version = "1.2.0"
priority = -3
autostart = false
required = true
pid = 3
crc32 = "a621e704"
persist = true
fallback = 'apps/motor-1.1.hxe'
fram_manifest = "motor.fram.json"
[[image]]
path = "apps/pump.hxe"
`
    const list = {
      version: 1,
      node: 5,
      color: "red",
      image: [
        { path: "apps/motor-1.1.hxe", app_name: "motor", version: "1.1.0" },
        {
          path: "apps/motor.hxe",
          app_name: "motor",
          version: "1.2.0",
          priority: -3,
          autostart: false,
          required: true,
          pid: 3,
          crc32: "a621e704",
          persist: true,
          fallback: "apps/motor-1.1.hxe",
          fram_manifest: "motor.fram.json"
        },
        { path: "apps/pump.hxe" }
      ]
    }
    const without = (plan: SdPlan) => ({ ...plan, entries: plan.entries.map((entry) => ({ ...entry, list: "" })) })
    for (const node of [5, 6]) {
      const one = done(readSdManifest(toml, node, "toml"))
      const other = done(readSdManifest(JSON.stringify(list), node))
      assert.deepStrictEqual(without(one), without(other))
      assert.strictEqual(one.entries.length, node === 5 ? 2 : 0)
    }
  })

  it("warns of keys it does not know, and of a list for another board", () => {
    const text = JSON.stringify({ version: 1, node: 9, color: 1, image: [{ path: "a", size: 3 }] })
    assert.deepStrictEqual(done(readSdManifest(text, 9)).warnings, ["unknown_key:color", "unknown_key:0:size"])
    const other = done(readSdManifest(text, 8))
    assert.deepStrictEqual(other.entries, [])
    assert.include(other.warnings, "other_node:9")
  })
})
