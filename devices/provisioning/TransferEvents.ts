/** The events of a transfer, made from its record. */
import { codes } from "../../src/protocol/Codes.ts"
import type { Refused } from "../Refused.ts"
import { refusalName } from "./ErrorCodes.ts"
import type { BeginRequest } from "./LoaderCalls.ts"
import type { RegisteredProgram } from "./ProgramHost.ts"
import { percentOf } from "./Progress.ts"
import type { AbortReason, Phase, Unnumbered, Where } from "./ProvisioningEvents.ts"
import type { Transfer } from "./Transfer.ts"

const common = (transfer: Transfer, phase: Phase) => ({
  xfer: transfer.start.xfer,
  phase,
  source: transfer.start.request.source,
  app_name: transfer.appName ?? null
})

/** What was reserved is reserved. */
export const startedEvent = (transfer: Transfer): Unnumbered => ({
  type: "provisioning.started",
  pid: transfer.start.pid,
  data: {
    ...common(transfer, "begin"),
    mode: transfer.start.mode,
    label: transfer.start.request.label ?? null,
    total_bytes: transfer.totalBytes ?? null,
    chunk_max: transfer.start.chunkBytesMax
  }
})

/** How far it is. */
export const progressEvent = (transfer: Transfer, coalesced: number, stalled: boolean): Unnumbered => ({
  type: "provisioning.progress",
  pid: transfer.start.pid,
  data: {
    ...common(transfer, transfer.state === "VERIFY" ? "verify" : "transfer"),
    bytes_written: transfer.bytesWritten,
    total_bytes: transfer.totalBytes ?? null,
    percent: percentOf(transfer.bytesWritten, transfer.totalBytes) ?? null,
    seq: transfer.nextSeq,
    rate_bps: transfer.bytesPerSecond,
    coalesced,
    stalled
  }
})

/** The program is on the board. */
export const completeEvent = (
  transfer: Transfer,
  program: RegisteredProgram,
  image: { readonly hxeCrc32: number; readonly isSigned: boolean; readonly durationMillis: number }
): Unnumbered => ({
  type: "provisioning.complete",
  pid: transfer.start.pid,
  data: {
    ...common(transfer, "complete"),
    ready: true,
    app_instance: program.appInstance,
    bytes_written: transfer.bytesWritten,
    file_crc32: transfer.fileCrc32,
    hxe_crc32: image.hxeCrc32,
    values: program.values,
    commands: program.commands,
    mailboxes: program.mailboxes,
    duration_ms: Math.round(image.durationMillis),
    signed: image.isSigned,
    call_mode: program.callMode,
    warnings: program.warnings
  }
})

/** What became of persisted values; none where none were declared. */
export const restoredEvent = (transfer: Transfer, program: RegisteredProgram): Unnumbered | undefined =>
  program.restored === undefined
    ? undefined
    : {
        type: "provisioning.restored",
        pid: transfer.start.pid,
        data: { ...common(transfer, "verify"), ...program.restored }
      }

/** It failed. */
export const errorEvent = (transfer: Transfer, where: Where, refused: Refused): Unnumbered => ({
  type: "provisioning.error",
  pid: transfer.start.pid,
  data: {
    ...common(transfer, transfer.phase),
    ...failure(where, refused, transfer.bytesWritten),
    ...(refused.code === codes.EILSEQ ? { expected_seq: transfer.expectedSeq } : {})
  }
})

/** It failed before anything was reserved. */
export const refusedEvent = (request: BeginRequest, where: Where, refused: Refused): Unnumbered => ({
  type: "provisioning.error",
  pid: null,
  data: {
    xfer: 0,
    phase: where === "verify" ? "verify" : "begin",
    source: request.source,
    app_name: request.appName ?? null,
    ...failure(where, refused, 0)
  }
})

/** It was given up. */
export const abortedEvent = (transfer: Transfer, reason: AbortReason): Unnumbered => ({
  type: "provisioning.aborted",
  pid: transfer.start.pid,
  data: { ...common(transfer, "abort"), reason, bytes_written: transfer.bytesWritten }
})

const failure = (where: Where, refused: Refused, bytesWritten: number) => ({
  where,
  code: refusalName(refused.code),
  errno: refused.code,
  detail: refused.detail,
  bytes_written: bytesWritten
})
