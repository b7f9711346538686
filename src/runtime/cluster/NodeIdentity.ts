/** Who a node is: the address others reach it by, and which process it is at that address. */
import { Context, Effect, Layer, Random } from "effect"
import { RunnerAddress } from "effect/cluster"
import type { Vocabulary } from "../../actors/Agreement.ts"

/** What a node is told about itself. */
export interface NodeIdentityOptions {
  /** Where peers reach the runner's socket. */
  readonly host: string
  readonly port: number
  /** Where peers reach the relay, on the same host. */
  readonly relayPort: number
  /** What its release knows. */
  readonly vocabulary: Vocabulary
}

/** The identity of this node, for the life of the process. */
export class NodeIdentity extends Context.Service<
  NodeIdentity,
  NodeIdentityOptions & {
    readonly address: string
    readonly runnerAddress: RunnerAddress.RunnerAddress
    /** New with every process: tells a node that came back from the one that was there before. */
    readonly incarnation: string
    /** Address and incarnation in one text: owner of rows, end of links, peer of a relay. */
    readonly node: string
  }
>()("holon/runtime/NodeIdentity") {
  /** A new incarnation at this address. */
  static readonly layer = (options: NodeIdentityOptions): Layer.Layer<NodeIdentity> =>
    Layer.effect(
      NodeIdentity,
      Effect.gen(function* () {
        const high = yield* Random.nextIntBetween(0, 0xffffffff)
        const low = yield* Random.nextIntBetween(0, 0xffffffff)
        const incarnation = [high, low].map((part) => part.toString(16).padStart(8, "0")).join("")
        const address = `${options.host}:${options.port}`
        return NodeIdentity.of({
          ...options,
          address,
          runnerAddress: RunnerAddress.make(options.host, options.port),
          incarnation,
          node: `n-${address}-${incarnation}`
        })
      })
    )
}
