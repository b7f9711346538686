/** A board that takes an image which a master of the CAN bus sends to many at once. */
import { Result } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import type { ServiceClock } from "../EventHub.ts"
import type { Loader } from "../Loader.ts"
import type { Caller } from "../LoaderCalls.ts"
import { abortReasons, loadFlags } from "../LoadPdu.ts"
import { source } from "../Source.ts"
import { transferStateCodes } from "../TransferStates.ts"
import {
  blockFramesMax,
  dataFrameBytes,
  decodeMaster,
  encodeListener,
  type ListenerFrame,
  type MasterFrame
} from "./BroadcastFrames.ts"
import type { CanBus } from "./CanFrame.ts"

/** The group of boards that are being switched on: those in use do not take what is meant for them. */
export const startGroup = 0xff

/** A start of the board, which takes what is announced meanwhile. */
export interface StartListener {
  /** It listens now. */
  readonly isOpen: boolean
  /** It has an image of this CRC, takes one in, or has tried often enough. */
  readonly has: (fileCrc32: number) => boolean
  /** An image is on its way; `xfer` is its number in the service. It waits to be started. */
  readonly began: (fileCrc32: number, xfer: number) => void
  /** The master says whether it is to be started. */
  readonly committed: (xfer: number, autostart: boolean) => void
}

/** One listener. */
export interface ListenerOptions {
  readonly bus: CanBus
  readonly clock: ServiceClock
  readonly loader: Loader
  /** 1 to 126. */
  readonly node: number
  /** What people call the bus. */
  readonly channelName: string
  /** Groups besides group 0 that this board belongs to. */
  readonly groups?: ReadonlyArray<number>
  /** Take images without looking who signed them. Else the board needs a signature policy to take any at all. */
  readonly allowsUnsigned?: boolean
  readonly start?: StartListener
}

/** The version of the frames. */
const version = 1

/** Listeners answer one after another, so that they do not all want the bus at once. */
const jitterMillis = (node: number): number => (node % 16) * 2

type AnnounceA = Extract<MasterFrame, { readonly type: "announceA" }>
type AnnounceB = Extract<MasterFrame, { readonly type: "announceB" }>

interface Receiving {
  readonly xfer: number
  readonly announceA: AnnounceA
  readonly announceB: AnnounceB
  /** Number of the service. */
  readonly loaderXfer: number
  /** Blocks that are whole and handed on. */
  blocks: number
  /** The block that is being received, and a bit for each of its frames that is there. */
  open: { readonly block: number; readonly frames: number; readonly bytes: Uint8Array; have: number } | undefined
  isEnding: boolean
  result: ListenerFrame | undefined
}

const isSame = (left: MasterFrame, right: MasterFrame): boolean => JSON.stringify(left) === JSON.stringify(right)

/** All bits of so many frames. */
const allOf = (frames: number): number => (frames >= 32 ? 0xffff_ffff : 2 ** frames - 1)

/** Listens until it is closed. */
export class CanBroadcastListener {
  readonly #options: ListenerOptions
  readonly #caller: Caller
  readonly #stopListening: () => void
  readonly #answers = new Set<() => void>()
  #announceA: AnnounceA | undefined
  #announceB: AnnounceB | undefined
  #receiving: Receiving | undefined

