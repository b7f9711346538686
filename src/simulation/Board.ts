/** One board: the product's agent on a simulated wire, with an application that leaves marks a checker can follow. */
import { Agent } from "../../devices/agent/Agent.ts"
import type { Application, Execution, Voice } from "../../devices/agent/Application.ts"
import type { Clock } from "../../devices/agent/Clock.ts"
import type { Journal, JournalEntry } from "../../devices/agent/Journal.ts"
import type { ProgramVoice } from "../../devices/agent/Programs.ts"
import type { Connection, ConnectionEvents, Opening } from "../../devices/agent/Transport.ts"
import type { TwinMap, TwinPatch, TwinValue } from "../protocol/TwinValue.ts"
import { BoardImages, type ImageFlash } from "./BoardImages.ts"
import { Cable } from "./Cable.ts"
import { takesImages } from "./Deliveries.ts"
import { between, pick, type Random } from "./Random.ts"
import type { Process, SimulatedNode } from "./SimulatedNode.ts"
import { epochMillis } from "./VirtualTime.ts"
import type { World } from "./World.ts"

/** Mean time between two reports of one board, ms, drawn from half to one and a half of it. */
export const reportMillis = 2500
const workMillis: readonly [number, number] = [50, 1500]
const refusedMillis = 2

/** A simulated board. Its agent is the one of real boards; only the wire and the application are the simulator's. */
export class Board {
  readonly id: string
  readonly keepsJournal: boolean
  readonly #world: World
  readonly #nodes: ReadonlyArray<SimulatedNode>
  readonly #random: Random
  readonly #ackMode: 0 | 1
  /** Images that survive the board's power. */
  readonly flash: ImageFlash = { current: undefined, before: undefined }
  /** The images of this boot; absent for a board that takes none. */
  images: BoardImages | undefined
  readonly #takesImages: boolean
  /** Commands that survive it. */
  readonly #flash = new Map<string, JournalEntry>()
  /** Number of the last report; it grows over all boots, so that a later one covers an earlier one. */
  reports = 0
  /** Number of the last full report: it tells its telemetry from that of others. */
  #fulls = 0
  #boots = 0
  #desired: TwinMap = {}
  #cable: Cable | undefined
  #voice: Voice | undefined
  #reportsUntil = 0
  agent: Agent | undefined
  /** When the agent means to connect again, ms of the run; 0 while it is linked or trying. */
  retriesAt = 0

  constructor(world: World, nodes: ReadonlyArray<SimulatedNode>, index: number) {
    this.#world = world
    this.#nodes = nodes
    this.id = `board-${index}`
    this.keepsJournal = index % 2 === 1
    this.#takesImages = takesImages(index)
    this.#ackMode = index % 4 < 2 ? 0 : 1
    this.#random = world.random(this.id)
  }

  get isOn(): boolean {
    return this.agent !== undefined
  }

  /** Number of the boot that begins with the next start. */
  get nextBoot(): number {
    return this.#boots + 1
  }

