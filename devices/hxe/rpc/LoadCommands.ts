/** Commands that bring images to the board, in chunks or from its own files, and ask how far they are. */
import { crc32 } from "node:zlib"
import { Result, Schema } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import { refusalName } from "../../provisioning/ErrorCodes.ts"
import type { EndReply, LoadRequest, StatusReply, TransferName } from "../../provisioning/LoaderCalls.ts"
import { Source, source, sourceText } from "../../provisioning/Source.ts"
import { fileTransport } from "../../provisioning/transports/File.ts"
import { fetchWhole } from "../../provisioning/transports/PullLoad.ts"
import type { Refused } from "../../Refused.ts"
import { HostAccess } from "../executive/HostAccess.ts"
import { type Answer, type Fields, type Outcome, type Refusal, refuse, wrongField } from "./Answer.ts"
import { type Asker, type Commands, command } from "./Command.ts"
import { base64Bytes, count, hexBytes, maybe, pid, positive, text, u32 } from "./Fields.ts"
import { mailboxRows } from "./MailCommands.ts"
import type { RpcBoard } from "./RpcBoard.ts"
import { taskFields } from "./TaskRows.ts"
import { commandFields, valueFields } from "./ValueCommands.ts"

const transfer = { xfer: maybe(u32), pid: maybe(pid) }

/** What a client may say where an image comes from; what the board's own memory keeps is not for clients to claim. */
const ClientSource = Schema.Struct({
  kind: Schema.Literals(Source.fields.kind.literals.filter((kind) => kind !== "nv")),
  uri: text
})

const kept = { autostart: maybe(Schema.Boolean), persist: maybe(Schema.Boolean), replace: maybe(Schema.Boolean) }

const transferName = (named: { readonly xfer?: number; readonly pid?: number }): TransferName | undefined => {
  if (named.xfer !== undefined) return { xfer: named.xfer }
  return named.pid === undefined ? undefined : { pid: named.pid }
}

const unnamed: Refusal = wrongField("xfer", "the number of a transfer is expected, or the pid it has")

/** Where a transfer stands. */
export const statusFields = (status: StatusReply): Fields => ({
  xfer: status.xfer,
  pid: status.pid,
  state: status.state,
  phase: status.phase,
  bytes_written: status.bytesWritten,
  total_bytes: status.totalBytes ?? null,
  percent: status.percent ?? null,
  next_seq: status.nextSeq,
  gaps: status.gaps,
  duplicates: status.duplicates,
  source: { ...status.source },
  last_error:
    status.lastError === undefined
      ? null
      : { code: refusalName(status.lastError.code), errno: status.lastError.code, detail: status.lastError.detail },
  age_ms: Math.round(status.ageMillis)
})

