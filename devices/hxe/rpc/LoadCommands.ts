/** Commands that bring images to the board in chunks, and ask how far they are. */
import { Result, Schema } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import type { TransferName } from "../../provisioning/LoaderCalls.ts"
import { Source, source } from "../../provisioning/Source.ts"
import type { Refused } from "../../Refused.ts"
import { type Refusal, wrongField } from "./Answer.ts"
import { type Commands, command } from "./Command.ts"
import { base64Bytes, count, hexBytes, maybe, pid, positive, text, u32 } from "./Fields.ts"
import { loaded, statusFields } from "./ImageFields.ts"
import type { RpcBoard } from "./RpcBoard.ts"

const transfer = { xfer: maybe(u32), pid: maybe(pid) }

/** What a client may say where an image comes from; what the board's own memory keeps is not for clients to claim. */
const ClientSource = Schema.Struct({
  kind: Schema.Literals(Source.fields.kind.literals.filter((kind) => kind !== "nv")),
  uri: text
})

const transferName = (named: { readonly xfer?: number; readonly pid?: number }): TransferName | undefined => {
  if (named.xfer !== undefined) return { xfer: named.xfer }
  return named.pid === undefined ? undefined : { pid: named.pid }
}

const unnamed: Refusal = wrongField("xfer", "the number of a transfer is expected, or the pid it has")

/** Commands for images that come over this line. */
export const loadCommands = (board: RpcBoard): Commands => {
  const { loader } = board

  /** What a write is refused for; a sender that left something out is told where to go on. */
  const gap = (name: TransferName, failed: Refused): Refusal => {
    const status = failed.code === codes.EILSEQ ? loader.status(name) : undefined
    return status === undefined || Result.isFailure(status)
      ? failed
      : { ...failed, more: { expected: status.success.nextSeq } }
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
        autostart: maybe(Schema.Boolean),
        persist: maybe(Schema.Boolean),
        replace: maybe(Schema.Boolean)
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
              const outcome = loaded(board, result)
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
    })
  }
}
