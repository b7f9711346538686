/** The gateway of one simulated process: the product's links, each at the end of a cable. */
import { Result } from "effect"
import { compile, toBytes } from "../actors/Codec.ts"
import type { Posted, Reply } from "../actors/Envelope.ts"
import type { Address } from "../actors/Host.ts"
import type { Links } from "../actors/Links.ts"
import type { AttachOutcome, AttachPorts } from "../gateways/link/Attacher.ts"
import { Link } from "../gateways/link/Link.ts"
import { LinkCounters } from "../gateways/link/LinkCounters.ts"
import { defaultTerms, type LinkTerms } from "../gateways/link/LinkTerms.ts"
import type { LinkTransport } from "../gateways/link/LinkTransport.ts"
import { Presence } from "../gateways/link/Presence.ts"
import { Publications } from "../gateways/link/Publications.ts"
import type { Asker } from "../protocol/Asker.ts"
import { Device } from "../protocol/Device.ts"
import { Timeout, Unavailable } from "../protocol/Errors.ts"
import type { Cable } from "./Cable.ts"
import type { Random } from "./Random.ts"
import { requestIdAt } from "./RequestIds.ts"
import type { VirtualHost } from "./VirtualTime.ts"
import type { World } from "./World.ts"

/** Short, so that silence ends a link several times in a run. */
export const terms: LinkTerms = { ...defaultTerms, heartbeatMillis: 3000, leaseMillis: 8000 }

const codec = compile(Device)
const stormMillis = 1000
const stormAttaches = 12

/** Asks through the cluster, as an edge of this node does. */
export type Edge = (address: Address, posted: Posted, done: (reply: Reply | undefined) => void) => void

/** Holds the links of one process. */
export class Gateway {
  readonly #world: World
  readonly #ports: AttachPorts
  readonly #counters = new LinkCounters()
  readonly #cables = new Set<Cable>()
  #connections = 0

  constructor(world: World, host: VirtualHost, links: Links, edge: Edge, random: Random) {
    this.#world = world
    const ask = (
      id: string,
      message: "Attach" | "Lost",
      payload: unknown,
      done: (reply: Reply | undefined) => void
    ) => {
      const schema = codec.messages.get(message)
      if (schema === undefined) return
      const asker: Asker = { kind: "device", id, role: "board" }
      const posted = {
        message,
        body: toBytes(schema.payload, payload),
        requestId: requestIdAt(host.now(), random),
        asker
      }
      edge({ kind: "device", id }, posted, done)
    }
    this.#ports = {
      host,
      links,
      attach: (id, request, done) => {
        world.boards.attaches(id)
        world.boards.ends(links.node, request.connection, id)
        ask(id, "Attach", request, (reply) => done(outcomeOf(reply)))
      },
      lost: (id, payload) => ask(id, "Lost", payload, () => {}),
      evidence: ({ type, id }) => world.trace(`evidence ${type} ${id}`),
      presence: new Presence(),
      publications: new Publications(),
      nextConnection: () => ++this.#connections
    }
  }

  /** A link for a new connection. */
  accept(cable: Cable, id: string, transport: LinkTransport): Link {
    this.#cables.add(cable)
    this.#world.verdict.fact("connections")
    return new Link({
      ports: this.#ports,
      terms,
      counters: this.#counters,
      transport,
      id,
      closed: () => this.#cables.delete(cable)
    })
  }

  /** The node leaves: every board is told to come back elsewhere. */
  drain(): void {
    for (const cable of [...this.#cables]) cable.drain()
  }

  /** The process is gone. The kernel closes its connections, unless the machine died. */
  died(isSilent: boolean): void {
    if (!isSilent) for (const cable of this.#cables) cable.peerDied()
  }
}

const outcomeOf = (reply: Reply | undefined): AttachOutcome => {
  if (reply === undefined) return Result.fail(new Timeout({ ms: 15_000 }))
  switch (reply._tag) {
    case "Success":
      // Decoded or made by the contract's own schema.
      return Result.succeed(reply.value as typeof Device.messages.Attach.success.Type)
    case "Refused":
      return Result.fail(reply.error as typeof Device.messages.Attach.error.Type)
    case "Failed":
      return Result.fail(reply.error)
    case "NotHere":
      return Result.fail(new Unavailable({ cause: "no node took the message" }))
  }
}

/** More attaches of one board than a fleet under repair can explain. */
export const isStorm = (attaches: Array<number>, now: number): boolean => {
  attaches.push(now)
  while ((attaches[0] ?? now) < now - stormMillis) attaches.shift()
  return attaches.length > stormAttaches
}
