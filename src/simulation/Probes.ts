/** At the quiet end every node serves every actor. */
import { compile, toBytes } from "../actors/Codec.ts"
import { addressKey } from "../actors/Host.ts"
import { runtimeAsker } from "../protocol/Asker.ts"
import { Ledger } from "./Ledger.ts"
import { requestIdAt } from "./RequestIds.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"
import { epochMillis } from "./VirtualTime.ts"
import type { World } from "./World.ts"

const codec = compile(Ledger)

/** One question to every actor through every node. */
export class Probes {
  readonly #world: World
  readonly #nodes: ReadonlyArray<SimulatedNode>
  readonly #open = new Set<string>()

  constructor(world: World, nodes: ReadonlyArray<SimulatedNode>) {
    this.#world = world
    this.#nodes = nodes
  }

  start(): void {
    const { database, time } = this.#world
    const random = this.#world.random("probes")
    const schema = codec.messages.get("Count")
    if (schema === undefined) return
    const ids = [...database.rows.values()].flatMap((row) =>
      row.kind === "ledger" && !database.quarantines.has(addressKey(row)) && !row.id.startsWith("victim")
        ? [row.id]
        : []
    )
    for (const node of this.#nodes) {
      for (const id of ids) {
        const probe = `node ${node.slot} to ledger ${id}`
        this.#open.add(probe)
        const requestId = requestIdAt(epochMillis + time.now, random)
        const posted = { message: "Count", body: toBytes(schema.payload, {}), requestId, asker: runtimeAsker }
        node.edge({ kind: "ledger", id }, posted, (reply) => {
          if (reply?._tag === "Success") this.#open.delete(probe)
        })
      }
    }
  }

  /** At the end of a run. */
  finish(): void {
    const { verdict } = this.#world
    verdict.check("probe is answered on every node", this.#open.size === 0, () => [...this.#open].join(", "))
  }
}
