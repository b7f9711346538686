/** Images and transfers as clients see them: the names of the fields are those that tools know. */
import { Result } from "effect"
import { refusalName } from "../../provisioning/ErrorCodes.ts"
import type { EndReply, StatusReply } from "../../provisioning/LoaderCalls.ts"
import type { Refused } from "../../Refused.ts"
import { HostAccess } from "../executive/HostAccess.ts"
import type { Fields, Outcome } from "./Answer.ts"
import { mailboxRows } from "./MailCommands.ts"
import type { RpcBoard } from "./RpcBoard.ts"
import { commandFields, valueFields } from "./ValueCommands.ts"

/** An image that has become a program. */
export const imageFields = (
  board: RpcBoard,
  { header, hxeCrc32, persisted, pid: number, program, sections, xfer }: EndReply
): Fields => {
  const host = new HostAccess(board.executive)
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

/** How a load has ended. */
export const loaded = (board: RpcBoard, result: Result.Result<EndReply, Refused>): Outcome =>
  Result.isFailure(result) ? Result.fail(result.failure) : Result.succeed({ image: imageFields(board, result.success) })

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
