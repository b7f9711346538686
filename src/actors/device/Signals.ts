/** What hurts a device goes to the algedonic channel of the VSM whose unit it is; to that of the root while it is nobody's. */
import { Schema } from "effect"
import { agony, evidenceMax, type Feeling, Intensity, Metric } from "../../protocol/vsm/Signal.ts"
import { rootId } from "../../protocol/vsm/VsmId.ts"
import { isCrowded, mention, type Turn, tell } from "./Turn.ts"

/** Events by which a board, or a program on it, says that something hurts, does good, or is over. */
const ownWords: ReadonlyMap<string, Partial<Feeling>> = new Map([
  ["algedonic.pain", { valence: "pain" }],
  ["algedonic.pleasure", { valence: "pleasure" }],
  ["algedonic.over", { valence: "pain", isOver: true }]
])

const decodeOwn = Schema.decodeUnknownOption(
  Schema.Struct({
    metric: Metric,
    value: Schema.optionalKey(Schema.Finite),
    intensity: Schema.optionalKey(Intensity)
  })
)

/** What a board says that it feels. Nothing for other events; `misfit` for one that says it in a way nobody understands. */
export const feelingIn = (type: string, data: unknown): Omit<Feeling, "source"> | "misfit" | undefined => {
  const words = ownWords.get(type)
  if (words === undefined) return undefined
  const said = decodeOwn(data)
  if (said._tag === "None") return "misfit"
  const { value, intensity } = said.value
  const saysNothing = value === undefined && intensity === undefined && words.valence === "pain" && !words.isOver
  return saysNothing ? "misfit" : { ...said.value, ...words }
}

/** Tells the channel. Of what is not agony, no more is kept for a channel that does not answer than of other news. */
export const feel = (turn: Turn, source: string, feeling: Omit<Feeling, "source">, causedBy?: number): void => {
  const ids = feeling.ids?.slice(0, evidenceMax)
  const news = {
    to: { kind: "algedonic", id: turn.state.unit?.vsm ?? rootId },
    message: "Feel",
    payload: { ...feeling, source, ...(ids === undefined ? {} : { ids }) },
    ...(causedBy === undefined ? {} : { causedBy })
  }
  if ((feeling.intensity ?? agony) < agony) mention(turn, news)
  else if (!isCrowded(turn)) tell(turn, news)
}
