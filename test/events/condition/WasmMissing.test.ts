import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import { compileWasm, WasmCompilerMissing } from "../../../src/events/condition/Wasm.ts"

// Loading this file has loaded the compiler of conditions; had that loaded the package, the test would have ended here.
vi.mock("binaryen", () => {
  throw new Error("Cannot find package 'binaryen'")
})

describe("where binaryen is not installed", () => {
  it.effect("a condition that should become a module is refused, and says what to install", () =>
    Effect.gen(function* () {
      const refused = yield* Effect.flip(compileWasm({ _tag: "Always", value: true }))
      assert.instanceOf(refused, WasmCompilerMissing)
      assert.include(refused.message, "npm install --include=optional")
    })
  )
})
