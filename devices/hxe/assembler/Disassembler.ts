/** Writes an image as a source that assembles to the same code, data and declarations. */
import { callModeOf } from "../../../src/protocol/hxe/CallMode.ts"
import { type HxeImage, rodataAddress } from "../../../src/protocol/hxe/Hxe.ts"
import { dataDirectivesFor } from "./DataText.ts"
import { declarations } from "./DeclarationText.ts"
import { byOpcode, type Instruction, signed12, wordOf } from "./Instructions.ts"
import { isName } from "./Literals.ts"
import { callWords, targetMax } from "./Relocation.ts"
import { systemCallName } from "./SystemCalls.ts"

/** How a listing looks. */
export interface ListingOptions {
  /** Whether each instruction has its offset and words behind it, as a comment. Default true. */
  readonly hasOffsets?: boolean
}

/** An instruction with its place, as the machine would read it from the start of the code. */
interface Read {
  readonly offset: number
  readonly word: number
  /** The literal behind it. */
  readonly literal: number | undefined
  /** Nothing for a word that no instruction writes: an unknown opcode, or bits that mean nothing. */
  readonly instruction: Instruction | undefined
  /** Where it goes to, by its field. */
  readonly target: number | undefined
}

const fieldsOf = (word: number) => ({
  rd: (word >>> 20) & 15,
  rs1: (word >>> 16) & 15,
  rs2: (word >>> 12) & 15,
  low: word & 0xfff
})

/** Which fields the operands of an instruction fill. */
const usedFields = ({ operands }: Instruction, word: number): ReturnType<typeof fieldsOf> => {
  const { rd, rs1, rs2, low } = fieldsOf(word)
  const has = (...kinds: ReadonlyArray<string>): boolean => operands.some((kind) => kinds.includes(kind))
  return {
    rd: has("rd") ? rd : 0,
    rs1: has("rs1", "memory", "call") ? rs1 : 0,
    rs2: has("rs2") ? rs2 : 0,
    low: has("imm", "memory", "target", "call", "service") ? low : has("code") ? low & 0xff : 0
  }
}

const readCode = (code: Uint8Array, isAbsolute: boolean): ReadonlyArray<Read> => {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength)
  const all: Array<Read> = []
  for (let offset = 0; offset + 4 <= code.length; ) {
    const word = view.getUint32(offset)
    const known = byOpcode.get(word >>> 24)
    const takesLiteral = known?.operands.includes("literal") === true
    const literal = takesLiteral && offset + 8 <= code.length ? view.getUint32(offset + 4) : undefined
    const isSound =
      known !== undefined &&
      wordOf(known.opcode, usedFields(known, word)) === word &&
      takesLiteral === (literal !== undefined)
    const { rs1, low } = fieldsOf(word)
    const isCall = known?.mnemonic === "CALL" && rs1 === 0
    const target =
      known?.operands.includes("target") || (isCall && isAbsolute)
        ? low
        : isCall
          ? offset + 4 * signed12(low)
          : undefined
    all.push({ offset, word, literal, instruction: isSound ? known : undefined, target })
    offset += literal === undefined ? 4 : 8
  }
  return all
}

const hex = (value: number, digits = 1): string => value.toString(16).toUpperCase().padStart(digits, "0")

/** Names for places: the first that is asked for a place stays, and no two places share one. */
class Labels {
  readonly #byPlace = new Map<number, string>()
  readonly #taken = new Set<string>()

