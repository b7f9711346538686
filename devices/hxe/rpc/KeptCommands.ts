/** Commands about what the board keeps over a restart, and how much of the life of its memories is used up. */
import { Result, Schema } from "effect"
import { type Commands, command } from "./Command.ts"
import { maybe, pid, u32 } from "./Fields.ts"
import type { RpcBoard } from "./RpcBoard.ts"

/** Commands for what is kept. */
export const keptCommands = (board: RpcBoard): Commands => {
  const { loader } = board
  return {
    "provision.persist": command({
      needs: "persist",
      fields: Schema.Struct({ pid, target: maybe(Schema.Literals(["FLASH", "FRAM", "FILE"])) }),
      changes: (fields) => fields.pid,
      run: ({ pid: number, target = "FLASH" }, { caller }) => {
        const done = loader.persist({ pid: number, target }, caller)
        if (Result.isFailure(done)) return Result.fail(done.failure)
        const { bytes, generation, imageCrc32, slot } = done.success
        return Result.succeed({ persisted: { pid: number, target, slot, generation, image_crc32: imageCrc32, bytes } })
      }
    }),

    "provision.activate": command({
      needs: "activate",
      fields: Schema.Struct({ pid }),
      run: ({ pid: number }, { caller }) => {
        const done = loader.activate(number, caller)
        return Result.isFailure(done) ? Result.fail(done.failure) : Result.succeed({ activated: { pid: number } })
      }
    }),

    "provision.rollback": command({
      needs: "rollback",
      fields: Schema.Struct({ generation: maybe(u32) }),
      run: ({ generation }, { caller }) => {
        const done = loader.rollback(generation, caller)
        if (Result.isFailure(done)) return Result.fail(done.failure)
        const { fromGeneration, slot, toGeneration } = done.success
        return Result.succeed({ rollback: { from_generation: fromGeneration, to_generation: toGeneration, slot } })
      }
    }),

    "provision.wear": command({
      needs: "status",
      fields: Schema.Struct({}),
      run: () =>
        Result.succeed({
          wear: board.wear().map(({ count, level, limit, partition, percent, slot }) => ({
            partition,
            slot: slot ?? null,
            count,
            limit,
            pct: percent,
            level
          }))
        })
    })
  }
}
