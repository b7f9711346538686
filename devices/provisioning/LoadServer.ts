/** The board's end of the load messages: reads the requests of one master, asks the service, answers. */

import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import type { Refused } from "../Refused.ts"
import type { AccessLevel } from "./Access.ts"
import { Echoes } from "./Echoes.ts"
import type { ServiceClock } from "./EventHub.ts"
import type { Loader } from "./Loader.ts"
import type { Caller, StatusReply } from "./LoaderCalls.ts"
import {
  abortReasons,
  decodeRequest,
  encodeReply,
  type LoadReplyFields,
  type LoadRequestPdu,
  loadFlags
} from "./LoadPdu.ts"
import { RoleProof } from "./RoleProof.ts"
import { type Source, sourceText } from "./Source.ts"
import { Staging, type StagingLimits } from "./Staging.ts"
import { transferStateCodes } from "./TransferStates.ts"

/** What the board says of itself to a HELLO. */
export interface BoardFacts {
  /** 1 to 126 on a bus; 0 where there is no bus. */
  readonly node: number
  /** Bits of the capabilities of an image. */
  readonly capabilities: () => number
  readonly codeBytesFree: () => number
}

/** One end of a line to one master. */
export interface LoadServerOptions {
  readonly loader: Loader
  readonly clock: ServiceClock
  readonly board: BoardFacts
  /** Shown with each transfer; one at a time per source. */
  readonly source: Source
  /** Largest data of a WRITE on this line. */
  readonly chunkBytesMax: number
  /** Unanswered WRITEs the master may have under way. */
  readonly window: number
  /** Level of a master that has proved nothing. */
  readonly level: AccessLevel
  /** Keys of the roles, by their level; a role without one cannot be had. */
  readonly roleKeys?: ReadonlyMap<number, Uint8Array>
  /** Eight bytes that nobody can foresee. Without it nobody can prove a role. */
  readonly nonce?: () => Uint8Array
  /** Frames that the line dropped because they were damaged; STATUS tells of them as EPROTO. */
  readonly damagedFrames?: () => number
  /** What the part has for chunks on their way into its memory; without it each is stored at once. */
  readonly staging?: StagingLimits
  readonly send: (reply: Uint8Array) => void
}

/** A repeat of the last BEGIN within this time is a copy made on the way; later it is a new transfer. */
const beginEchoMillis = 2000

/** Other requests that change something are done once for this long: the reply to them may have been lost. */
const echoMillis = 30_000

/** The version of the messages. */
const version = 1

type Reply = (status: number, fields?: LoadReplyFields) => void

/** Answers every request that can be read; a copy of one gets the same answer, and nothing is done twice. */
export class LoadServer {
  readonly #options: LoadServerOptions
  readonly #client: string
  readonly #proofs: RoleProof
  /** Numbers of the service, by those of the master. */
  readonly #transfers = new Map<number, number>()
  /** The last BEGIN, and the last other request that changes something, of each of the master's numbers. */
  readonly #begins: Echoes
  readonly #others: Echoes
  readonly #staging: Staging | undefined
  #level: AccessLevel
  #damaged = 0
  #holes = 0
  #waits = 0

  constructor(options: LoadServerOptions) {
    this.#options = options
    this.#level = options.level
    this.#client = sourceText(options.source)
    this.#begins = new Echoes(options.clock, beginEchoMillis, options.send)
    this.#others = new Echoes(options.clock, echoMillis, options.send)
    const { clock, loader, staging } = options
    const store = (xfer: number, seq: number, data: Uint8Array): boolean =>
      Result.isSuccess(loader.write({ xfer }, { seq, data }, this.#caller))
    this.#staging = staging === undefined ? undefined : new Staging(staging, clock, store)
    this.#proofs = new RoleProof({
      access: options.loader.access,
      client: this.#client,
      node: options.board.node,
      roleKeys: options.roleKeys ?? new Map(),
      nonce: options.nonce
    })
  }

  /** Messages that could not be read. */
  get damaged(): number {
    return this.#damaged
  }

  /** WRITEs that came before an earlier one, inside the window: losses of the line, not faults of the master. */
  get holes(): number {
    return this.#holes
  }

  /** Times the master was asked to wait: there was no room for its chunk. */
  get waits(): number {
    return this.#waits
  }

  /** What the master has proved, or the level it began with. */
  get level(): AccessLevel {
    return this.#level
  }

  /** Takes one message from the line. What cannot be read is counted, never answered. */
  receive(bytes: Uint8Array): void {
    const decoded = decodeRequest(bytes)
    if (Result.isFailure(decoded)) {
      this.#damaged += 1
      return
    }
    const request = decoded.success
    switch (request.op) {
      case "write":
        return this.#write(request)
      case "status":
      case "hello":
        return this.#handle(request, (status, fields) => this.#send(request, status, fields))
      case "begin":
        return this.#once(this.#begins, request, bytes)
      default:
        return this.#once(this.#others, request, bytes)
    }
  }