  add(place: number, name: string): void {
    if (this.#byPlace.has(place)) return
    const unique = !isName(name) || this.#taken.has(name) ? `${name.replace(/[^\w.$]/g, "_")}_${hex(place, 4)}` : name
    this.#byPlace.set(place, unique)
    this.#taken.add(unique)
  }

  at(place: number): string | undefined {
    return this.#byPlace.get(place)
  }
}

const codeLabels = ({ header, metadata }: HxeImage, reads: ReadonlyArray<Read>): Labels => {
  const labels = new Labels()
  const starts = new Set(reads.map(({ offset }) => offset))
  const add = (offset: number, name: string): void => {
    if (starts.has(offset)) labels.add(offset, name)
  }
  add(header.entry, "start")
  for (const { groupId, commandId, name, handlerOffset } of metadata.commands) {
    add(handlerOffset, `on_${name === undefined || name === "" ? `${groupId}_${commandId}` : name.replace(/\W/g, "_")}`)
  }
  for (const { instruction, target } of reads) {
    if (target === undefined || instruction === undefined) continue
    add(target, `${instruction.mnemonic === "CALL" ? "sub" : "at"}_${hex(target, 4)}`)
  }
  return labels
}

const dataLabels = ({ rodata }: HxeImage, reads: ReadonlyArray<Read>): Labels => {
  const labels = new Labels()
  for (const { literal, instruction } of reads) {
    if (literal === undefined || instruction === undefined) continue
    if (literal >= rodataAddress && literal < rodataAddress + rodata.length) labels.add(literal, `data_${hex(literal)}`)
  }
  return labels
}

/** The text of an instruction, or nothing when only `.word` writes it again. */
const instructionText = (read: Read, code: Labels, data: Labels): string | undefined => {
  const { offset, word, literal, instruction, target } = read
  if (instruction === undefined) return undefined
  const { rd, rs1, rs2, low } = fieldsOf(word)
  const { mnemonic, operands } = instruction
  const name = target === undefined ? undefined : code.at(target)
  if (mnemonic === "CALL") {
    if (rs1 !== 0) return `CALL R${rs1}, ${signed12(low)}`
    const words = ((target ?? 0) - offset) / 4
    if (!Number.isInteger(words) || words < callWords.minimum || words > callWords.maximum) return undefined
    return `CALL ${name ?? words}`
  }
  // A jump into the middle of a word has no name and no number in the language.
  if (target !== undefined && (target % 4 !== 0 || target > targetMax)) return undefined
  const written = operands.map((kind) => {
    switch (kind) {
      case "rd":
        return `R${rd}`
      case "rs1":
        return `R${rs1}`
      case "rs2":
        return `R${rs2}`
      case "imm":
        return String(signed12(low))
      case "memory":
        return `[R${rs1}${signed12(low) < 0 ? "" : "+"}${signed12(low)}]`
      case "literal":
        return data.at(literal ?? 0) ?? ((literal ?? 0) < 10 ? String(literal) : `0x${hex(literal ?? 0)}`)
      case "target":
        return name ?? `0x${hex(low)}`
      case "service":
        return systemCallName(low) ?? `MOD=0x${hex(low >>> 8)}, FN=0x${hex(low & 0xff)}`
      default:
        return String(low & 0xff)
    }
  })
  return `${mnemonic} ${written.join(", ")}`.trimEnd()
}

/** The column at which offsets stand. */
const offsetColumn = 40

const facts = ({ header, metadata, manifest, signature }: HxeImage): ReadonlyArray<string> => [
  `; ${header.appName === undefined ? "no name" : JSON.stringify(header.appName)}: HXE version ${header.version}, ` +
    `${header.codeLength} bytes of code, ${header.rodataLength} of data, ` +
    `${header.allowsMultiple ? "any number of instances" : "one instance"}`,
  ...(header.requiredCaps === 0 ? [] : [`; needs of its board: 0x${hex(header.requiredCaps)}`]),
  ...(header.bssSize === 0 ? [] : [`; ${header.bssSize} bytes of zeroed memory behind its data`]),
  ...(metadata.values.length + metadata.commands.length + metadata.mailboxes.length === 0
    ? []
    : [
        `; values: ${metadata.values.length}, commands: ${metadata.commands.length}, mailboxes: ${metadata.mailboxes.length}`
      ]),
  ...(manifest === undefined ? [] : [`; manifest ${JSON.stringify(manifest)}`]),
  ...(signature === undefined ? [] : [`; signed with the key ${signature.keyId}, version ${signature.securityVersion}`])
]

/**
 * The source of an image. Assembled and linked again under the same name, it gives the same code, data, entry and declarations.
 * Manifest, signature and zeroed memory are only told of: the language has no words for them. An image that declares nonsense,
 * such as a minimum above its maximum, gives a source that is refused.
 */
export const disassemble = (image: HxeImage, { hasOffsets = true }: ListingOptions = {}): string => {
  const { header, rodata, metadata } = image
  const reads = readCode(image.code, callModeOf(image) === "absolute")
  const code = codeLabels(image, reads)
  const data = dataLabels(image, reads)
  const lines: Array<string> = [...facts(image), `.entry ${code.at(header.entry) ?? `0x${hex(header.entry)}`}`, ".text"]

  for (const read of reads) {
    const { offset, word, literal } = read
    const label = code.at(offset)
    if (label !== undefined) lines.push(`${label}:`)
    const words = [word, ...(literal === undefined ? [] : [literal])].map((one) => hex(one, 8))
    const text = instructionText(read, code, data) ?? `.word ${words.map((one) => `0x${one}`).join(", ")}`
    const line = `    ${text}`
    lines.push(hasOffsets ? `${line.padEnd(offsetColumn)}; ${hex(offset, 4)}  ${words.join(" ")}` : line)
  }

  if (rodata.length > 0) {
    lines.push(".data")
    for (let start = 0; start < rodata.length; ) {
      const label = data.at(rodataAddress + start)
      if (label !== undefined) lines.push(`${label}:`)
      let end = start + 1
      while (end < rodata.length && data.at(rodataAddress + end) === undefined) end++
      lines.push(...dataDirectivesFor(rodata, start, end).map((row) => `    ${row}`))
      start = end
    }
  }
  return [...lines, ...declarations(metadata, (offset) => code.at(offset)), ""].join("\n")
}
