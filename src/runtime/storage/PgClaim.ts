/** One claim on one connection, until every row is known: stepped and read as of one moment, absent, or quarantined. */
import type { Claimed, ClaimRequest, Outage } from "../../actors/Store.ts"
import { claimAnswer, claimParameters, claimText, lookAnswer, lookText } from "./ClaimStatement.ts"
import { longs, texts } from "./Parameters.ts"
import { type Answer, outageOf, type PgSession } from "./PgSession.ts"

const triesMax = 10

export class PgClaim {
  readonly #session: PgSession
  readonly #requests: ReadonlyArray<ClaimRequest>
  readonly #owner: string
  readonly #done: (outcome: ReadonlyArray<Claimed> | Outage) => void
  readonly #found: Array<Claimed>
  #tries = 0

  constructor(
    session: PgSession,
    requests: ReadonlyArray<ClaimRequest>,
    owner: string,
    done: (outcome: ReadonlyArray<Claimed> | Outage) => void
  ) {
    this.#session = session
    this.#requests = requests
    this.#owner = owner
    this.#done = done
    this.#found = new Array<Claimed>(requests.length).fill({ _tag: "Absent" })
  }

  /** Claims the requests at these places, in this order; the others are answered as absent. */
  claim(places: ReadonlyArray<number>): void {
    if (places.length === 0) return this.#done(this.#found)
    if (++this.#tries > triesMax) {
      return this.#done({ _tag: "Outage", cause: "the rows changed under every try to claim them" })
    }
    const batch = places.flatMap((place) => this.#requests[place] ?? [])
    this.#session.run(claimText, claimParameters(batch, this.#owner), (answer) => {
      if (answer._tag === "RolledBack") return this.claim(places)
      if (answer._tag !== "Rows") return this.#done(outageOf(answer))
      const again: Array<number> = []
      const torn: Array<{ readonly place: number; readonly version: number }> = []
      for (const row of answer.rows) {
        const [index, claimed] = claimAnswer(row, batch)
        const place = places[index]
        if (place === undefined) continue
        if (claimed._tag === "Again") again.push(place)
        else if (claimed._tag === "Torn") torn.push({ place, version: claimed.version })
        else this.#found[place] = claimed
      }
      if (torn.length === 0) this.claim(again)
      else this.#look(places, torn, again)
    })
  }

  #look(
    order: ReadonlyArray<number>,
    torn: ReadonlyArray<{ readonly place: number; readonly version: number }>,
    again: ReadonlyArray<number>
  ): void {
    const requests = torn.flatMap(({ place }) => this.#requests[place] ?? [])
    const parameters = [
      texts(requests.map(({ kind }) => kind)),
      texts(requests.map(({ id }) => id)),
      longs(torn.map(({ version }) => version))
    ]
    this.#session.run(lookText, parameters, (answer: Answer) => {
      if (answer._tag !== "Rows") return this.#done(outageOf(answer))
      const rest = new Set([...again, ...torn.map(({ place }) => place)])
      for (const row of answer.rows) {
        const [index, claimed] = lookAnswer(row)
        const place = torn[index]?.place
        if (place === undefined || claimed._tag === "Torn" || claimed._tag === "Again") continue
        this.#found[place] = claimed
        rest.delete(place)
      }
      this.claim(order.filter((place) => rest.has(place)))
    })
  }
}
