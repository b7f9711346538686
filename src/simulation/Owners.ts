/** Watches who owns what in the database: fencing as an outsider sees it. */
import { addressKey } from "../actors/Host.ts"
import type { World } from "./World.ts"

const pingPongMillis = 3000
const pingPongsMax = 5

class Owners {
  readonly #world: World
  /** Who claimed an actor last. */
  readonly #claimer = new Map<string, string>()
  readonly #claims = new Map<string, Array<{ readonly at: number; readonly owner: string }>>()

  constructor(world: World) {
    this.#world = world
    world.database.observer = {
      claimed: (row, owner) => this.#claimed(addressKey(row), owner),
      written: (row, owner) => this.#written(addressKey(row), owner, row.version),
      quarantined: (entry) => {
        const actor = addressKey(entry)
        const owner = this.#claimer.get(actor)
        world.verdict.check(
          "quarantine by the owner",
          owner === entry.by,
          () => `${actor} by ${entry.by}, owner ${owner}`
        )
        world.trace(`${entry.by} quarantines ${actor}`)
        world.ledgers.quarantined(entry)
      }
    }
  }

  #claimed(actor: string, owner: string): void {
    const { time, verdict } = this.#world
    this.#world.trace(`${owner} claims ${actor}`)
    verdict.fact("claims")
    this.#claimer.set(actor, owner)
    const recent = (this.#claims.get(actor) ?? []).filter(({ at }) => at > time.now - pingPongMillis)
    recent.push({ at: time.now, owner })
    this.#claims.set(actor, recent)
    const changes = recent.filter((claim, index) => index > 0 && claim.owner !== recent[index - 1]?.owner).length
    verdict.check("no ping-pong", changes < pingPongsMax, () => `${actor}: ${changes} owners in ${pingPongMillis} ms`)
  }

  #written(actor: string, owner: string, version: number): void {
    const { database, verdict } = this.#world
    this.#world.trace(`${owner} commits ${actor} version ${version}`)
    verdict.fact("commits")
    const claimer = this.#claimer.get(actor)
    verdict.check("write by the owner", claimer === owner, () => `${actor} by ${owner}, claimed by ${claimer}`)
    verdict.check("quarantined stands still", !database.quarantines.has(actor), () => `${actor} by ${owner}`)
  }
}

/** Holds every claim, write and quarantine of a run to its owner. */
export const watchOwners = (world: World): void => void new Owners(world)