  get #isDamaged(): boolean {
    return this.#damaged > 0 || (this.#options.damagedFrames?.() ?? 0) > 0
  }

  get #caller(): Caller {
    return { id: this.#client, level: this.#level }
  }

  #once(echoes: Echoes, request: LoadRequestPdu, bytes: Uint8Array): void {
    const { op, xfer } = request
    echoes.once(
      xfer,
      bytes,
      () => this.#isUnderWay(xfer),
      (answered) => {
        // A new transfer may be ended or given up with the very bytes of the one before.
        if (op === "begin") this.#others.forget(xfer)
        this.#handle(request, (status, fields) => {
          const reply = this.#send(request, status, fields)
          // What was refused did nothing, and may be allowed next time; but an image that failed at its end stays so.
          answered({ reply, isKept: status === codes.ok || op === "end" })
        })
      }
    )
  }

  /** The BEGIN of a transfer that goes on is never a new one. */
  #isUnderWay(xfer: number): boolean {
    const status = this.#statusOf(xfer)
    return status !== undefined && (status.state === "LOADING" || status.state === "VERIFY")
  }

  #send({ op, xfer }: LoadRequestPdu, status: number, fields: LoadReplyFields | undefined): Uint8Array {
    const reply = encodeReply({ op, xfer, status, fields })
    this.#options.send(reply)
    return reply
  }

  #statusOf(xfer: number): StatusReply | undefined {
    const known = this.#transfers.get(xfer)
    if (known === undefined) return undefined
    const status = this.#options.loader.status({ xfer: known })
    return Result.isSuccess(status) ? status.success : undefined
  }

  /** The chunk that a transfer of the service waits for, from the line. */
  #nextSeq(xfer: number, stored: number): number {
    return (this.#staging?.nextSeq(xfer, stored & 0xffff) ?? stored) & 0xffff
  }

  #write(request: Extract<LoadRequestPdu, { readonly op: "write" }>): void {
    const { seq, data, xfer } = request
    const known = this.#transfers.get(xfer)
    const reply = (status: number): void => {
      const { bytesWritten = 0, nextSeq = 0 } = this.#statusOf(xfer) ?? {}
      this.#send(request, status, { op: "write", nextSeq: this.#nextSeq(known ?? 0, nextSeq), bytesWritten })
    }
    const before = this.#statusOf(xfer)
    if (known === undefined || before === undefined) return reply(codes.ESRCH)
    // The answer that told of the failure may have been lost.
    if (before.state !== "LOADING" && before.lastError !== undefined) return reply(before.lastError.code)
    const ahead = (seq - this.#nextSeq(known, before.nextSeq)) & 0xffff
    if (before.state === "LOADING" && data.length > 0 && ahead > 0 && ahead < this.#options.window) {
      this.#holes += 1
      return reply(codes.EILSEQ)
    }
    if (this.#staging !== undefined && before.state === "LOADING" && data.length > 0) {
      const staged = this.#staging.take(known, seq, data, before.nextSeq & 0xffff)
      if (staged === "full") this.#waits += 1
      if (staged !== "ahead") return reply(staged === "full" ? codes.EBUSY : codes.ok)
    }
    const wrote = this.#options.loader.write({ xfer: known }, { seq, data }, this.#caller)
    reply(Result.isSuccess(wrote) ? codes.ok : wrote.failure.code)
  }

  #handle(request: LoadRequestPdu, reply: Reply): void {
    const { loader } = this.#options
    const name = { xfer: this.#transfers.get(request.xfer) ?? 0 }
    const answer = <A>(result: Result.Result<A, Refused>, fields: (success: A) => LoadReplyFields): void => {
      if (Result.isFailure(result)) reply(result.failure.code)
      else reply(codes.ok, fields(result.success))
    }
    switch (request.op) {
      case "begin":
        return this.#begin(request, reply)
      case "end": {
        const denied = this.#refusesToKeep(request.flags)
        if (denied !== undefined) return reply(denied.code)
        const asked = {
          ...((request.flags & loadFlags.autostart) === 0 ? {} : { autostart: true }),
          ...((request.flags & loadFlags.persist) === 0 ? {} : { persist: true })
        }
        return this.#stored(() => {
          const failed = this.#statusOf(request.xfer)?.lastError
          if (this.#staging !== undefined && failed !== undefined) return reply(failed.code)
          loader.end(name, asked, this.#caller, (result) =>
            answer(result, ({ hxeCrc32, pid, state }) => ({
              op: "end",
              pid,
              state: transferStateCodes[state],
              hxeCrc32
            }))
          )
        })
      }
      case "abort": {
        const reason = abortReasons[request.reason]
        if (reason === undefined) return reply(codes.EINVAL)
        this.#staging?.drop(name.xfer)
        return answer(loader.abort(name, { reason }, this.#caller), () => ({ op: "abort" }))
      }
      case "status": {
        const status = this.#statusOf(request.xfer)
        if (status === undefined) return reply(codes.ESRCH)
        return reply(codes.ok, {
          op: "status",
          state: transferStateCodes[status.state],
          bytesWritten: status.bytesWritten,
          totalBytes: status.totalBytes ?? 0,
          lastError: status.lastError?.code ?? (this.#isDamaged ? codes.EPROTO : codes.ok),
          nextSeq: this.#nextSeq(name.xfer, status.nextSeq)
        })
      }
      case "persist": {
        const target = request.target === 1 ? "FLASH" : request.target === 2 ? "FRAM" : undefined
        const status = this.#statusOf(request.xfer)
        if (target === undefined) return reply(codes.EINVAL)
        if (status === undefined) return reply(codes.ESRCH)
        return answer(loader.persist({ pid: status.pid, target }, this.#caller), ({ generation, slot }) => ({
          op: "persist",
          slot,
          generation
        }))
      }
      case "activate":
        return answer(loader.activate(request.pid, this.#caller), () => ({ op: "activate" }))
      case "rollback":
        return answer(
          loader.rollback(request.generation === 0 ? undefined : request.generation, this.#caller),
          ({ toGeneration }) => ({ op: "rollback", generation: toGeneration })
        )
      case "hello":
        return this.#hello(request.version, reply)
      case "auth":
        return answer(this.#proofs.challenge(request.role), (nonce) => ({ op: "auth", nonce }))
      case "proof":
        return answer(this.#proofs.prove(request.mac), (level) => {
          this.#level = level
          return { op: "proof", level }
        })
      case "write":
        return this.#write(request)
    }
  }

  /** Runs when all that was taken in is stored. */
  #stored(run: () => void): void {
    if (this.#staging === undefined) run()
    else this.#staging.whenEmpty(run)
  }

  /** No chunk is larger than the room for chunks. */
  get #chunkBytesMax(): number {
    const { chunkBytesMax, staging } = this.#options
    return Math.min(chunkBytesMax, staging?.bytes ?? chunkBytesMax)
  }

  /** To keep an image over a restart is more than to run it. */
  #refusesToKeep(flags: number): Refused | undefined {
    if ((flags & loadFlags.persist) === 0) return undefined
    return this.#options.loader.access.check(this.#client, this.#level, "persist")
  }

  #begin(request: Extract<LoadRequestPdu, { readonly op: "begin" }>, reply: Reply): void {
    const { loader, source, window } = this.#options
    const chunkBytesMax = this.#chunkBytesMax
    const status = this.#statusOf(request.xfer)
    if (status !== undefined && (status.state === "LOADING" || status.state === "VERIFY")) return reply(codes.EBUSY)
    const denied = this.#refusesToKeep(request.flags)
    if (denied !== undefined) return reply(denied.code)
    const begun = loader.begin(
      {
        source,
        label: request.label,
        // A sender that does not know the length cannot know the CRC either.
        ...(request.totalBytes === 0 ? {} : { totalBytes: request.totalBytes, fileCrc32: request.fileCrc32 }),
        chunkBytesMax: request.chunkBytesMax === 0 ? chunkBytesMax : Math.min(request.chunkBytesMax, chunkBytesMax),
        autostart: (request.flags & loadFlags.autostart) !== 0,
        persist: (request.flags & loadFlags.persist) !== 0,
        replace: (request.flags & loadFlags.replace) !== 0,
        sequenceBits: 16
      },
      this.#caller
    )
    if (Result.isFailure(begun)) return reply(begun.failure.code)
    const { pid, xfer } = begun.success
    this.#transfers.set(request.xfer, xfer)
    reply(codes.ok, { op: "begin", pid, chunkBytesMax: begun.success.chunkBytesMax, window })
  }

  #hello(asked: number, reply: Reply): void {
    if (asked !== version) return reply(codes.ENOTSUP)
    const { board, loader } = this.#options
    reply(codes.ok, {
      op: "hello",
      version,
      node: board.node,
      capabilities: board.capabilities(),
      imageBytesMax: loader.settings.imageBytesMax,
      chunkBytesMax: this.#chunkBytesMax,
      codeBytesFree: board.codeBytesFree()
    })
  }
}
