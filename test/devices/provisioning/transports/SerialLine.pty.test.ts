import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { openSerial } from "../../../../devices/provisioning/transports/SerialLine.ts"
import { hasSocat, ptyPair } from "../../../support/PtyPair.ts"
import { tempFolder } from "../../../support/RunningNode.ts"

describe.skipIf(!hasSocat)("a serial line", () => {
  it.live("tells that it has gone also who asks only afterwards", () =>
    Effect.gen(function* () {
      const { ends, pull } = yield* ptyPair(yield* tempFolder)
      const opened = yield* Effect.promise(() =>
        openSerial({ path: ends[0], baudRate: 115_200, isFlowControlled: false })
      )
      const line = Result.getOrThrow(opened)
      const first = yield* Effect.callback<string>((resume) => {
        line.onGone((why) => resume(Effect.succeed(why)))
        pull()
      })
      const told: Array<string> = []
      line.onGone((why) => told.push(why))
      assert.deepStrictEqual(told, [first])
      yield* Effect.callback<void>((resume) => line.close(() => resume(Effect.void)))
    }).pipe(Effect.scoped)
  )
})
