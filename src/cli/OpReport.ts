/** How ops look on a terminal. Pure. */
import { type Chunk, type OpSummary, type OpView, pipeline } from "../protocol/vsm/Op.ts"
import { errorOf, type Refusal } from "../protocol/vsm/Spawn.ts"
import { sentenceOf } from "./Sentence.ts"
import { ago, table } from "./Table.ts"

const because = (refusal: Refusal | undefined): string => (refusal === undefined ? "" : sentenceOf(errorOf(refusal)))

/** What was asked for, in the words of who asked where there are any. */
const wishOf = ({ text, title, capability }: OpSummary): string => text ?? title ?? capability ?? ""

const stateOf = ({ state, outcome, isCancelling, isDryRun }: OpSummary): string => {
  const said = outcome ?? (isCancelling === true ? "cancelling" : state)
  return isDryRun === true ? `${said} (dry run)` : said
}

/** Ops in a list, with the VSM whose dispatcher has them. */
export const opTable = (ops: ReadonlyArray<OpSummary & { readonly vsm: string }>, now: number): string =>
  table(
    ["op", "vsm", "by", "what", "state", "targets", "failed", "age"],
    ops.map((op) => [
      op.op,
      op.vsm,
      op.by,
      wishOf(op),
      stateOf(op),
      op.targetCount,
      op.failedCount,
      ago(now - op.askedAt)
    ])
  )

/** One target that has come to something. */
export const chunkOf = ({ seq, target, outcome, note, value, refusal, via }: Chunk): string => {
  const where = via === undefined ? "" : ` by ${via}`
  const said = note ?? (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value))
  const why = outcome === "failed" ? because(refusal) : said
  return `  ${seq}  ${target}  ${outcome}${where}${why === "" ? "" : `: ${why}`}`
}

const millis = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0))

/** Which step of the pipeline took how long, with its share. */
export const timesOf = ({ took }: Pick<OpView, "took">): string => {
  const total = Object.values(took).reduce((sum, each) => sum + each, 0)
  const rows = pipeline.flatMap((step) => {
    const spent = took[step]
    return spent === undefined ? [] : [[step, millis(spent), `${((100 * spent) / Math.max(total, 1e-6)).toFixed(1)} %`]]
  })
  return table(["step", "ms", "share"], rows)
}

/** Everything that is known of an op. */
export const opReport = (view: OpView, now: number): string => {
  const { op, by, path, progress, chunks, targetCount, planned = [], retries, endedAt, askedAt, note } = view
  const wish = wishOf(view)
  const age = endedAt === undefined ? `${ago(now - askedAt)} so far` : `took ${millis(endedAt - askedAt)} ms`
  const share = endedAt === undefined ? `, ${Math.round(100 * progress)} %` : ""
  return [
    `${op}  ${stateOf(view)}${share}`,
    ...(wish === "" ? [] : [wish]),
    `by ${by}, through ${path.join(" > ")}, ${age}${retries === 0 ? "" : `, ${retries} tried again`}`,
    ...(note === undefined || endedAt !== undefined ? [] : [note]),
    ...(view.answer === undefined ? [] : [view.answer.sentence]),
    ...(view.unclear === undefined ? [] : [view.unclear.question]),
    ...(view.refusal === undefined || view.unclear !== undefined || chunks.length > 0 ? [] : [because(view.refusal)]),
    ...planned.map(({ target, message, payload, via }) => {
      const where = via === undefined ? "" : `, by ${via}`
      return `  ${target}  ${message} ${JSON.stringify(payload)}${where}`
    }),
    ...(targetCount === 0 || planned.length > 0 ? [] : [`${chunks.length} of ${targetCount} targets:`]),
    ...chunks.map(chunkOf),
    timesOf(view)
  ].join("\n")
}

/** What is new since the last look, one line each: taken, how far, what each target came to, and the end. */
export const newsOf = (before: OpView | undefined, now: OpView): ReadonlyArray<string> => {
  const lines: Array<string> = []
  if (before === undefined) lines.push(`${now.op}  accepted${wishOf(now) === "" ? "" : `: ${wishOf(now)}`}`)
  lines.push(...now.chunks.slice(before?.chunks.length ?? 0).map(chunkOf))
  const share = Math.round(100 * now.progress)
  if (now.state !== "ended" && share !== Math.round(100 * (before?.progress ?? 0)))
    lines.push(`  ${share} %${now.note === undefined ? "" : `  ${now.note}`}`)
  if (now.state === "ended") lines.push(`${now.op}  ${stateOf(now)}`)
  return lines
}
