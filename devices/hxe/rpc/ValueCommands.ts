/** Commands about the values that programs publish and the commands that they offer. */
import { Result, Schema } from "effect"
import { f16Bits, f16Value } from "../../../src/protocol/hxe/F16.ts"
import { commandFlags } from "../../../src/protocol/hxe/Hxe.ts"
import { HostAccess, type HostCommand, type HostValue } from "../executive/HostAccess.ts"
import { type Fields, type Outcome, type Refusal, refuse, refused, wrongField } from "./Answer.ts"
import { type Asker, type Commands, command } from "./Command.ts"
import { maybe, pid, text, u8, u16 } from "./Fields.ts"
import type { RpcBoard } from "./RpcBoard.ts"

const named = { oid: maybe(u16), name: maybe(text), group: maybe(Schema.Union([u8, text])), pid: maybe(pid) }

/** How a value or command is meant: number or name, of one program or of all, in one group or in any. */
interface Meant {
  readonly oid?: number
  readonly name?: string
  readonly group?: number | string
  readonly pid?: number
}

interface Entry {
  readonly oid: number
  readonly name: string | undefined
  readonly group: string | undefined
  readonly authLevel: number
}

const isMeant = ({ group, name, oid }: Meant, entry: Entry): boolean =>
  (oid === undefined || oid === entry.oid) &&
  (name === undefined || name === entry.name || name === `${entry.group ?? ""}.${entry.name}`) &&
  (group === undefined || group === entry.oid >> 8 || group === entry.group)

/** All that is meant, the program with the lowest number first. */
const entriesOf = <E extends Entry>(
  board: RpcBoard,
  of: (pid: number) => ReadonlyArray<E>,
  meant: Meant
): ReadonlyArray<{ readonly pid: number; readonly entry: E }> =>
  board.executive
    .tasks()
    .filter(({ pid: number }) => meant.pid === undefined || meant.pid === number)
    .sort((one, other) => one.pid - other.pid)
    .flatMap(({ pid: number }) =>
      of(number)
        .filter((entry) => isMeant(meant, entry))
        .map((entry) => ({ pid: number, entry }))
    )

const identity = ({ authLevel, group, name, oid }: Entry): Fields => ({
  oid,
  group_id: oid >> 8,
  id: oid & 0xff,
  name: name ?? null,
  group_name: group ?? null,
  auth_level: authLevel
})

/** A value as clients read it. JSON knows no infinity and no NaN: then the bits say more. */
export const valueFields = (owner: number, value: HostValue): Fields => ({
  ...identity(value),
  pid: owner,
  unit: value.unit ?? null,
  flags: value.flags,
  value: Number.isFinite(value.value) ? value.value : null,
  f16: f16Bits(value.value)
})

/** A command as clients read it. */
export const commandFields = (owner: number, offered: HostCommand): Fields => ({
  ...identity(offered),
  pid: owner,
  help: offered.help ?? null,
  flags: offered.flags
})

