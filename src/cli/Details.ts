/** What a board or the library says in a token, as a sentence for people. Scripts get the token, with `--json` or over HTTP. */

const damaged = "it was cut off or changed on its way; build it again, or copy it again"
const foreign = "its first bytes are those of another kind of file; `holon image build` makes one"
const malformed = "what made it has a fault; build it again"

/** Sentences by what stands before the first colon of a detail; `%` is what stands after it. */
const sentences: Readonly<Record<string, string>> = {
  // The container.
  hxe_too_small: "it is too short for an HXE image; it was cut off, or is another kind of file",
  header_truncated: "it ends within its header; it was cut off",
  bad_magic: `it is no HXE image: ${foreign}`,
  unsupported_version:
    "where an image has its version, % stands, and this release reads 1 and 2; it is newer, or another kind of file",
  crc_mismatch: `its checksum does not fit: ${damaged}`,
  truncated: `it ends too early: ${damaged}`,
  length_mismatch: `it is not as long as it says: ${damaged}`,
  code_too_large: "it has more than 64 KiB of code",
  ro_too_large: "it has more data than fits into the memory of a program",
  bss_too_large: "it wants more memory than a program can have",
  entry_out_of_range: `it starts outside of its code: ${malformed}`,
  image_too_large: "it is larger than the board takes",
  // What a program ends with: the instruction and where it stands, as `holon image disasm` shows it.
  division_by_zero: "its % divided by zero; the register it divides by held 0 and has to be looked at before",
  memory_fault: "its % reached outside of the 64 KiB of its memory; a register held no address of it",
  stack_overflow: "its % found no room on the stack; it calls itself without end, or `requires.stack` is too small",
  stack_underflow: "its % took more from the stack than was put there; each POP needs its PUSH",
  illegal_opcode: "its % is no instruction; it ran on into what is no code, or jumped beside it",
  pc_out_of_range: "it left its code at %; a RET or a JMP is missing at the end, or it jumped elsewhere",
  out_of_steps: "it used up all instructions it may execute",
  // What a board asks for.
  caps: "the board has no capability %, which it requires",
  profile: "it is made for boards of other profiles than %, which this one is",
  kind: "the board takes no images of the kind %",
  depends: "it depends on %, which the board does not have",
  runtime: "it requires a newer runtime than the board has: %",
  unsigned: "nobody has signed it; `holon image sign` does, with a key that is trusted there",
  memory: "the board has no memory left for it",
  trial: "the board tries another image; it takes the next one when that trial is over",
  app_exists: "a program of that name runs already",
  taps: "too many mailboxes are followed already",
  // What is not there.
  command: "there is no command %",
  value: "there is no value %",
  mailbox: "there is no mailbox %"
}

const part = /^([a-z_]+)(?::(.*))?$/s

/** The sentence of a detail, without a full stop at its end; a detail that is none of these tokens as it is. */
const sentenceOf = (detail: string): string => {
  const [, token = "", rest = ""] = part.exec(detail) ?? []
  const sentence = Object.hasOwn(sentences, token) ? sentences[token] : undefined
  return (sentence === undefined ? detail : sentence.replace("%", () => (rest === "" ? "instruction" : rest))).replace(
    /\.$/,
    ""
  )
}

/** The detail as a sentence, and in brackets what the reference pages call it: the token, when it was one, and these names. */
export const explained = (detail: string, ...names: ReadonlyArray<string>): string => {
  const sentence = sentenceOf(detail)
  const known = sentence === detail.replace(/\.$/, "") ? names : [detail, ...names]
  return known.length === 0 ? sentence : `${sentence} (${known.join(", ")})`
}
