/**
 * A simulated board: a body, and electronics that can restart. It says that it is simulated by its profile. No promises
 * and no clock of its own: the same seed and the same course of time give the same run.
 */
import { Agent, type LinkStep } from "../agent/Agent.ts"
import type { Clock } from "../agent/Clock.ts"
import type { Journal } from "../agent/Journal.ts"
import type { Transport } from "../agent/Transport.ts"
import { programPins } from "../hal/ProgramPins.ts"
import { profileOf } from "../profiles/Profiles.ts"
import { type BoardPrograms, programsOn } from "../programs/BoardPrograms.ts"
import { BootClock } from "./BootClock.ts"
import { seeded } from "./Seeded.ts"
import { SilentTransport } from "./SilentTransport.ts"
import type { Body } from "./SimulatedApplication.ts"

/** How long the power stays away when a board restarts itself, ms. */
const rebootMillis = 1500

/** Numbers of the protocol's reset reasons. */
const resetByPower = 1
const resetBySoftware = 4

/** How a simulated board is set up. */
export interface SimulatedBoardOptions {
  readonly id: string
  readonly seed: number
  readonly body: Body
  /** Kept over restarts; absent is a board without a journal. */
  readonly journal?: Journal
  /** Absent is a board that takes no programs. */
  readonly programs?: BoardPrograms
  readonly nextBoot: () => number
  /** What it says of its zone; absent is nothing. */
  readonly zone?: string
}

/** What a simulated board gets from outside. Its clock is that of the surroundings, not the board's. */
export interface SimulatedBoardPorts {
  readonly clock: Clock
  readonly transport: Transport
  readonly report: (what: string, cause: unknown) => void
  readonly observe?: (step: LinkStep) => void
}

/** One simulated board. */
export class SimulatedBoard {
  readonly id: string
  readonly #options: SimulatedBoardOptions
  readonly #ports: SimulatedBoardPorts
  readonly #wire: SilentTransport
  readonly #chance: () => number
  #boot: { readonly clock: BootClock; readonly agent: Agent } | undefined
  #cancelPower: (() => void) | undefined
  #cancelRelease: (() => void) | undefined

  constructor(options: SimulatedBoardOptions, ports: SimulatedBoardPorts) {
    this.id = options.id
    this.#options = options
    this.#ports = ports
    this.#wire = new SilentTransport(ports.transport)
    this.#chance = seeded(options.seed, `${options.id}/link`)
  }

  /** The agent of the boot that runs; none while the power is away. */
  get agent(): Agent | undefined {
    return this.#boot?.agent
  }

  /** Power on. */
  start(reset = resetByPower): void {
    const profile = profileOf(this.#options.body.profile)
    const clock = new BootClock(this.#ports.clock, this.#chance)
    const { report } = this.#ports
    const { programs: kept, body } = this.#options
    const hal = { gpio: programPins(body.hal, profile, clock.board) }
    const programs = kept === undefined ? undefined : programsOn(kept, { profile, clock, report, hal })
    const agent = new Agent(
      {
        id: this.id,
        profile: profile.id,
        firmware: "sim-1.0.0",
        rx: profile.link.frameBytesMax,
        requests: profile.link.requests,
        reset,
        ...(this.#options.zone === undefined ? {} : { zone: this.#options.zone })
      },
      {
        clock,
        transport: this.#wire,
        nextBoot: this.#options.nextBoot,
        report,
        ...(programs === undefined ? {} : { programs }),
        ...(this.#options.journal === undefined ? {} : { journal: this.#options.journal }),
        ...(this.#ports.observe === undefined ? {} : { observe: this.#ports.observe })
      },
      (voice) =>
        body.power({
          voice,
          clock,
          shell: {
            hush: (millis) => this.#hush(millis),
            reboot: (times) => this.#reboot(times),
            jump: (millis) => clock.jump(millis)
          }
        })
    )
    this.#boot = { clock, agent }
    agent.start()
  }

  /** Power off, without a word. */
  cut(): void {
    this.#cancelPower?.()
    this.#cancelRelease?.()
    this.#boot?.agent.cut()
    this.#boot?.clock.end()
    this.#boot = undefined
    this.#wire.release()
  }

  /** Ends in order; `done` is called once nothing of it runs. */
  stop(done: () => void): void {
    this.#cancelPower?.()
    this.#cancelRelease?.()
    this.#wire.release()
    const boot = this.#boot
    if (boot === undefined) return done()
    boot.agent.stop(0, () => {
      boot.clock.end()
      this.#boot = undefined
      done()
    })
  }

  #hush(millis: number): void {
    this.#wire.hush()
    this.#cancelRelease?.()
    this.#cancelRelease = this.#ports.clock.schedule(millis, () => this.#wire.release())
  }

  #reboot(times: number): void {
    this.cut()
    this.#cancelPower = this.#ports.clock.schedule(rebootMillis, () => {
      this.start(resetBySoftware)
      if (times > 1) this.#cancelPower = this.#ports.clock.schedule(rebootMillis, () => this.#reboot(times - 1))
    })
  }
}
