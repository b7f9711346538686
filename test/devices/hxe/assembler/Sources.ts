/** Sources as tests write them: one file or several, all in memory. */
import { Result } from "effect"
import { assemble } from "../../../../devices/hxe/assembler/Assembler.ts"
import { build } from "../../../../devices/hxe/assembler/Build.ts"
import { type Diagnostic, diagnosticLine } from "../../../../devices/hxe/assembler/Diagnostic.ts"
import type { LinkOptions } from "../../../../devices/hxe/assembler/Linker.ts"
import type { ObjectCode } from "../../../../devices/hxe/assembler/ObjectCode.ts"
import type { Include, SourceText } from "../../../../devices/hxe/assembler/Source.ts"
import type { HxeImage } from "../../../../src/protocol/hxe/Hxe.ts"
import { readHxe } from "../../../../src/protocol/hxe/HxeReader.ts"

/** Files by name. */
export type Files = Readonly<Record<string, string>>

/** Finds includes among files. */
export const among =
  (files: Files): Include =>
  (name) => {
    const text = files[name]
    return text === undefined ? undefined : { file: name, text }
  }

const sourcesOf = (files: Files): ReadonlyArray<SourceText> =>
  Object.entries(files).map(([file, text]) => ({ file, text }))

/** What is wrong, a line each. */
export const lines = (faults: ReadonlyArray<Diagnostic>): string => faults.map(diagnosticLine).join("\n")

const orThrow = <A>(result: Result.Result<A, ReadonlyArray<Diagnostic>>): A => {
  if (Result.isFailure(result)) throw new Error(lines(result.failure))
  return result.success
}

/** The object of one source. */
export const objectOf = (text: string): ObjectCode => orThrow(assemble({ file: "a.mvasm", text }, () => undefined))

/** The words of one source's code, before it is linked. */
export const wordsOf = (text: string): ReadonlyArray<number> => objectOf(text).code

/** The image of sources that are linked in this order. */
export const imageBytes = (files: Files, options: LinkOptions = { name: "a" }, included: Files = {}): Uint8Array =>
  orThrow(build(sourcesOf(files), among(included), options))

/** The same, read back by the rules that boards apply. */
export const imageOf = (files: Files, options: LinkOptions = { name: "a" }, included: Files = {}): HxeImage => {
  const read = readHxe(imageBytes(files, options, included))
  if (Result.isFailure(read)) throw new Error(read.failure.detail)
  return read.success
}

/** All that is wrong with sources. */
export const faultsOf = (files: Files, included: Files = {}): ReadonlyArray<string> => {
  const result = build(sourcesOf(files), among(included), { name: "a" })
  return Result.isFailure(result) ? result.failure.map(diagnosticLine) : []
}

/** The words of linked code. */
export const codeWords = ({ code }: HxeImage): ReadonlyArray<string> => {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength)
  return Array.from({ length: code.length / 4 }, (_, index) =>
    view
      .getUint32(index * 4)
      .toString(16)
      .toUpperCase()
      .padStart(8, "0")
  )
}
