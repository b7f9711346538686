/** Compiles a condition into a WebAssembly module, small enough for a board: core 1.0, no imports, what it does not use left out. */
import { Effect, Schema } from "effect"
import type { BoundCondition } from "../../protocol/condition/Bound.ts"
import { memoryBytesMax, moduleBytesMax, type WasmCondition } from "../../protocol/condition/WasmCondition.ts"
import { TooLarge } from "../../protocol/Errors.ts"
import { wasmText } from "./WasmText.ts"

/** The package that makes modules could not be loaded. Permanent for this installation. */
export class WasmCompilerMissing extends Schema.TaggedError<WasmCompilerMissing>()("WasmCompilerMissing", {
  cause: Schema.Defect()
}) {
  override get message() {
    return "conditions cannot become WebAssembly here, because the optional package binaryen is not installed; install it with `npm install --include=optional`"
  }
}

/** Loaded by the first condition that needs it: it takes a quarter of a second and as much memory as all the rest. */
const loadBinaryen = Effect.tryPromise({
  try: async () => (await import("binaryen")).default,
  catch: (cause) => new WasmCompilerMissing({ cause })
})

/** Nearly as small as all that binaryen can do, in a tenth of the time: the parts are written for size already. */
const passes = [
  "inlining",
  "optimize-instructions",
  "simplify-locals",
  "vacuum",
  "coalesce-locals",
  "precompute",
  "vacuum",
  "remove-unused-module-elements"
]

/** The host's half of the memory at least, for the values of the condition's fields. */
const constantBytesMax = memoryBytesMax / 2

/** Compiles a condition. Fails with {@link TooLarge} when its texts and patterns make the module too large for a board. */
export const compileWasm = Effect.fn("condition.compileWasm")(function* (
  condition: BoundCondition
): Effect.fn.Return<WasmCondition, TooLarge | WasmCompilerMissing> {
  const { text, fields, inputAt } = wasmText(condition)
  if (inputAt > constantBytesMax) return yield* new TooLarge({ limit: constantBytesMax, actual: inputAt })
  const binaryen = yield* loadBinaryen
  const module = yield* Effect.sync(() => {
    const parsed = binaryen.parseText(text)
    try {
      parsed.setFeatures(binaryen.Features.MVP)
      parsed.runPasses(passes)
      if (parsed.validate() === 0) throw new Error(`the module of a condition is not valid: ${text}`)
      return parsed.emitBinary()
    } finally {
      parsed.dispose()
    }
  })
  if (module.length > moduleBytesMax) return yield* new TooLarge({ limit: moduleBytesMax, actual: module.length })
  return { abi: "condition/1", module, fields: fields.map(([first, ...rest]) => [first, ...rest]), inputAt }
})
