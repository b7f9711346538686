/** Commands that load programs from what the board has: its files, and the copies it keeps. */
import { crc32 } from "node:zlib"
import { Result, Schema } from "effect"
import type { LoadRequest } from "../../provisioning/LoaderCalls.ts"
import { source, sourceText } from "../../provisioning/Source.ts"
import { fileTransport } from "../../provisioning/transports/File.ts"
import { fetchWhole } from "../../provisioning/transports/PullLoad.ts"
import { type Answer, type Refusal, refuse } from "./Answer.ts"
import { type Asker, type Commands, command } from "./Command.ts"
import { maybe, pid, text } from "./Fields.ts"
import { imageFields, loaded } from "./ImageFields.ts"
import type { RpcBoard } from "./RpcBoard.ts"
import { taskFields } from "./TaskRows.ts"

const kept = { autostart: maybe(Schema.Boolean), persist: maybe(Schema.Boolean), replace: maybe(Schema.Boolean) }

/** Commands for files and copies. */
export const fileCommands = (board: RpcBoard): Commands => {
  const { executive, loader } = board

  /** Reads a file below the board's folder, whole. */
  const fetched = (path: string, done: (bytes: Result.Result<Uint8Array, Refusal>) => void): void => {
    if (board.folder === undefined) return done(Result.fail(refuse("ENOTSUP", "files")))
    fetchWhole({ loader, clock: board.clock, transport: fileTransport(board.folder) }, path, (bytes) =>
      done(Result.isFailure(bytes) ? Result.fail(bytes.failure) : Result.succeed(bytes.success))
    )
  }
  const absolute = (path: string): string => (path.startsWith("/") ? path : `/${path}`)

  const load = (path: string, options: Omit<LoadRequest, "bytes" | "source">, asker: Asker): Answer => {
    const denied = loader.access.check(asker.caller.id, asker.caller.level, "load")
    if (denied !== undefined) return Result.fail(denied)
    return (answered) =>
      fetched(path, (bytes) => {
        if (Result.isFailure(bytes)) return answered(Result.fail(bytes.failure))
        const request = { ...options, bytes: bytes.success, source: source.file(absolute(path)) }
        loader.load({ label: path, ...request }, asker.caller, (result) => answered(loaded(board, result)))
      })
  }

  const loadCommand = command({
    needs: "load",
    fields: Schema.Struct({ path: text, app_name: maybe(text), ...kept }),
    run: ({ app_name: appName, path, ...rest }, asker) =>
      load(path, { ...rest, ...(appName === undefined ? {} : { appName }) }, asker)
  })

  /** The image of a program, from where it came from or where it is kept. */
  const imageOf = (
    number: number,
    done: (image: Result.Result<Pick<LoadRequest, "bytes" | "source">, Refusal>) => void
  ): void => {
    const task = executive.task(number)
    if (task === undefined) return done(Result.fail(refuse("ESRCH", `pid:${number}`, { pid: number })))
    const { source: from } = task.origin
    if (from?.startsWith("file:") === true) {
      const path = from.slice("file:".length)
      return fetched(path, (bytes) => done(Result.map(bytes, (file) => ({ bytes: file, source: source.file(path) }))))
    }
    const image = board.keptImage(task.base)
    // What is kept under the name may be another version of it.
    const isSame = Result.isSuccess(image) && crc32(image.success.bytes) === task.identity.crc32
    if (isSame) return done(Result.succeed(image.success))
    done(Result.fail(refuse("ENOTSUP", `source:${from ?? ""}`, { reason: "the board has no copy of this image" })))
  }

  return {
    load: loadCommand,
    exec: loadCommand,
    "provision.load": loadCommand,

    reload: command({
      needs: "kill",
      fields: Schema.Struct({ pid }),
      changes: (fields) => fields.pid,
      run:
        ({ pid: number }, asker) =>
        (answered) =>
          // The image is there before the program goes: one that cannot be read costs nothing.
          imageOf(number, (image) => {
            if (Result.isFailure(image)) return answered(Result.fail(image.failure))
            const task = executive.task(number)
            if (task === undefined) return answered(Result.fail(refuse("ESRCH", `pid:${number}`, { pid: number })))
            const { base } = task
            const label = task.origin.label
            // The only one of its name is replaced, and runs on when the image is refused; one of several is ended first.
            const instances = executive.instancesOf(base)
            const replace = instances.length === 1 && instances[0] === number
            if (!replace) executive.remove(number)
            const request = { ...image.success, replace, ...(label === undefined ? {} : { label }) }
            loader.load(request, asker.caller, (result) => {
              if (Result.isFailure(result)) return answered(Result.fail(result.failure))
              const started = executive.task(result.success.pid)
              answered(
                Result.succeed({
                  reload: {
                    old_pid: number,
                    new_pid: result.success.pid,
                    program: label ?? base,
                    source: sourceText(image.success.source),
                    image: imageFields(board, result.success),
                    task: started === undefined ? null : taskFields(executive, started)
                  }
                })
              )
            })
          })
    })
  }
}
