/** Sends one image to many boards of a CAN bus at once, block by block, until each has every frame of a block. */
import { crc32 } from "node:zlib"
import { codes } from "../../../src/protocol/Codes.ts"
import type { ServiceClock } from "../EventHub.ts"
import { transferStateCodes } from "../TransferStates.ts"
import {
  blockFramesMax,
  dataFrameBytes,
  decodeListener,
  encodeMaster,
  type ListenerFrame,
  type MasterFrame
} from "./BroadcastFrames.ts"
import type { CanBus } from "./CanFrame.ts"

/** Limits and times of a broadcast. */
export interface BroadcastLimits {
  /** Frames of a block, 1 to 32. */
  readonly blockFrames: number
  /** The announcement goes out twice, so far apart; then boards may join for so long. */
  readonly announceGapMillis: number
  readonly joinMillis: number
  /** Announcements, when boards that are expected have not joined. */
  readonly announcements: number
  /** After a poll; doubled with each round of a block. */
  readonly ackMillis: number
  /** Times a block is completed before a board that still misses frames is left behind. */
  readonly rounds: number
  /** Polls that a board may leave unanswered in a row. */
  readonly silentPolls: number
  /** From the first COMMIT; it is repeated meanwhile. */
  readonly verifyMillis: number
  readonly commitMillis: number
}

/** What a good bus needs. A bad one wants more rounds and polls. */
const broadcastDefaults: BroadcastLimits = {
  blockFrames: blockFramesMax,
  announceGapMillis: 20,
  joinMillis: 200,
  announcements: 5,
  ackMillis: 50,
  rounds: 5,
  silentPolls: 3,
  verifyMillis: 10_000,
  commitMillis: 500
}

/** How it ended for one board. */
export interface NodeOutcome {
  readonly node: number
  /** A number of the code table; ETIMEDOUT for a board that fell silent, EIO for one that never got a block whole. */
  readonly status: number
  readonly pid: number
  readonly state: number
}

/** What is sent, and to whom. */
export interface BroadcastRequest {
  readonly image: Uint8Array
  /** 1 to 255, another one each time. */
  readonly xfer: number
  /** 0, the default, is everybody. */
  readonly group?: number
  /** Boards that must join: the announcement is repeated until they have. */
  readonly expected?: ReadonlyArray<number>
  /** Flags of the COMMIT. */
  readonly flags: number
}

/** The version of the frames. */
const version = 1

/** A wait between two rounds is not doubled beyond this many times. */
const doublingsMax = 4

interface Follower {
  missing: number | undefined
  silent: number
}

/** One broadcast. */
export class CanBroadcastMaster {
  readonly #bus: CanBus
  readonly #clock: ServiceClock
  readonly #limits: BroadcastLimits
  readonly #request: BroadcastRequest
  readonly #done: (outcomes: ReadonlyArray<NodeOutcome>) => void
  readonly #stopListening: () => void
  readonly #followers = new Map<number, Follower>()
  readonly #outcomes = new Map<number, NodeOutcome>()
  #phase: "joining" | "sending" | "committing" | "done" = "joining"
  #block = 0
  #round = 0
  #frames = 0
  #cancel: () => void = () => {}

