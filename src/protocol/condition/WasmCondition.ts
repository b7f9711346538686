/** A condition as a WebAssembly module, and how a host runs it: on a node, in a browser, on a board. */
import { Result, Schema } from "effect"
import { TooLarge } from "../Errors.ts"
import { FieldPath } from "./Condition.ts"
import { encodeInput } from "./InputTable.ts"

/** Bytes of a module. */
export const moduleBytesMax = 32_768
/** Bytes of its memory: two pages. */
export const memoryBytesMax = 131_072

/**
 * A compiled condition, ABI `condition/1`. The module imports nothing and exports `memory` and `eval(ptr, len) → i32`: `ptr` is
 * where the table of values begins, `len` its bytes, and the result 1 where the condition holds, else 0.
 */
export const WasmCondition = Schema.Struct({
  abi: Schema.Literal("condition/1"),
  module: Schema.Uint8Array.check(Schema.makeFilter((bytes) => bytes.length <= moduleBytesMax || "too large")),
  /** Paths by the number that stands for them in the table. */
  fields: Schema.Array(FieldPath),
  /** From here on the memory is the host's; below lies what the module needs. */
  inputAt: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: memoryBytesMax }))
})
export type WasmCondition = typeof WasmCondition.Type

interface Memory {
  readonly buffer: ArrayBuffer
  readonly grow: (pages: number) => number
}
/** The part of the hosts' own type that is needed here; the types of Node leave it out. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> }
}

const isMemory = (value: unknown): value is Memory => typeof value === "object" && value !== null && "grow" in value
const isEvaluation = (value: unknown): value is (at: number, bytes: number) => number => typeof value === "function"

const pageBytes = 65_536

/** What decides a document. Fails with {@link TooLarge} when its fields do not fit into the memory of the module. */
export type Decide = (document: unknown) => Result.Result<boolean, TooLarge>

/** Starts a compiled condition. Throws what WebAssembly throws when the module is none, or of another ABI. */
export const startWasm = ({ module, fields, inputAt }: WasmCondition): Decide => {
  const { memory, eval: evaluate } = new WebAssembly.Instance(new WebAssembly.Module(module)).exports
  if (!isMemory(memory) || !isEvaluation(evaluate))
    throw new Error("the module does not have the exports of condition/1")
  return (document) => {
    const { bytes, tableBytes } = encodeInput(fields, document)
    const end = inputAt + bytes.length
    if (end > memoryBytesMax)
      return Result.fail(new TooLarge({ limit: memoryBytesMax - inputAt, actual: bytes.length }))
    const missing = end - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / pageBytes))
    new Uint8Array(memory.buffer).set(bytes, inputAt)
    return Result.succeed(evaluate(inputAt, tableBytes) === 1)
  }
}
