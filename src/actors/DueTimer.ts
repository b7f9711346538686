/** The one timer of a resident actor: it rings when what is stored, or what only matters while it is resident, is due. */
import type { Link, Reactions } from "./Behaviour.ts"
import type { Cancel, Host } from "./Host.ts"

const paceMillis = 1000

/** Whose timer it is. */
export interface Sleeper {
  readonly host: Host
  readonly reactions: Reactions<unknown, unknown>
  readonly state: unknown
  readonly resident: unknown
  readonly link: Link | undefined
  /** Runs the timeout of the actor soon, once. */
  readonly ring: () => void
}

/** For a behaviour that has a timeout. */
export class DueTimer {
  private readonly sleeper: Sleeper
  private cancel: Cancel | undefined
  private at = Number.POSITIVE_INFINITY
  private timedOutAt = Number.NEGATIVE_INFINITY

  constructor(sleeper: Sleeper) {
    this.sleeper = sleeper
  }

  /** A due that moved later is found when the old one fires: a lease moves with every frame. */
  arm(): void {
    const due = this.due()
    if (due === Number.POSITIVE_INFINITY || due >= this.at) return
    this.cancel?.()
    this.at = due
    const { host } = this.sleeper
    // A due in the past that a timeout has just left standing must not spin.
    const floor = due <= this.timedOutAt ? this.timedOutAt + paceMillis : due
    this.cancel = host.schedule(Math.max(1, floor - host.now()), this.fire)
  }

  /** The timeout runs. */
  timedOut(): void {
    this.timedOutAt = this.sleeper.host.now()
  }

  /** The store says that the actor is due: a timer may have slept with its machine. */
  nudge(): void {
    const now = this.sleeper.host.now()
    if (this.stored() <= now && now >= this.timedOutAt + paceMillis) this.fire()
  }

  stop(): void {
    this.cancel?.()
  }

  private stored(): number {
    const { reactions, state } = this.sleeper
    return reactions.dueAt?.(state) ?? Number.POSITIVE_INFINITY
  }

  private due(): number {
    const { reactions, state, resident, link } = this.sleeper
    const ofResident = reactions.residentDueAt?.(state, resident, link) ?? Number.POSITIVE_INFINITY
    return Math.min(this.stored(), ofResident)
  }

  private readonly fire = (): void => {
    this.cancel?.()
    this.cancel = undefined
    this.at = Number.POSITIVE_INFINITY
    if (this.due() > this.sleeper.host.now()) return this.arm()
    this.sleeper.ring()
  }
}
