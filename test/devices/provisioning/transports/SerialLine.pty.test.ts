import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { openSerial } from "../../../../devices/provisioning/transports/SerialLine.ts"
import { hasSocat, ptyPair } from "../../../support/PtyPair.ts"
import { tempFolder } from "../../../support/RunningNode.ts"

const opened = (path: string) =>
  Effect.acquireRelease(
    Effect.map(
      Effect.promise(() => openSerial({ path, baudRate: 115_200, isFlowControlled: false })),
      Result.getOrThrow
    ),
    (line) => Effect.callback<void>((resume) => line.close(() => resume(Effect.void)))
  )

describe.skipIf(!hasSocat)("a serial line", () => {
  it.live("tells that it has gone, between two reads too, and also who asks only afterwards", () =>
    Effect.gen(function* () {
      const { ends, pull } = yield* ptyPair(yield* tempFolder)
      const near = yield* opened(ends[0])
      const far = yield* opened(ends[1])
      const first = yield* Effect.callback<string>((resume) => {
        near.onGone((why) => resume(Effect.succeed(why)))
        near.onBytes(pull)
        far.write(Uint8Array.of(1))
      })
      const told: Array<string> = []
      near.onGone((why) => told.push(why))
      assert.deepStrictEqual(told, [first])
    }).pipe(Effect.scoped)
  )
})