  constructor(options: ListenerOptions) {
    this.#options = options
    this.#caller = { id: `broadcast:${options.channelName}`, level: 1 }
    this.#stopListening = options.bus.listen((frame) => {
      const decoded = decodeMaster(frame)
      if (decoded !== undefined) this.#take(decoded)
    })
  }

  close(): void {
    this.#stopListening()
    for (const cancel of this.#answers) cancel()
    this.#answers.clear()
  }

  #send(frame: ListenerFrame): void {
    const cancel = this.#options.clock.schedule(jitterMillis(this.#options.node), () => {
      this.#answers.delete(cancel)
      this.#options.bus.send(encodeListener(frame))
    })
    this.#answers.add(cancel)
  }

  #take(frame: MasterFrame): void {
    switch (frame.type) {
      case "announceA":
        if (!this.#isMeant(frame.group)) return
        this.#announceA = frame
        return this.#announced()
      case "announceB":
        this.#announceB = frame
        return this.#announced()
      case "data":
        return this.#data(frame)
    }
    const receiving = this.#receiving
    if (receiving === undefined || receiving.xfer !== frame.xfer) return
    // The master lives, though this board may have missed all data of a round.
    if (frame.type === "block" || frame.type === "poll") this.#write(receiving, new Uint8Array(0))
    if (frame.type === "block") this.#open(receiving, frame)
    else if (frame.type === "poll") this.#poll(receiving, frame.block)
    else if (frame.type === "commit") this.#commit(receiving, frame.flags)
    else this.#abort(receiving, frame.reason)
  }

  #isMeant(group: number): boolean {
    const { groups = [], start } = this.#options
    return group === 0 || (group === startGroup && start?.isOpen === true) || groups.includes(group)
  }

  /** Both halves are needed. The same ones again are a repeat, unless blocks have come: then the master begins anew. */
  #announced(): void {
    const a = this.#announceA
    const b = this.#announceB
    if (a === undefined || b === undefined || a.xfer !== b.xfer) return
    this.#announceA = undefined
    this.#announceB = undefined
    const { xfer } = a
    const receiving = this.#receiving
    if (receiving !== undefined) {
      const isRepeat =
        isSame(receiving.announceA, a) &&
        isSame(receiving.announceB, b) &&
        receiving.blocks === 0 &&
        !receiving.isEnding
      if (isRepeat && this.#isLoading(receiving)) return this.#join(xfer, codes.ok)
      this.#abort(receiving, 3)
    }
    // It is announced for boards that start after this one.
    if (a.group === startGroup && this.#options.start?.has(b.fileCrc32) === true) return
    this.#begin(a, b)
  }

  #begin(a: AnnounceA, b: AnnounceB): void {
    const { allowsUnsigned, channelName, loader, node, start } = this.#options
    const isStart = start?.isOpen === true
    const { blockFrames, totalBytes, xfer } = a
    if (b.version !== version) return this.#join(xfer, codes.ENOTSUP)
    if (blockFrames < 1 || blockFrames > blockFramesMax) return this.#join(xfer, codes.EINVAL)
    if (loader.settings.trust.policy === "none" && allowsUnsigned !== true) return this.#join(xfer, codes.EPERM)
    const begun = loader.begin(
      {
        source: source.can(node, channelName),
        label: `broadcast ${xfer}`,
        totalBytes,
        fileCrc32: b.fileCrc32,
        chunkBytesMax: blockFrames * dataFrameBytes,
        hold: isStart,
        replace: true,
        sequenceBits: 16
      },
      this.#caller
    )
    if (Result.isFailure(begun)) return this.#join(xfer, begun.failure.code)
    if (isStart) start.began(b.fileCrc32, begun.success.xfer)
    this.#receiving = {
      xfer,
      announceA: a,
      announceB: b,
      loaderXfer: begun.success.xfer,
      blocks: 0,
      open: undefined,
      isEnding: false,
      result: undefined
    }
    this.#join(xfer, codes.ok)
  }

  #join(xfer: number, status: number): void {
    this.#send({ type: "join", node: this.#options.node, xfer, status })
  }

  #isLoading({ loaderXfer }: Receiving): boolean {
    const status = this.#options.loader.status({ xfer: loaderXfer })
    return Result.isSuccess(status) && status.success.state === "LOADING"
  }

  #open(receiving: Receiving, { block, frames }: Extract<MasterFrame, { readonly type: "block" }>): void {
    const { blockFrames, totalBytes } = receiving.announceA
    if (receiving.open?.block === block) return
    // Data that follows belongs to a block that is here already, or comes after one that was missed.
    receiving.open = undefined
    if (block !== receiving.blocks) return
    const blockBytes = blockFrames * dataFrameBytes
    const bytes = Math.min(blockBytes, totalBytes - block * blockBytes)
    // A master that counts otherwise than its own announcement is not followed.
    if (bytes <= 0 || frames !== Math.ceil(bytes / dataFrameBytes)) return
    receiving.open = { block, frames, bytes: new Uint8Array(bytes), have: 0 }
  }

  /** Data names only its place; it counts for the block that was opened last. */
  #data({ bytes, index }: Extract<MasterFrame, { readonly type: "data" }>): void {
    const receiving = this.#receiving
    const open = receiving?.open
    if (receiving === undefined || open === undefined || index >= open.frames) return
    const at = index * dataFrameBytes
    open.bytes.set(bytes.subarray(0, Math.min(dataFrameBytes, open.bytes.length - at)), at)
    open.have = (open.have | (1 << index)) >>> 0
    if (open.have === allOf(open.frames)) this.#whole(receiving, open)
  }

  #whole(receiving: Receiving, { block, bytes }: NonNullable<Receiving["open"]>): void {
    receiving.open = undefined
    const status = this.#write(receiving, bytes, block)
    if (status === codes.ok) receiving.blocks += 1
    else this.#result(receiving, status, 0)
  }

  /** The code of the answer; of a transfer that has failed before, why it did. */
  #write({ loaderXfer }: Receiving, data: Uint8Array, block = 0): number {
    const { loader } = this.#options
    const wrote = loader.write({ xfer: loaderXfer }, { seq: block & 0xffff, data }, this.#caller)
    if (Result.isSuccess(wrote)) return codes.ok
    const status = loader.status({ xfer: loaderXfer })
    return (Result.isSuccess(status) ? status.success.lastError?.code : undefined) ?? wrote.failure.code
  }

  #poll(receiving: Receiving, block: number): void {
    if (receiving.result !== undefined) return this.#send(receiving.result)
    const { open } = receiving
    const missing =
      block < receiving.blocks ? 0 : open?.block === block ? (allOf(open.frames) & ~open.have) >>> 0 : 0xffff_ffff
    this.#send({ type: "blockAck", node: this.#options.node, xfer: receiving.xfer, block, missing })
  }

  /** A repeat is answered with the result, once there is one. */
  #commit(receiving: Receiving, flags: number): void {
    if (receiving.result !== undefined) return this.#send(receiving.result)
    if (receiving.isEnding) return
    receiving.isEnding = true
    const end = {
      autostart: (flags & loadFlags.autostart) !== 0,
      persist: (flags & loadFlags.persist) !== 0
    }
    this.#options.start?.committed(receiving.loaderXfer, end.autostart)
    this.#options.loader.end({ xfer: receiving.loaderXfer }, end, this.#caller, (reply) => {
      if (Result.isSuccess(reply)) this.#result(receiving, codes.ok, reply.success.pid)
      else this.#result(receiving, reply.failure.code, 0)
    })
  }

  #result(receiving: Receiving, status: number, pid: number): void {
    const state = transferStateCodes[status === codes.ok ? "READY" : "FAILED"]
    receiving.result = { type: "result", node: this.#options.node, xfer: receiving.xfer, status, pid, state }
    this.#send(receiving.result)
  }

  #abort(receiving: Receiving, reason: number): void {
    this.#receiving = undefined
    this.#options.loader.abort({ xfer: receiving.loaderXfer }, { reason: abortReasons[reason] ?? "user" }, this.#caller)
  }
}
