/**
 * Tells supervisors which of their actors were quarantined. What is to be told stands in the quarantine rows and is found by
 * every scan until it is acknowledged: here is only what keeps a storm of crashes from becoming a storm of messages.
 */
import { runtimeAsker } from "../protocol/Asker.ts"
import { escalationTag, type Quarantined } from "../protocol/Escalation.ts"
import { decodeStored, encodeStored } from "../protocol/Stored.ts"
import type { Reply } from "./Envelope.ts"
import { type Address, addressKey, type Host } from "./Host.ts"
import type { Registry } from "./Registry.ts"
import type { Due, Store } from "./Store.ts"
import type { Surroundings } from "./Surroundings.ts"

const attemptMillis = 10_000
const paceMillis = 1000
/** Of one message: a cause may be long. The others follow a second later. */
const actorsMax = 100

/** Who tells. */
export interface Teller {
  readonly host: Host
  readonly store: Store
  readonly registry: Registry
  readonly post: Surroundings["post"]
}

interface Report {
  readonly to: Address
  readonly actors: Array<Quarantined>
}

/** One message a second to each supervisor, and none while one is on its way. */
export class Escalations {
  private readonly teller: Teller
  /** By supervisor: when the last message left, monotonic ms; infinity while it is on its way. */
  private readonly sentAt = new Map<string, number>()

  constructor(teller: Teller) {
    this.teller = teller
  }

  /** Takes what a scan found. What is not told now is found again. */
  found(untold: Due["untold"]): void {
    const { host } = this.teller
    const now = host.monotonic()
    for (const [key, at] of this.sentAt) if (at <= now - paceMillis) this.sentAt.delete(key)
    for (const [key, { to, actors }] of this.bySupervisor(untold)) {
      if (this.sentAt.has(key)) continue
      this.sentAt.set(key, Number.POSITIVE_INFINITY)
      this.tell(to, actors, () => this.sentAt.set(key, now))
    }
  }

  private bySupervisor(untold: Due["untold"]): ReadonlyMap<string, Report> {
    const reports = new Map<string, Report>()
    for (const { kind, id, since, cause, supervisor } of untold) {
      const part = supervisor === undefined ? undefined : decodeStored(supervisor)
      const to = this.teller.registry.get(kind)?.behaviour.reactions.supervisor?.(id, part)
      if (to === undefined) continue
      const key = addressKey(to)
      const report = reports.get(key) ?? { to, actors: [] }
      reports.set(key, report)
      if (report.actors.length < actorsMax) report.actors.push({ kind, id, since, cause })
    }
    return reports
  }

  private tell(to: Address, actors: ReadonlyArray<Quarantined>, ended: () => void): void {
    const { store, post } = this.teller
    const posted = { message: escalationTag, body: encodeStored({ actors }), requestId: "", asker: runtimeAsker }
    post(to, posted, attemptMillis, (reply) => {
      if (!isConsumed(reply)) return ended()
      let open = actors.length
      for (const actor of actors)
        store.told(actor, actor.since, () => {
          if (--open === 0) ended()
        })
    })
  }
}

/** One that crashed the supervisor is a dead letter of it: sent again, it would bring the supervisor into quarantine too. */
const isConsumed = (reply: Reply): boolean =>
  reply._tag === "Success" || reply._tag === "Refused" || (reply._tag === "Failed" && reply.error._tag === "Internal")
