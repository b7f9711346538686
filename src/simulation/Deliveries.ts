/** Images on their way to boards: what operators order, what boards take, and what must therefore hold. */

import { Schema } from "effect"
import { compile, toBytes } from "../actors/Codec.ts"
import type { Posted, Reply } from "../actors/Envelope.ts"
import type { Address } from "../actors/Host.ts"
import type { Asker } from "../protocol/Asker.ts"
import { Rollout, type RolloutRules, RolloutView } from "../protocol/Rollout.ts"
import { Session, SessionView } from "../protocol/Session.ts"
import type { Board } from "./Board.ts"
import type { ImageWitness } from "./BoardImages.ts"
import { Caller } from "./Caller.ts"
import type { Check } from "./Checks.ts"
import { between, pick, type Random } from "./Random.ts"
import { requestIdAt } from "./RequestIds.ts"
import { keepsRule } from "./RolloutRule.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"
import { storedState } from "./StoredState.ts"
import { epochMillis } from "./VirtualTime.ts"
import type { World } from "./World.ts"

const operator: Asker = { kind: "user", id: "operator", role: "operator" }

/** Boards that single sessions go to, by their numbers, and those of the rollout. */
const singles = [0, 5] as const
const rolled = [5, 10] as const
/** Which boards take images. */
export const takesImages = (index: number): boolean => index < rolled[1]

const sessionsMax = 6
const pauseMillis: readonly [number, number] = [500, 4500]
const patienceMillis = 12_000
const callLifeMillis = 10_000
const askLifeMillis = 3000
/** A session whose board has been up for this long has had the time to end. */
const settledMillis = 14_000

const rules: typeof RolloutRules.Type = {
  canary: 2,
  waveSize: 3,
  parallel: 2,
  successShare: 0.5,
  errorShare: 0.4,
  observeMillis: 1500,
  patienceMillis,
  needsApproval: false,
  rollsBack: true
}

const codecs = { session: compile(Session), rollout: compile(Rollout) }
const isSessionView = Schema.is(SessionView)
const isRolloutView = Schema.is(RolloutView)

/** A session as its operator knows it. */
interface Ordered {
  readonly id: string
  readonly board: Board
  readonly sha256: string
  isAccepted: boolean
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

/** Operators who bring images to boards, and the promises to them. */
export class Deliveries {
  readonly #world: World
  readonly #random: Random
  readonly #sessions = new Map<string, Ordered>()
  /** Images that a board has proven, by board and hash. */
  readonly #proven = new Set<string>()
  /** Images that a board went back from, by board and hash. */
  readonly #left = new Set<string>()
  /** How each session ended, in the words of the event stream. */
  readonly #sessionEnds = new Map<string, Array<string>>()
  readonly #upSince = new Map<string, number>()
  #caller: Caller | undefined
  #boards: ReadonlyArray<Board> = []
  #rollout: { readonly id: string; readonly sha256: string; isAccepted: boolean } | undefined

  constructor(world: World) {
    this.#world = world
    this.#random = world.random("deliveries")
  }

