/** A process that owns the embedded PostgreSQL of the folder in its first argument until it is killed. */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Redacted } from "effect"
import { layer } from "../../../src/runtime/storage/EmbeddedPostgres.ts"
import { PostgresUrl } from "../../../src/runtime/storage/PostgresUrl.ts"

const say = Layer.effectDiscard(
  Effect.gen(function* () {
    console.log(Redacted.value(yield* PostgresUrl))
  })
)
NodeRuntime.runMain(Layer.launch(say.pipe(Layer.provide(layer(process.argv[2] ?? "")))))
