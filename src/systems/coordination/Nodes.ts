/** What the coordinator of the root makes of the word that a node was taken out of service or came back: an event, and a pain. */
import type { Schema } from "effect"
import type { Emitted, Tell } from "../../actors/Behaviour.ts"
import type { CoordinatorState } from "../../protocol/vsm/Coordinator.ts"
import { sourceOf } from "../../protocol/vsm/Signal.ts"
import type { judgedFields, NodeStanding } from "../../protocol/vsm/Vitals.ts"

/** Nodes that are remembered; who comes and goes under ever new addresses pushes out the oldest. */
const nodesMax = 64
/** How much it hurts that a node lives and does not work, 0 to 1. */
const pain = 0.9
/** What is said of it on the algedonic channel. */
const metric = "zombie"

type Judged = Schema.Struct<typeof judgedFields>["Type"]

const isIll = (standing: NodeStanding): boolean => standing === "quarantined" || standing === "zombie"

const eventOf = (judged: Judged): Emitted => {
  const { node, address, standing, why, by } = judged
  const data = { node, address, why, by }
  switch (standing) {
    case "quarantined":
    case "zombie":
      return { type: `node.${standing}`, severity: "critical", data: judged }
    case "excluded":
      return { type: "node.excluded", severity: "warn", data }
    case "probation":
      return { type: "node.probation", data }
    case "serving":
      return { type: "node.readmitted", data }
  }
}

/** Every node tells of each change; only the first who does is heard. */
export const judged = (
  state: CoordinatorState,
  word: Judged,
  vsm: string
): {
  readonly state?: CoordinatorState
  readonly events?: ReadonlyArray<Emitted>
  readonly tells?: ReadonlyArray<Tell>
} => {
  const { node, address, standing, since } = word
  const known = state.nodes.get(address)
  const isStale = known !== undefined && (known.since > since || (known.since === since && known.standing === standing))
  if (isStale) return {}
  const nodes = new Map(state.nodes)
  nodes.delete(address)
  nodes.set(address, { node, standing, since })
  const oldest = nodes.size > nodesMax ? nodes.keys().next().value : undefined
  if (oldest !== undefined) nodes.delete(oldest)
  const source = sourceOf("node", address)
  const wasIll = known !== undefined && isIll(known.standing)
  const feeling = isIll(standing)
    ? { source, metric, intensity: pain }
    : wasIll
      ? { source, metric, intensity: 0, isOver: true }
      : undefined
  return {
    state: { ...state, nodes },
    events: [eventOf(word)],
    tells:
      feeling === undefined
        ? []
        : [{ to: { kind: "algedonic", id: vsm }, message: "Feel", payload: feeling, causedBy: 0 }]
  }
}