  /** Operators act from now until `until`, ms of the run. */
  start(nodes: ReadonlyArray<SimulatedNode>, boards: ReadonlyArray<Board>, until: number): void {
    this.#caller = new Caller(this.#world, nodes, this.#random)
    this.#boards = boards
    const { time } = this.#world
    const next = () => {
      if (time.now > until || this.#sessions.size >= sessionsMax) return
      this.#provision()
      time.at(between(this.#random, ...pauseMillis), next)
    }
    next()
    time.at(between(this.#random, 0, 5000), () => this.#rollOut())
  }

  // ---- what operators do

  #provision(): void {
    const board = pick(this.#random, this.#boards.slice(...singles))
    const image = pick(this.#random, this.#world.library.images)
    if (board === undefined || image === undefined) return
    const id = `session-${this.#sessions.size + 1}`
    const ordered: Ordered = { id, board, sha256: image.sha256, isAccepted: false }
    this.#sessions.set(id, ordered)
    const options = { autostart: true, persist: true, replace: true, again: true, stallMillis: patienceMillis }
    this.#call(
      { kind: "session", id },
      "Provision",
      { device: board.id, sha256: image.sha256, ...options },
      (reply) => {
        ordered.isAccepted ||= reply?._tag === "Success"
      }
    )
    if (this.#random() < 0.2)
      this.#world.time.at(between(this.#random, 200, 2500), () =>
        this.#call({ kind: "session", id }, "Abort", {}, () => {})
      )
  }

  #rollOut(): void {
    const image = pick(this.#random, this.#world.library.images)
    if (image === undefined) return
    const rollout = { id: "rollout-1", sha256: image.sha256, isAccepted: false }
    this.#rollout = rollout
    const devices = this.#boards.slice(...rolled).map(({ id }) => id)
    this.#call({ kind: "rollout", id: rollout.id }, "Start", { sha256: image.sha256, devices, rules }, (reply) => {
      rollout.isAccepted ||= reply?._tag === "Success"
    })
  }

  #call(
    to: Address & { readonly kind: "session" | "rollout" },
    message: string,
    payload: unknown,
    done: (reply: Reply | undefined) => void,
    lifeMillis = callLifeMillis
  ): void {
    const { time } = this.#world
    const schema = codecs[to.kind].messages.get(message)
    if (schema === undefined) return
    const requestId = requestIdAt(epochMillis + time.now, this.#random)
    const posted: Posted = { message, body: toBytes(schema.payload, payload), requestId, asker: operator }
    this.#caller?.call({ to, posted, until: time.now + lifeMillis }, done)
  }

  // ---- what is seen of boards

  /** Sees what a board does with images. */
  witness(board: Board): ImageWitness {
    const { library, verdict } = this.#world
    return {
      describe: (sha256) => library.find(hex(sha256)) ?? { name: "", isBad: true },
      installed: ({ sha256, bytes }) => {
        this.#world.trace(`${board.id} installs ${hex(sha256).slice(0, 8)}`)
        verdict.fact("images installed")
        const image = library.find(hex(sha256))
        const isEqual = image !== undefined && Buffer.compare(image.bytes, bytes) === 0
        this.#check("installed is what was pushed", isEqual, () => `${board.id}: ${hex(sha256)}`)
        const isOrdered = this.#ordersOf(board).has(hex(sha256))
        this.#check("installed was ordered", isOrdered, () => `${board.id}: ${hex(sha256)}`)
      },
      proven: ({ sha256 }) => void this.#proven.add(`${board.id} ${hex(sha256)}`),
      wentBack: ({ sha256 }) => {
        verdict.fact("images taken back")
        this.#left.add(`${board.id} ${hex(sha256)}`)
      }
    }
  }

  #ordersOf(board: Board): ReadonlySet<string> {
    const ordered = [...this.#sessions.values()].filter((session) => session.board === board)
    const isRolled = this.#boards.indexOf(board) >= rolled[0]
    return new Set([...ordered.map(({ sha256 }) => sha256), ...(isRolled ? [this.#rollout?.sha256 ?? ""] : [])])
  }

  /** A board's power goes on or off. */
  powered(board: Board, isOn: boolean): void {
    if (isOn) this.#upSince.set(board.id, this.#world.time.now)
    else this.#upSince.delete(board.id)
  }

  /** A fact of a session in the journal. */
  journalled(id: string, type: string): void {
    const end = ends[type]
    if (end === undefined) return
    this.#world.verdict.fact(`sessions: ${end}`)
    const known = this.#sessionEnds.get(id) ?? []
    known.push(end)
    this.#sessionEnds.set(id, known)
    this.#check("session ends one way", endings.has(known.join(", ")), () => `${id}: ${known.join(", ")}`)
  }

  #check(name: Check, holds: boolean, detail: () => string): void {
    this.#world.verdict.check(name, holds, detail)
  }

  // ---- the quiet end

  /** Asks how everything has ended; the answers are judged as they come. */
  ask(): void {
    for (const ordered of this.#sessions.values()) {
      const { id, isAccepted } = ordered
      const judge = (reply: Reply | undefined) => {
        const view = reply?._tag === "Success" ? reply.value : undefined
        const isKnown = isSessionView(view)
        this.#check("session is remembered", isKnown || !isAccepted, () => `${id}: ${JSON.stringify(reply)}`)
        if (isKnown) this.#judge(ordered, view)
      }
      this.#call({ kind: "session", id }, "GetSession", {}, judge, askLifeMillis)
    }
  }

  #judge({ id, board, sha256 }: Ordered, { state, installed, endedAt, code }: SessionView): void {
    const mark = `${board.id} ${sha256}`
    const words = `${id} of ${board.id}: ${state} ${installed ?? ""} ${code ?? ""}`
    this.#world.verdict.fact(`sessions that are ${installed ?? state} at the end`)
    if (this.#isSettled(board)) this.#check("session comes to its end", endedAt !== undefined, () => words)
    if (installed === "confirmed") this.#check("confirmed is proven", this.#proven.has(mark), () => words)
    if (installed === "rolled-back") this.#check("rolled back is gone", this.#left.has(mark), () => words)
    if (state === "failed" || state === "idle")
      this.#check("failed is not installed", installed === undefined, () => words)
  }

  /** Whether a board was there for long enough for everything that waits for it to have ended. */
  #isSettled(board: Board): boolean {
    const upSince = this.#upSince.get(board.id) ?? Number.POSITIVE_INFINITY
    return board.agent?.state === "up" && upSince < this.#world.time.now - settledMillis
  }

  #judgeRollout(view: RolloutView): void {
    const { state, boards, wave, reason } = view
    const words = `${state} at wave ${wave}, ${reason ?? ""}: ${boards.map(({ step }) => step).join(" ")}`
    this.#world.verdict.fact(`rollouts that are ${state} at the end`)
    const isSettled = boards.every(({ id }) => this.#isSettled(this.#boardOf(id)))
    // One that began late, or had to try boards again, may still be at work; it does not stand still.
    const movedAt = Math.max(...boards.map(({ since }) => since)) - epochMillis
    const isAtWork = movedAt > this.#world.time.now - settledMillis
    if (isSettled) this.#check("rollout comes to its end", view.endedAt !== undefined || isAtWork, () => words)
    this.#check("rollout ends by its rule", keepsRule(view, rules), () => words)
    const untouched = boards.filter((board) => board.wave > wave)
    this.#check(
      "wave waits for the one before",
      untouched.every(({ attempts }) => attempts === 0),
      () => words
    )
    for (const { id, step } of boards) {
      const { current } = this.#boardOf(id).flash
      const hasIt = current !== undefined && hex(current.sha256) === view.sha256
      if (step === "good") this.#check("good has the image", hasIt, () => `${id}: ${words}`)
      if (step === "rolled-back") this.#check("rolled back is gone", !hasIt, () => `${id}: ${words}`)
    }
  }

  #boardOf(id: string): Board {
    const board = this.#boards.find((each) => each.id === id)
    if (board === undefined) throw new Error(`no board ${id}`)
    return board
  }

  /** At the end of a run: the rollout has kept its rule, and nothing of a transfer is left on a board. */
  finish(): void {
    const { id, isAccepted } = this.#rollout ?? { id: "", isAccepted: false }
    const view = isAccepted ? storedState(this.#world, { kind: "rollout", id }) : undefined
    if (isAccepted) this.#check("rollout is remembered", isRolloutView(view), () => id)
    if (isRolloutView(view)) this.#judgeRollout(view)
    for (const board of this.#boards) {
      if (!takesImages(this.#boards.indexOf(board)) || !this.#isSettled(board)) continue
      this.#check("no transfer is left over", board.images?.isHolding !== true, () => board.id)
    }
  }
}

/** What a session may tell of its end: what was complete may still fail to be installed; a timeout is told as both. */
const endings: ReadonlySet<string> = new Set(["complete", "complete, error", "error", "error, aborted", "aborted"])

/** The ends of a session by the events that tell them. */
const ends: Readonly<Record<string, string>> = {
  "provisioning.complete": "complete",
  "provisioning.error": "error",
  "provisioning.aborted": "aborted"
}
