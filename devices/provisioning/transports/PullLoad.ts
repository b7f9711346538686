/** Fetches an image over a pull transport, chunk by chunk, so that programs run on meanwhile. */
import { Result } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import type { Refused } from "../../Refused.ts"
import { refusal } from "../ErrorCodes.ts"
import type { ServiceClock } from "../EventHub.ts"
import type { Loader } from "../Loader.ts"
import type { BeginRequest, Caller, EndRequest, LoadRequest } from "../LoaderCalls.ts"
import type { EndAnswer } from "../Transfers.ts"
import type { PullHandle, PullTransport } from "./Transport.ts"

/** Times a read that failed is tried in all, and how long the first wait is; it doubles. */
export interface PullRetries {
  readonly attempts: number
  readonly baseMillis: number
  readonly maxMillis: number
}

/** What a board uses unless it is told otherwise. */
export const pullRetries: PullRetries = { attempts: 5, baseMillis: 300, maxMillis: 5000 }

/** What is fetched: `begin` without the length, which the transport knows. */
export interface PullRequest {
  readonly uri: string
  readonly begin: Omit<BeginRequest, "totalBytes">
  readonly end?: EndRequest
}

/** Reads until the end, one chunk a step; a failed read is tried again later. */
const readAll = (
  handle: PullHandle,
  clock: ServiceClock,
  retries: PullRetries,
  chunkBytes: number,
  take: (chunk: Uint8Array) => Refused | undefined,
  done: (refused: Refused | undefined) => void
): void => {
  const finish = (refused: Refused | undefined): void => {
    handle.close()
    done(refused)
  }
  const step = (attempt: number): void => {
    const chunk = handle.read(chunkBytes)
    if (Result.isFailure(chunk)) {
      const isWorthAnother = chunk.failure.code === codes.EIO && attempt + 1 < retries.attempts
      if (!isWorthAnother) return finish(chunk.failure)
      clock.schedule(Math.min(retries.maxMillis, retries.baseMillis * 2 ** attempt), () => step(attempt + 1))
      return
    }
    if (chunk.success.length === 0) return finish(undefined)
    const refused = take(chunk.success)
    if (refused !== undefined) return finish(refused)
    clock.schedule(0, () => step(0))
  }
  step(0)
}

/** Fetches an image as a transfer in chunks. `answered` is called once. */
export const pull = (
  parts: { readonly loader: Loader; readonly transport: PullTransport; readonly clock: ServiceClock },
  request: PullRequest,
  caller: Caller,
  answered: EndAnswer,
  retries: PullRetries = pullRetries
): void => {
  const { clock, loader, transport } = parts
  const opened = transport.open(request.uri)
  if (Result.isFailure(opened)) return answered(Result.fail(opened.failure))
  const handle = opened.success
  const begun = loader.begin({ ...request.begin, totalBytes: handle.totalBytes }, caller)
  if (Result.isFailure(begun)) {
    handle.close()
    return answered(Result.fail(begun.failure))
  }
  const { chunkBytesMax, xfer } = begun.success
  let seq = 0
  const take = (data: Uint8Array): Refused | undefined => {
    const wrote = loader.write({ xfer }, { seq, data }, caller)
    seq += 1
    return Result.isFailure(wrote) ? wrote.failure : undefined
  }
  const chunkBytes = Math.min(chunkBytesMax, transport.info.chunkBytesMax)
  readAll(handle, clock, retries, chunkBytes, take, (refused) => {
    if (refused === undefined) return loader.end({ xfer }, request.end ?? {}, caller, answered)
    loader.abort({ xfer }, { reason: "transport" }, caller)
    answered(Result.fail(refused))
  })
}

/** Fetches a whole file, at most as large as the board takes. `done` is called once. */
export const fetchWhole = (
  parts: { readonly loader: Loader; readonly transport: PullTransport; readonly clock: ServiceClock },
  uri: string,
  done: (bytes: Result.Result<Uint8Array, Refused>) => void,
  retries: PullRetries = pullRetries
): void => {
  const { clock, loader, transport } = parts
  const opened = transport.open(uri)
  if (Result.isFailure(opened)) return done(Result.fail(opened.failure))
  const { imageBytesMax } = loader.settings
  const chunks: Array<Uint8Array> = []
  let bytes = 0
  const take = (chunk: Uint8Array): Refused | undefined => {
    chunks.push(chunk)
    bytes += chunk.length
    return bytes > imageBytesMax ? refusal("ENOSPC", `image_too_large:${bytes}/${imageBytesMax}`) : undefined
  }
  readAll(opened.success, clock, retries, transport.info.chunkBytesMax, take, (refused) => {
    done(refused === undefined ? Result.succeed(new Uint8Array(Buffer.concat(chunks))) : Result.fail(refused))
  })
}

/** Fetches the whole file first and loads it at once: a file that is no good leaves no trace. */
export const loadWhole = (
  parts: { readonly loader: Loader; readonly transport: PullTransport; readonly clock: ServiceClock },
  uri: string,
  request: Omit<LoadRequest, "bytes">,
  caller: Caller,
  answered: EndAnswer,
  retries: PullRetries = pullRetries
): void =>
  fetchWhole(
    parts,
    uri,
    (bytes) => {
      if (Result.isFailure(bytes)) answered(Result.fail(bytes.failure))
      else parts.loader.load({ ...request, bytes: bytes.success }, caller, answered)
    },
    retries
  )