  /** Begins at once. `done` is called once, with an outcome for each board that joined, refused, or was expected. */
  constructor(
    bus: CanBus,
    clock: ServiceClock,
    request: BroadcastRequest,
    done: (outcomes: ReadonlyArray<NodeOutcome>) => void,
    limits: Partial<BroadcastLimits> = {}
  ) {
    this.#bus = bus
    this.#clock = clock
    this.#request = request
    this.#done = done
    this.#limits = { ...broadcastDefaults, ...limits }
    this.#stopListening = bus.listen((frame) => {
      const decoded = decodeListener(frame)
      if (decoded !== undefined && decoded.xfer === request.xfer) this.#take(decoded)
    })
    this.#announce(1)
  }

  /** Data frames sent so far, repeats too. */
  get framesSent(): number {
    return this.#frames
  }

  /** Tells the boards to forget it. */
  abort(): void {
    if (this.#phase === "done") return
    this.#send({ type: "abort", xfer: this.#request.xfer, reason: 0 })
    for (const node of this.#followers.keys()) this.#drop(node, codes.ECANCELED)
    this.#finish()
  }

  #send(frame: MasterFrame): void {
    this.#bus.send(encodeMaster(frame))
  }

  #after(millis: number, run: () => void): void {
    this.#cancel = this.#clock.schedule(millis, run)
  }

  #announce(attempt: number): void {
    const { group = 0, image, xfer } = this.#request
    const { announceGapMillis, announcements, blockFrames, joinMillis } = this.#limits
    const say = (): void => {
      this.#send({ type: "announceA", xfer, totalBytes: image.length, blockFrames, group })
      this.#send({ type: "announceB", xfer, fileCrc32: crc32(image), version })
    }
    say()
    this.#after(announceGapMillis, () => {
      say()
      this.#after(joinMillis, () => {
        const { expected = [] } = this.#request
        const isMissing = expected.some((node) => !this.#followers.has(node) && !this.#outcomes.has(node))
        if (isMissing && attempt < announcements) return this.#announce(attempt + 1)
        for (const node of expected) {
          if (!this.#followers.has(node) && !this.#outcomes.has(node)) this.#drop(node, codes.ETIMEDOUT)
        }
        this.#phase = "sending"
        this.#sendBlock()
      })
    })
  }

  #take(frame: ListenerFrame): void {
    if (frame.type === "join") {
      if (this.#phase !== "joining") return
      if (frame.status === codes.ok) this.#followers.set(frame.node, { missing: undefined, silent: 0 })
      else this.#drop(frame.node, frame.status)
      return
    }
    const follower = this.#followers.get(frame.node)
    if (follower === undefined) return
    if (frame.type === "result") {
      // Before the COMMIT it tells that the board could not store a block.
      this.#followers.delete(frame.node)
      const { node, pid, state, status } = frame
      this.#outcomes.set(node, { node, pid, state, status })
      if (this.#phase === "committing" && this.#followers.size === 0) this.#finish()
    } else if (frame.block === this.#block) {
      follower.missing = frame.missing
      follower.silent = 0
    }
  }

  #drop(node: number, status: number): void {
    this.#followers.delete(node)
    this.#outcomes.set(node, { node, status, pid: 0, state: transferStateCodes.FAILED })
  }

  #sendBlock(): void {
    const { image, xfer } = this.#request
    const blockBytes = this.#limits.blockFrames * dataFrameBytes
    if (this.#followers.size === 0) return this.#finish()
    if (this.#block * blockBytes >= image.length) return this.#commit()
    const bytes = image.subarray(this.#block * blockBytes, (this.#block + 1) * blockBytes)
    const frames = Math.ceil(bytes.length / dataFrameBytes)
    // A board that did not answer says nothing of what it misses: for it everything goes out again.
    let wanted = 0
    for (const { missing = 0xffff_ffff } of this.#followers.values()) wanted = (wanted | missing) >>> 0
    this.#send({ type: "block", xfer, block: this.#block, frames })
    for (let index = 0; index < frames; index++) {
      if (((wanted >>> index) & 1) === 0) continue
      this.#frames += 1
      const at = index * dataFrameBytes
      this.#send({ type: "data", index, bytes: bytes.subarray(at, at + dataFrameBytes) })
    }
    this.#poll()
  }

  #poll(): void {
    const { ackMillis, rounds } = this.#limits
    for (const follower of this.#followers.values()) {
      // Whoever has the whole block is not asked again whether it has it.
      if (follower.missing !== 0) follower.silent += 1
    }
    this.#send({ type: "poll", xfer: this.#request.xfer, block: this.#block })
    this.#after(ackMillis * 2 ** Math.min(this.#round, doublingsMax), () => {
      for (const [node, follower] of this.#followers) {
        if (follower.missing !== 0 && follower.silent >= this.#limits.silentPolls) this.#drop(node, codes.ETIMEDOUT)
      }
      this.#round += 1
      const incomplete = [...this.#followers].filter(([, { missing }]) => missing !== 0)
      if (incomplete.length > 0 && this.#round < rounds) return this.#sendBlock()
      for (const [node] of incomplete) this.#drop(node, codes.EIO)
      this.#round = 0
      this.#block += 1
      for (const follower of this.#followers.values()) {
        follower.missing = undefined
        follower.silent = 0
      }
      this.#sendBlock()
    })
  }

  #commit(): void {
    this.#phase = "committing"
    const { commitMillis, verifyMillis } = this.#limits
    const { flags, xfer } = this.#request
    const until = this.#clock.board() + verifyMillis
    const say = (): void => {
      this.#send({ type: "commit", xfer, flags })
      this.#after(commitMillis, () => {
        if (this.#clock.board() < until) return say()
        for (const node of [...this.#followers.keys()]) this.#drop(node, codes.ETIMEDOUT)
        this.#finish()
      })
    }
    say()
  }

  #finish(): void {
    if (this.#phase === "done") return
    this.#phase = "done"
    this.#cancel()
    this.#stopListening()
    this.#done([...this.#outcomes.values()].sort((left, right) => left.node - right.node))
  }
}
