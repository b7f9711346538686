/** A client outside of the cluster: it repeats one request under one id, through node after node, until it is answered. */
import type { Posted, Reply } from "../actors/Envelope.ts"
import type { Address } from "../actors/Host.ts"
import { pick, type Random } from "./Random.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"
import type { World } from "./World.ts"

const answerWithinMillis = 5000
const repeatMillis = 100
const nobodyUpMillis = 300
/** Between client and node, one way. */
const wayMillis = 0.3

/** A request and how long it is worth repeating. */
export interface Call {
  readonly to: Address
  readonly posted: Posted
  /** Until when it is repeated, ms of the run. */
  readonly until: number
  /** The node to go through at first, if that is up. */
  readonly via?: number | undefined
}

/** Asks on behalf of clients. Frozen nodes are not asked: their clients would time out and go elsewhere. */
export class Caller {
  readonly #world: World
  readonly #random: Random
  readonly #nodes: ReadonlyArray<SimulatedNode>

  constructor(world: World, nodes: ReadonlyArray<SimulatedNode>, random: Random) {
    this.#world = world
    this.#nodes = nodes
    this.#random = random
  }

  /** `done` hears the answer once; undefined when the time is over and nobody can say what became of the request. */
  call({ to, posted, until, via }: Call, done: (reply: Reply | undefined) => void): void {
    const { time } = this.#world
    let isOver = false
    const finish = (reply: Reply | undefined) => {
      if (isOver) return
      isOver = true
      done(reply)
    }
    let wish = via
    const attempt = () => {
      if (isOver) return
      if (time.now > until) return finish(undefined)
      const up = this.#nodes.filter((each) => each.isUp && !each.isFrozen)
      const node = up.find(({ slot }) => slot === wish) ?? pick(this.#random, up)
      wish = undefined
      const host = node?.process?.host
      if (node === undefined || host === undefined) return void time.at(nobodyUpMillis, attempt)
      let isAnswered = false
      const answered = (reply: Reply | undefined) => {
        if (isAnswered || isOver) return
        isAnswered = true
        if (reply === undefined || isTransient(reply)) time.at(repeatMillis, attempt)
        else finish(reply)
      }
      time.at(answerWithinMillis, () => answered(undefined))
      const ask = () =>
        node.edge(to, posted, (reply) => {
          // The node must live for its answer to leave it.
          time.at(wayMillis, () => host.isAlive && answered(reply))
        })
      time.at(wayMillis, ask, host)
    }
    attempt()
  }
}

const isTransient = (reply: Reply): boolean =>
  reply._tag === "NotHere" || (reply._tag === "Failed" && ["Unavailable", "Timeout"].includes(reply.error._tag))