  /** What the board would report in full now. */
  get state(): TwinMap {
    return { n: this.reports, fulls: this.#fulls, ...this.#desired }
  }

  /** Powers on; reports until then, ms of the run. */
  start(reportsUntil: number): void {
    if (this.agent !== undefined) return
    const { time } = this.#world
    this.#reportsUntil = reportsUntil
    const bootedAt = time.now
    const isThis = () => this.agent === agent
    this.#desired = {}
    const clock: Clock = {
      wall: () => (this.keepsJournal ? Math.floor(epochMillis + time.now) : undefined),
      board: () => time.now - bootedAt,
      random: this.#random,
      schedule: (delayMillis, run) => {
        const event = time.at(delayMillis, () => isThis() && run())
        return () => {
          event.run = undefined
        }
      }
    }
    const agent = new Agent(
      { id: this.id, profile: "simulated", firmware: "1.0.0", rx: 4096, requests: 4 },
      {
        clock,
        transport: { open: (opening, events) => this.#open(opening, events) },
        nextBoot: () => ++this.#boots,
        report: (what, cause) => this.#world.verdict.violate("no defect of an agent", `${this.id}: ${what}: ${cause}`),
        observe: (step) => {
          if (step.state === "down") this.#world.boards.falls(this, step.why ?? "")
          this.retriesAt = step.retryMillis === undefined ? 0 : time.now + step.retryMillis
          if (this.#world.isTraced) this.#world.trace(`${this.id} is ${step.state} ${step.why ?? ""}`)
        },
        ...(this.keepsJournal ? { journal: this.#journal(isThis) } : {}),
        ...(this.#takesImages ? { programs: (voice) => this.#programs(voice, clock) } : {})
      },
      (voice) => {
        this.#voice = voice
        return this.#application(isThis)
      }
    )
    this.agent = agent
    this.#world.boards.powered(this, true)
    this.#world.deliveries.powered(this, true)
    agent.start()
    const report = () => {
      if (!isThis() || time.now > this.#reportsUntil) return
      this.report()
      time.at(between(this.#random, 0.5, 1.5) * reportMillis, report)
    }
    time.at(between(this.#random, 0, reportMillis), report)
  }

  report(): void {
    this.#voice?.report({ n: ++this.reports })
  }

  /** Loses its power: what is not in flash is gone. */
  stop(isNoticed: boolean): void {
    const { agent } = this
    if (agent === undefined) return
    if (this.#world.isTraced) this.#world.trace(`${this.id} loses its power`)
    this.#cable?.powerLost(isNoticed)
    this.#cable = undefined
    agent.cut()
    this.agent = undefined
    this.retriesAt = 0
    this.#world.boards.powered(this, false)
    this.#world.deliveries.powered(this, false)
  }

  /** The process that holds its link, or held it last. */
  get gateway(): Process | undefined {
    return this.#cable?.process
  }

  resetLink(): void {
    this.#cable?.reset()
  }

  silenceLink(until: number): void {
    this.#cable?.silence(until)
  }

  #open(opening: Opening, events: ConnectionEvents): Connection {
    const { time } = this.#world
    const healthy = this.#nodes.filter(
      (node) => node.isUp && !node.isFrozen && node.process?.engine.isLeaving === false
    )
    const node = pick(this.#random, this.#random() < 0.8 && healthy.length > 0 ? healthy : this.#nodes)
    const { process } = node ?? {}
    if (process === undefined) {
      time.at(refusedMillis, () => events.closed("lost"))
      return { send: () => {}, close: () => {} }
    }
    const cable = new Cable(this.#world, this.#random, {
      opening,
      events,
      process,
      ackMode: this.#ackMode,
      tap: this.#world.boards.tap(this)
    })
    this.#cable = cable
    return cable
  }

  #journal(isThis: () => boolean): Journal {
    const { time } = this.#world
    return {
      load: () => [...this.#flash.values()],
      put: (entry, stored) => {
        time.at(between(this.#random, 0.5, 5), () => {
          if (!isThis()) return
          this.#flash.set(entry.id, entry)
          stored(true)
        })
      },
      remove: (id) => void this.#flash.delete(id)
    }
  }

  #programs(voice: ProgramVoice, clock: Clock): BoardImages {
    const { flash } = this
    this.images = new BoardImages({ voice, clock, flash, witness: this.#world.deliveries.witness(this) })
    return this.images
  }

  #application(isThis: () => boolean): Application {
    return {
      execute: ({ id }, execution: Execution) => {
        this.#world.boards.executes(this, id)
        this.#world.time.at(between(this.#random, ...workMillis), () => {
          if (isThis()) execution.finish({ code: 0, value: this.reports })
        })
        return undefined
      },
      applyDesired: (delta) => ({ reported: this.#apply(delta) }),
      state: () => {
        this.#fulls++
        return this.state
      }
    }
  }

  #apply(delta: TwinPatch): TwinPatch {
    const next: Record<string, TwinValue> = { ...this.#desired }
    for (const [key, value] of Object.entries(delta)) {
      if (value === null) delete next[key]
      else if (typeof value === "number") next[key] = value
    }
    this.#desired = next
    return delta
  }
}
