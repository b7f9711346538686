/** A board for chaos runs: it counts aloud, executes commands, and can lose its power. */
import { Agent } from "../../devices/agent/Agent.ts"
import type { Application, Voice } from "../../devices/agent/Application.ts"
import type { Clock } from "../../devices/agent/Clock.ts"
import { transportFor } from "../../devices/agent/Connect.ts"
import { memoryJournal } from "../../devices/agent/MemoryJournal.ts"
import type { Transport } from "../../devices/agent/Transport.ts"
import type { TwinMap, TwinPatch } from "../protocol/TwinValue.ts"
import { Witness } from "./Witness.ts"

const reportMillis = 250
const executeMillisMax = 400
const frameBytesMax = 65_536
const profile = "generic"

export interface ChaosBoardOptions {
  readonly id: string
  /** Addresses of the nodes; each boot and each lost link picks another. */
  readonly urls: ReadonlyArray<string>
  /** Keeps a journal of commands over its restarts. */
  readonly hasJournal: boolean
  readonly clock: () => Clock
  readonly random: () => number
  readonly report: (what: string, cause: unknown) => void
}

/** A transport that dials another of its addresses each time: a fleet behind several nodes. */
const roaming = (urls: ReadonlyArray<string>, random: () => number): Transport => ({
  open: (opening, events) => {
    const url = urls[Math.floor(random() * urls.length)] ?? ""
    const transport = transportFor({ url }, profile)
    if (transport === undefined) throw new Error(`no transport for ${url}`)
    return transport.open(opening, events)
  }
})

export class ChaosBoard {
  readonly witness: Witness
  readonly #options: ChaosBoardOptions
  readonly #journal = memoryJournal()
  #boot = 0
  #count = 0
  #desired: Record<string, unknown> = {}
  #agent: Agent | undefined
  #clock: Clock
  #isOn = false

  constructor(options: ChaosBoardOptions) {
    this.#options = options
    this.witness = new Witness(options.id)
    this.#clock = options.clock()
  }

  get id(): string {
    return this.#options.id
  }

  /** What the board would report now. */
  get state(): TwinMap {
    return { count: this.#count, ...(typeof this.#desired.mode === "number" && { mode: this.#desired.mode }) }
  }

  get isLinked(): boolean {
    return this.#agent?.state === "up"
  }

  start(): void {
    const { id, hasJournal, urls, random, report, clock } = this.#options
    this.#isOn = true
    this.#clock = clock()
    this.witness.restarted()
    // Without storage a board forgets what it was told to be.
    if (!hasJournal) this.#desired = {}
    const agent: Agent = new Agent(
      {
        id,
        profile,
        firmware: "chaos-1",
        rx: frameBytesMax,
        requests: 4
      },
      {
        clock: this.#clock,
        transport: this.witness.over(roaming(urls, random)),
        nextBoot: () => ++this.#boot,
        report,
        ...(hasJournal && { journal: this.#journal })
      },
      (voice) => this.#application(voice)
    )
    this.#agent = agent
    agent.start()
  }

  #application(voice: Voice): Application {
    const { random } = this.#options
    const boot = this.#boot
    const speak = (): void => {
      if (this.#boot !== boot || !this.#isOn) return
      this.#count++
      voice.report({ count: this.#count })
      this.#clock.schedule(reportMillis * (0.5 + random()), speak)
    }
    this.#clock.schedule(reportMillis, speak)
    return {
      execute: (command, execution) => {
        this.witness.execute(command.id)
        this.#clock.schedule(random() * executeMillisMax, () => {
          if (this.#boot === boot && this.#isOn) execution.finish({ code: 0 })
        })
        return undefined
      },
      applyDesired: (delta: TwinPatch) => {
        Object.assign(this.#desired, delta)
        return { reported: delta }
      },
      state: () => this.state
    }
  }

  /** The power fails: nothing is said any more. */
  cutPower(): void {
    this.#isOn = false
    this.#agent?.cut()
    this.#agent = undefined
  }

  stop(): Promise<void> {
    this.#isOn = false
    const agent = this.#agent
    return agent === undefined ? Promise.resolve() : new Promise((resolve) => agent.stop(0, () => resolve()))
  }
}
