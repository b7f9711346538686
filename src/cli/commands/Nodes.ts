/** The members of the cluster: who is there, who serves, and taking one out of service. */
import { Clock, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { Client } from "../Client.ts"
import { toggle } from "../Defaults.ts"
import { examples } from "../Examples.ts"
import { connected, connection } from "../Globals.ts"
import { print } from "../Print.ts"
import { ago, table } from "../Table.ts"

const list = Command.make(
  "ls",
  connection,
  Effect.fn(function* (flags) {
    const { found, residents } = yield* connected(flags)(
      Effect.gen(function* () {
        const client = yield* Client
        return { found: yield* client.Nodes(), residents: yield* client.Residents() }
      })
    )
    const now = yield* Clock.currentTimeMillis
    const rows = found.map(
      ({ node, address, isHealthy, isReady, heartbeatAgeMillis, shards, startedAt, standing, why }) => [
        address,
        isHealthy ? "healthy" : "unhealthy",
        isReady ? "ready" : "not ready",
        why.length === 0 ? standing : `${standing}: ${why.join(", ")}`,
        shards,
        `${Math.round(heartbeatAgeMillis)} ms`,
        ago(now - startedAt),
        node
      ]
    )
    const here = Object.entries(residents)
      .map(([kind, count]) => `${count} ${kind}`)
      .join(", ")
    const header = ["address", "health", "ready", "standing", "shards", "heartbeat", "up", "node"]
    yield* print(
      flags,
      { nodes: found, residents },
      () => `${table(header, rows)}\nresident on the node asked: ${here || "nobody"}`
    )
  })
).pipe(Command.withDescription("List nodes with their shards and health"), examples([""]))

const address = Argument.String("address").pipe(Argument.withDescription("Address of the node, as nodes ls shows it"))

const exclude = Command.make(
  "exclude",
  {
    ...connection,
    address,
    reason: Flag.String("reason").pipe(Flag.withDescription("Why, for whoever looks later"), Flag.optional),
    belowQuorum: toggle("below-quorum", "Also when no more than half of the nodes are left")
  },
  Effect.fn(function* (flags) {
    const { address: excluded, reason, belowQuorum } = flags
    const line = yield* connected(flags)(
      Effect.flatMap(Client, (client) =>
        client.NodeExclude({
          address: excluded,
          ...(Option.isSome(reason) && { reason: reason.value }),
          ...(belowQuorum && { belowQuorum })
        })
      )
    )
    yield* print(flags, line, () => `${excluded} is out of service; its actors go to other nodes`)
  })
).pipe(
  Command.withDescription("Take a node out of service"),
  examples(["127.0.0.1:7701 --reason 'its disk fails'", "Until it is readmitted, or starts again"])
)

const readmit = Command.make(
  "readmit",
  { ...connection, address },
  Effect.fn(function* (flags) {
    const line = yield* connected(flags)(
      Effect.flatMap(Client, (client) => client.NodeReadmit({ address: flags.address }))
    )
    yield* print(flags, line, () => `${flags.address} serves again`)
  })
).pipe(Command.withDescription("Put a node back into service at once"), examples(["127.0.0.1:7701"]))

export const nodes = Command.make("nodes").pipe(
  Command.withDescription("The members of the cluster"),
  Command.withSubcommands([list, exclude, readmit])
)
