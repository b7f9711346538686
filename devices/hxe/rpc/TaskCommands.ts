/** Commands that hold, end and look into programs. */
import { Result, Schema } from "effect"
import type { Executive } from "../executive/Executive.ts"
import { hasEnded } from "../executive/TaskState.ts"
import type { Machine } from "../machine/Machine.ts"
import { registerCount } from "../machine/MemoryMap.ts"
import { type Outcome, type Refusal, refuse } from "./Answer.ts"
import { type Commands, command } from "./Command.ts"
import { hexBytes, hexOf, pid, positive, u32 } from "./Fields.ts"
import type { RpcBoard } from "./RpcBoard.ts"
import { taskFields } from "./TaskRows.ts"

/** Bytes of memory in one request. */
const memoryBytesMax = 16_384

const machineOf = (executive: Executive, number: number): Result.Result<Machine, Refusal> => {
  const task = executive.task(number)
  if (task === undefined) return Result.fail(refuse("ESRCH", `pid:${number}`, { pid: number }))
  return task.machine === undefined
    ? Result.fail(refuse("EBUSY", `state:${task.state}`, { pid: number }))
    : Result.succeed(task.machine)
}

/** Commands about one program. */
export const taskCommands = (board: RpcBoard): Commands => {
  const { executive, loader } = board
  const onePid = Schema.Struct({ pid })
  const shown = (number: number, failed: Refusal | undefined): Outcome => {
    const task = executive.task(number)
    if (failed !== undefined) return Result.fail(failed)
    return task === undefined
      ? Result.fail(refuse("ESRCH", `pid:${number}`, { pid: number }))
      : Result.succeed({ task: taskFields(executive, task) })
  }
  const within = (memory: Uint8Array, addr: number, length: number): Refusal | undefined =>
    addr + length <= memory.length ? undefined : refuse("EFAULT", `addr:${addr}+${length}/${memory.length}`)

  return {
    pause: command({
      needs: "control",
      fields: onePid,
      changes: (fields) => fields.pid,
      run: ({ pid: number }) => shown(number, executive.pause(number))
    }),

    resume: command({
      needs: "control",
      fields: onePid,
      changes: (fields) => fields.pid,
      run: ({ pid: number }) => shown(number, executive.resume(number))
    }),

    kill: command({
      needs: "kill",
      fields: onePid,
      changes: (fields) => fields.pid,
      run: ({ pid: number }, { caller }) => {
        const task = executive.task(number)
        if (task === undefined) return Result.fail(refuse("ESRCH", `pid:${number}`, { pid: number }))
        // What is still coming is given up with all it has reserved, and whoever sends it is told.
        if (task.state === "loading") {
          const aborted = loader.abort({ pid: number }, { reason: "user" }, caller)
          if (Result.isFailure(aborted)) return Result.fail(aborted.failure)
        } else if (!hasEnded(task.state) || task.state === "returned") executive.kill(number)
        return Result.succeed({ task: { pid: number, state: "terminated" } })
      }
    }),

    peek: command({
      needs: "inspect",
      fields: Schema.Struct({ pid, addr: u32, length: positive.check(Schema.isLessThanOrEqualTo(memoryBytesMax)) }),
      run: ({ addr, length, pid: number }) => {
        const machine = machineOf(executive, number)
        if (Result.isFailure(machine)) return Result.fail(machine.failure)
        const outside = within(machine.success.memory, addr, length)
        if (outside !== undefined) return Result.fail(outside)
        return Result.succeed({ data: hexOf(machine.success.memory.subarray(addr, addr + length)) })
      }
    }),

    poke: command({
      needs: "control",
      fields: Schema.Struct({ pid, addr: u32, data: Schema.String }),
      changes: (fields) => fields.pid,
      run: ({ addr, data, pid: number }) => {
        const bytes = hexBytes("data", data)
        if (Result.isFailure(bytes)) return Result.fail(bytes.failure)
        const machine = machineOf(executive, number)
        if (Result.isFailure(machine)) return Result.fail(machine.failure)
        const { memory } = machine.success
        const outside =
          bytes.success.length > memoryBytesMax
            ? refuse("EMSGSIZE", `data:${bytes.success.length}/${memoryBytesMax}`)
            : within(memory, addr, bytes.success.length)
        if (outside !== undefined) return Result.fail(outside)
        memory.set(bytes.success, addr)
        return Result.succeed({ pid: number, addr, bytes: bytes.success.length })
      }
    }),

    dumpregs: command({
      needs: "inspect",
      fields: onePid,
      run: ({ pid: number }) => {
        const machine = machineOf(executive, number)
        if (Result.isFailure(machine)) return Result.fail(machine.failure)
        const { callDepth, pc, psw, registerBase, sp, steps } = machine.success
        const regs = Array.from({ length: registerCount }, (_, index) => machine.success.register(index))
        return Result.succeed({
          registers: { pid: number, pc, sp, psw, regs, call_depth: callDepth, reg_base: registerBase, steps }
        })
      }
    })
  }
}
