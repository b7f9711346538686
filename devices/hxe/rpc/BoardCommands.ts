/** Commands that look at the board and steer the clock of its programs. */
import { Result, Schema } from "effect"
import { type Outcome, refused, wrongField } from "./Answer.ts"
import type { BoardLog } from "./BoardLog.ts"
import { type Commands, command } from "./Command.ts"
import { count, maybe, pid, positive, text, u8, u16 } from "./Fields.ts"
import type { RpcBoard } from "./RpcBoard.ts"
import type { RunControl } from "./RunControl.ts"
import type { Sessions } from "./Sessions.ts"
import { taskFields, taskList } from "./TaskRows.ts"

/** Instructions of one request: more would keep everybody else waiting. */
const instructionsMax = 1_000_000
/** Turns of one request. */
const stepsMax = 100_000
/** Turns a second that can be asked for. */
const hertzMax = 1_000_000
/** Lines of the log that are answered unless another number is asked for. */
const logLines = 100

const clockFields = (control: RunControl, board: RpcBoard) => {
  const { autoSteps, isRunning, lastWaitMillis, manualSteps, rateHertz, throttledBy } = control.status
  const due = board.executive.nextDue()
  return {
    state: isRunning ? "running" : "stopped",
    running: isRunning,
    mode: rateHertz === 0 ? "active" : "rate",
    throttled: throttledBy !== undefined,
    throttle_reason: throttledBy ?? null,
    last_wait_s: lastWaitMillis === undefined ? null : lastWaitMillis / 1000,
    next_wait_s: due === undefined ? null : Math.max(0, due - board.clock.board()) / 1000,
    rate_hz: rateHertz,
    auto_steps: autoSteps,
    manual_steps: manualSteps
  }
}

/** Commands about the board as a whole. */
export const boardCommands = (board: RpcBoard, log: BoardLog, sessions: Sessions): Commands => {
  const { control, executive } = board
  const taskOf = (number: number): Outcome => {
    const task = executive.task(number)
    return task === undefined
      ? refused("ESRCH", `pid:${number}`, { pid: number })
      : Result.succeed({ task: taskFields(executive, task) })
  }
  const step = (steps: number, only: number | undefined): Outcome => {
    if (only !== undefined && executive.task(only) === undefined) return refused("ESRCH", `pid:${only}`, { pid: only })
    const most = Math.floor(instructionsMax / control.longestTurn)
    if (steps > most) return Result.fail(wrongField("steps", `at most ${most} turns of this length at once`))
    const { currentPid, executed, isBusy, nextPid } = control.stepOnce(steps, only)
    const result = {
      executed,
      running: isBusy,
      paused: !control.status.isRunning,
      current_pid: currentPid ?? null,
      next_pid: nextPid ?? null
    }
    return Result.succeed({ result, clock: clockFields(control, board) })
  }
  const clock = (): Outcome => Result.succeed({ clock: clockFields(control, board) })
  const counters = () =>
    executive.tasks().map((task) => ({
      pid: task.pid,
      steps: task.machine?.steps ?? 0,
      priority: task.rights.priority,
      quantum: task.quantum
    }))

  return {
    ping: command({
      needs: "status",
      fields: Schema.Struct({}),
      run: () => Result.succeed({ reply: "pong" })
    }),

    info: command({
      needs: "status",
      fields: Schema.Struct({ pid: maybe(pid) }),
      run: ({ pid: asked }, { caller, session }) => {
        const number = asked ?? executive.ps().currentPid
        const task = number === undefined ? undefined : executive.task(number)
        if (asked !== undefined && task === undefined) return refused("ESRCH", `pid:${asked}`, { pid: asked })
        const { mailboxes, tapRate, handles } = executive.profile
        return Result.succeed({
          info: {
            node: board.node,
            level: caller.level,
            session: session?.tag ?? null,
            sessions: sessions.all.length,
            loaded: task !== undefined,
            program: task?.origin.label ?? task?.name ?? null,
            running: task?.isRunnable ?? false,
            paused: task?.state === "paused",
            pc: task?.machine?.pc ?? null,
            current_pid: executive.ps().currentPid ?? null,
            tasks: executive.tasks().map((each) => ({ pid: each.pid, app_name: each.name, state: each.state })),
            scheduler: { counters: counters() },
            mailbox_profile: { mailboxes, handles, tap_rate: tapRate ?? null },
            auto: control.status.isRunning,
            clock: clockFields(control, board),
            transfers: board.loader.transfers.length,
            refusals: board.loader.access.refusals
          }
        })
      }
    }),

    ps: command({
      needs: "status",
      fields: Schema.Struct({}),
      run: () => Result.succeed({ tasks: taskList(executive) })
    }),

    sched: command({
      needs: "status",
      fields: Schema.Struct({
        pid: maybe(pid),
        priority: maybe(u8),
        quantum: maybe(u16.check(Schema.isGreaterThanOrEqualTo(1))),
        limit: maybe(count)
      }),
      changes: ({ pid: asked }) => asked,
      run: ({ limit, pid: asked, priority, quantum }, { caller }) => {
        if (asked === undefined) {
          if (priority !== undefined || quantum !== undefined) {
            return Result.fail(wrongField("pid", "the program whose turns change is expected"))
          }
          return Result.succeed({
            scheduler: { counters: limit === undefined ? counters() : counters().slice(0, limit) }
          })
        }
        if (priority !== undefined || quantum !== undefined) {
          const denied = board.loader.access.check(caller.id, caller.level, "control")
          if (denied !== undefined) return Result.fail(denied)
        }
        const wrong =
          (priority === undefined ? undefined : executive.setPriority(asked, priority)) ??
          (quantum === undefined ? undefined : executive.setQuantum(asked, quantum))
        return wrong === undefined ? taskOf(asked) : Result.fail(wrong)
      }
    }),

    clock: command({
      needs: "status",
      fields: Schema.Struct({
        op: maybe(Schema.Literals(["status", "start", "stop", "step", "rate"])),
        steps: maybe(positive.check(Schema.isLessThanOrEqualTo(stepsMax))),
        pid: maybe(pid),
        rate: maybe(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: hertzMax })))
      }),
      changes: ({ op, pid: asked }) => (op === "step" ? asked : undefined),
      run: ({ op = "status", pid: only, rate, steps = 1 }, { caller }) => {
        if (op === "status") return clock()
        const denied = board.loader.access.check(caller.id, caller.level, "control")
        if (denied !== undefined) return Result.fail(denied)
        switch (op) {
          case "start":
            control.start()
            return clock()
          case "stop":
            control.stop()
            return clock()
          case "step":
            return step(steps, only)
          case "rate":
            if (rate === undefined)
              return Result.fail(wrongField("rate", "turns a second are expected, 0 for no limit"))
            control.setRate(rate)
            return clock()
        }
      }
    }),

    step: command({
      needs: "control",
      fields: Schema.Struct({ steps: maybe(positive.check(Schema.isLessThanOrEqualTo(stepsMax))), pid: maybe(pid) }),
      changes: ({ pid: asked }) => asked,
      run: ({ pid: only, steps = 1 }) => step(steps, only)
    }),

    dmesg: command({
      needs: "status",
      fields: Schema.Struct({ limit: maybe(count), filter_session: maybe(text) }),
      run: ({ filter_session: session, limit = logLines }) => {
        const tag = session === undefined ? undefined : (sessions.named(session)?.tag ?? session)
        return Result.succeed({ logs: log.newest(limit, tag).map((line) => ({ ...line })) })
      }
    })
  }
}