/** Commands for images. */
export const loadCommands = (board: RpcBoard): Commands => {
  const { executive, loader } = board
  const host = new HostAccess(executive)

  const imageFields = ({ header, hxeCrc32, persisted, pid: number, program, sections, xfer }: EndReply): Fields => {
    const values = host.values(number).map((value) => valueFields(number, value))
    const commands = host.commands(number).map((offered) => commandFields(number, offered))
    const mailboxes = mailboxRows(board, number)
    return {
      pid: number,
      xfer,
      entry: header.entry,
      code_len: header.codeLength,
      ro_len: header.rodataLength,
      bss: header.bssSize,
      version: header.version,
      flags: header.flags,
      req_caps: header.requiredCaps,
      app_name: program.appInstance,
      app_name_base: header.appName ?? null,
      allow_multiple_instances: header.allowsMultiple,
      metadata: {
        sections: sections.map(({ entryCount, offset, size, type }) => ({
          type,
          offset,
          size,
          entry_count: entryCount
        })),
        values,
        commands,
        mailboxes
      },
      meta_count: header.metaCount,
      manifest_present: header.hasManifest,
      hxe_crc32: hxeCrc32,
      call_mode: program.callMode,
      warnings: program.warnings,
      persisted:
        persisted === undefined
          ? null
          : "code" in persisted
            ? { code: refusalName(persisted.code), errno: persisted.code, detail: persisted.detail }
            : { slot: persisted.slot, generation: persisted.generation }
    }
  }

  /** What a write is refused for; a sender that left something out is told where to go on. */
  const gap = (name: TransferName, failed: Refused): Refusal => {
    const status = failed.code === codes.EILSEQ ? loader.status(name) : undefined
    return status === undefined || Result.isFailure(status)
      ? failed
      : { ...failed, more: { expected: status.success.nextSeq } }
  }

  const loaded = (result: Result.Result<EndReply, Refused>): Outcome =>
    Result.isFailure(result) ? Result.fail(result.failure) : Result.succeed({ image: imageFields(result.success) })

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
        loader.load({ label: path, ...request }, asker.caller, (result) => answered(loaded(result)))
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
    vm_load_begin: command({
      needs: "begin",
      fields: Schema.Struct({
        label: maybe(text),
        total: maybe(count),
        file_crc32: maybe(u32),
        source: maybe(ClientSource),
        chunk_max: maybe(positive),
        app_name: maybe(text),
        pid: maybe(pid),
        ...kept
      }),
      run: (fields, { caller, client, session }) => {
        const { autostart, label, persist, replace } = fields
        const begun = loader.begin(
          {
            source: fields.source ?? (label === undefined ? source.rpc(client) : source.stream(label)),
            ...(label === undefined ? {} : { label }),
            ...(fields.total === undefined ? {} : { totalBytes: fields.total }),
            ...(fields.file_crc32 === undefined ? {} : { fileCrc32: fields.file_crc32 }),
            ...(fields.chunk_max === undefined ? {} : { chunkBytesMax: fields.chunk_max }),
            ...(fields.app_name === undefined ? {} : { appName: fields.app_name }),
            ...(fields.pid === undefined ? {} : { pidHint: fields.pid }),
            ...(replace === undefined ? {} : { replace }),
            ...(autostart === undefined ? {} : { autostart }),
            ...(persist === undefined ? {} : { persist })
          },
          caller
        )
        if (Result.isFailure(begun)) return Result.fail(begun.failure)
        const { chunkBytesMax, nextSeq, pid: number, state, xfer } = begun.success
        if (session !== undefined) {
          for (const past of session.transfers) {
            if (Result.isFailure(loader.status({ xfer: past }))) session.transfers.delete(past)
          }
          session.transfers.add(xfer)
        }
        return Result.succeed({ xfer, pid: number, state, next_seq: nextSeq, chunk_max: chunkBytesMax })
      }
    }),

    vm_load_write: command({
      needs: "write",
      fields: Schema.Struct({
        ...transfer,
        seq: count,
        data_hex: maybe(Schema.String),
        data: maybe(Schema.String),
        crc32: maybe(u32)
      }),
      run: ({ crc32, data, data_hex: hex, seq, ...named }, { caller }) => {
        const name = transferName(named)
        if (name === undefined) return Result.fail(unnamed)
        const bytes = hex === undefined ? base64Bytes("data", data ?? "") : hexBytes("data_hex", hex)
        if (Result.isFailure(bytes)) return Result.fail(bytes.failure)
        const request = { seq, data: bytes.success, ...(crc32 === undefined ? {} : { crc32 }) }
        const wrote = loader.write(name, request, caller)
        if (Result.isFailure(wrote)) return Result.fail(gap(name, wrote.failure))
        const { bytes: taken, isDuplicate, nextSeq, pid: number, state, totalWritten, xfer } = wrote.success
        return Result.succeed({
          xfer,
          pid: number,
          state,
          bytes: taken,
          next_seq: nextSeq,
          total_written: totalWritten,
          duplicate: isDuplicate
        })
      }
    }),

    vm_load_end: command({
      needs: "end",
      fields: Schema.Struct({
        ...transfer,
        file_crc32: maybe(u32),
        sha256: maybe(Schema.String.check(Schema.isPattern(/^[0-9a-fA-F]{64}$/))),
        signature_hex: maybe(Schema.String),
        autostart: maybe(Schema.Boolean),
        persist: maybe(Schema.Boolean)
      }),
      run: ({ autostart, file_crc32: fileCrc32, persist, sha256, signature_hex: signature, ...named }, { caller }) => {
        const name = transferName(named)
        if (name === undefined) return Result.fail(unnamed)
        const detached = hexBytes("signature_hex", signature ?? "")
        if (Result.isFailure(detached)) return Result.fail(detached.failure)
        return (answered) =>
          loader.end(
            name,
            {
              ...(fileCrc32 === undefined ? {} : { fileCrc32 }),
              ...(sha256 === undefined ? {} : { sha256: new Uint8Array(Buffer.from(sha256, "hex")) }),
              ...(signature === undefined ? {} : { detachedSignature: detached.success }),
              ...(autostart === undefined ? {} : { autostart }),
              ...(persist === undefined ? {} : { persist })
            },
            caller,
            (result) => {
              const outcome = loaded(result)
              if (Result.isFailure(outcome) || Result.isFailure(result)) return answered(outcome)
              const { pid: number, state, xfer } = result.success
              answered(Result.succeed({ xfer, pid: number, state, ...outcome.success }))
            }
          )
      }
    }),

    vm_load_abort: command({
      needs: "abort",
      fields: Schema.Struct({
        ...transfer,
        reason: maybe(Schema.Literals(["user", "timeout", "error", "transport"]))
      }),
      run: ({ reason, ...named }, { caller }) => {
        const name = transferName(named)
        if (name === undefined) return Result.fail(unnamed)
        const aborted = loader.abort(name, reason === undefined ? {} : { reason }, caller)
        if (Result.isFailure(aborted)) return Result.fail(aborted.failure)
        const { freed, state, xfer } = aborted.success
        return Result.succeed({ xfer, pid: freed.pid, state, freed: { ...freed } })
      }
    }),

    "provision.status": command({
      needs: "status",
      fields: Schema.Struct(transfer),
      run: (named) => {
        const name = transferName(named)
        if (name === undefined) return Result.succeed({ transfers: loader.transfers.map(statusFields) })
        const status = loader.status(name)
        return Result.isFailure(status) ? Result.fail(status.failure) : Result.succeed(statusFields(status.success))
      }
    }),

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
                    image: imageFields(result.success),
                    task: started === undefined ? null : taskFields(executive, started)
                  }
                })
              )
            })
          })
    }),

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
    })
  }
}