/** Commands for values and commands. */
export const valueCommands = (board: RpcBoard): Commands => {
  const { executive, loader } = board
  const host = new HostAccess(executive)
  const valuesOf = (number: number) => host.values(number)
  const commandsOf = (number: number) => host.commands(number)

  const noneOf = (what: string, meant: Meant): Refusal =>
    meant.oid === undefined && meant.name === undefined
      ? wrongField("oid", "a number or a name is expected")
      : refuse("ENOENT", `${what}:${meant.name ?? meant.oid}`)
  /** A client that lacks the level is counted like one that asks for another command that needs more. */
  const tooLow = ({ caller }: Asker, what: string, { authLevel, oid }: Entry): Refusal | undefined => {
    if (caller.level >= authLevel) return undefined
    loader.access.failed(caller.id)
    return refuse("EPERM", `level:${what}:${oid}:${caller.level}/${authLevel}`)
  }
  const one = <E extends Entry>(
    of: (pid: number) => ReadonlyArray<E>,
    what: string,
    meant: Meant,
    asker: Asker
  ): Result.Result<{ readonly pid: number; readonly entry: E }, Refusal> => {
    const [found] = meant.oid === undefined && meant.name === undefined ? [] : entriesOf(board, of, meant)
    if (found === undefined) return Result.fail(noneOf(what, meant))
    const denied = tooLow(asker, what, found.entry)
    return denied === undefined ? Result.succeed(found) : Result.fail(denied)
  }
  const ofTask = (meant: Meant, list: () => Fields): Outcome =>
    meant.pid !== undefined && executive.task(meant.pid) === undefined
      ? refused("ESRCH", `pid:${meant.pid}`, { pid: meant.pid })
      : Result.succeed(list())
  const stats = (what: "values" | "commands"): Outcome => {
    const { strings } = executive.parts
    return Result.succeed({
      stats: {
        count: executive.parts[what].count,
        limit: executive.profile[what],
        string_bytes: strings.used,
        string_bytes_limit: strings.limit
      }
    })
  }

  return {
    "val.list": command({
      needs: "status",
      fields: Schema.Struct(named),
      run: (meant, { caller }) =>
        ofTask(meant, () => ({
          values: entriesOf(board, valuesOf, meant)
            .filter(({ entry }) => caller.level >= entry.authLevel)
            .map(({ entry, pid: owner }) => valueFields(owner, entry))
        }))
    }),

    "val.get": command({
      needs: "status",
      fields: Schema.Struct(named),
      run: (meant, asker) =>
        Result.map(one(valuesOf, "value", meant, asker), ({ entry, pid: owner }) => ({
          value: { status: 0, ...valueFields(owner, entry) }
        }))
    }),

    "val.set": command({
      needs: "status",
      fields: Schema.Struct({ ...named, value: maybe(Schema.Finite), f16: maybe(u16) }),
      run: (meant, asker) => {
        const value = meant.value ?? (meant.f16 === undefined ? undefined : f16Value(meant.f16))
        if (value === undefined) return Result.fail(wrongField("value", "a number is expected"))
        const found = one(valuesOf, "value", meant, asker)
        if (Result.isFailure(found)) return Result.fail(found.failure)
        const { entry, pid: owner } = found.success
        const failed = asker.lockRefusal(owner) ?? host.setValue(owner, entry.oid, value, asker.caller.level)
        if (failed !== undefined) return Result.fail(failed)
        return Result.succeed({
          value: { status: 0, ...valueFields(owner, host.valueOf(owner, entry.oid) ?? entry) }
        })
      }
    }),

    "val.stats": command({ needs: "status", fields: Schema.Struct({}), run: () => stats("values") }),

    "cmd.list": command({
      needs: "status",
      fields: Schema.Struct(named),
      run: (meant) =>
        ofTask(meant, () => ({
          commands: entriesOf(board, commandsOf, meant).map(({ entry, pid: owner }) => commandFields(owner, entry))
        }))
    }),

    "cmd.call": command({
      needs: "status",
      fields: Schema.Struct({ ...named, async: maybe(Schema.Boolean), token: maybe(text) }),
      run: (meant, asker) => {
        const found = one(commandsOf, "command", meant, asker)
        if (Result.isFailure(found)) return Result.fail(found.failure)
        const { entry, pid: owner } = found.success
        const locked = asker.lockRefusal(owner)
        if (locked !== undefined) return Result.fail(locked)
        const call = () => host.callCommand(owner, entry.oid, asker.caller.level, meant.token)
        if (meant.async === true) {
          if ((entry.flags & commandFlags.async) === 0) return refused("ENOTSUP", `no_async:${entry.oid}`)
          // The events of the command tell how it ended.
          board.clock.schedule(0, () => {
            call()
            board.look()
          })
          return Result.succeed({ command: { status: 0, result: null, pid: owner, oid: entry.oid, pending: true } })
        }
        return Result.map(call(), (result) => ({ command: { status: 0, result, pid: owner, oid: entry.oid } }))
      }
    }),

    "cmd.stats": command({ needs: "status", fields: Schema.Struct({}), run: () => stats("commands") })
  }
}
