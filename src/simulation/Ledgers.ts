/** The ledgers' clients and what they know from outside: what was asked, answered, begun, and what must therefore hold. */

import { compile, toBytes } from "../actors/Codec.ts"
import type { Posted, Reply } from "../actors/Envelope.ts"
import { type Address, addressKey } from "../actors/Host.ts"
import { runtimeAsker } from "../protocol/Asker.ts"
import { decodeStored } from "../protocol/Stored.ts"
import { Caller } from "./Caller.ts"
import type { QuarantineRow, Row } from "./Database.ts"
import { auditors, Ledger, type LedgerState } from "./Ledger.ts"
import { between, pick, type Random } from "./Random.ts"
import { requestIdAt } from "./RequestIds.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"
import { epochMillis } from "./VirtualTime.ts"
import type { World } from "./World.ts"

const codec = compile(Ledger)

const ledgerIds = ["ledger-0", "ledger-1", "ledger-2"]
/** Used by nobody for most of a run, so that they are passivated between. */
const quietIds = ["quiet-0", "quiet-1"]
const victimIds = ["victim-0", "victim-1"]

/** A request id lives ten minutes; a client that repeats an old one gets to its end within a run. */
const requestLifeMillis = 600_000

/** An addition as its client sees it. */
interface Addition {
  readonly ledger: string
  readonly mark: string
  outcome: "unknown" | "added" | "refused"
}

/** Clients of all ledgers of a run, and the promises to them. */
export class Ledgers {
  readonly #world: World
  readonly #random: Random
  readonly #additions: Array<Addition> = []
  /** Highest count acknowledged to anybody, by ledger. */
  readonly #floor = new Map<string, number>()
  readonly #quarantined: Array<QuarantineRow & { readonly at: number }> = []
  readonly #timers: Array<{ readonly ledger: string; readonly at: number }> = []
  #number = 0
  #nodes: ReadonlyArray<SimulatedNode> = []
  #caller: Caller | undefined

  constructor(world: World) {
    this.#world = world
    this.#random = world.random("clients")
  }

  /** Clients act from now until `until`, ms of the run. */
  start(nodes: ReadonlyArray<SimulatedNode>, until: number): void {
    this.#nodes = nodes
    this.#caller = new Caller(this.#world, nodes, this.#random)
    const { time } = this.#world
    const next = () => {
      if (time.now > until) return
      this.#act()
      time.at(between(this.#random, 60, 460), next)
    }
    next()
    for (const id of quietIds) {
      time.at(between(this.#random, 0, until - time.now), () => {
        this.#add(id)
        this.#add(id)
        time.at(20, () => (this.#random() < 0.5 ? this.#setTimer(id) : this.#startJob(id)))
      })
    }
    for (const id of victimIds) {
      if (this.#random() < 0.5) time.at(between(this.#random, 0, (until - time.now) / 2), () => this.#torment(id))
    }
  }

  #act(): void {
    if (this.#random() < 0.25) return this.#writeWatched()
    const ledger = pick(this.#random, ledgerIds) ?? ""
    const dice = this.#random()
    if (dice < 0.5) this.#add(ledger)
    else if (dice < 0.8) this.#count(ledger)
    else if (dice < 0.88) this.#setTimer(ledger)
    else if (dice < 0.95) this.#startJob(ledger)
    else if (dice < 0.96) this.#call(ledger, "Crash", {}, () => {})
    else if (dice < 0.975) this.#askNobody()
    else if (dice < 0.985) this.#watch(ledger)
    else for (let burst = 0; burst < 4; burst++) this.#add(ledger)
  }

  #add(ledger: string, via?: number, added: () => void = () => {}): void {
    const mark = `${ledger}+${++this.#number}`
    const addition: Addition = { ledger, mark, outcome: "unknown" }
    this.#additions.push(addition)
    const parity = this.#random() < 0.3 ? Math.floor(this.#random() * 2) : -1
    const flaky = this.#random() < 0.03
    const heard = (reply: Reply | undefined) => {
      if (reply?._tag === "Success" && typeof reply.value === "number") {
        addition.outcome = "added"
        this.#durable(ledger, reply.value, "an addition")
        this.#floor.set(ledger, Math.max(reply.value, this.#floor.get(ledger) ?? 0))
        added()
      } else if (reply?._tag === "Refused") addition.outcome = "refused"
    }
    this.#call(ledger, "Add", { mark, parity, flaky }, heard, via)
  }

  #count(ledger: string, via?: number): void {
    const floor = this.#floor.get(ledger) ?? 0
    const heard = (reply: Reply | undefined) => {
      const value = reply?._tag === "Success" ? reply.value : undefined
      if (typeof value !== "number") return
      this.#durable(ledger, value, "a read")
      const { verdict } = this.#world
      verdict.check("read sees what was acknowledged", value >= floor, () => `${ledger}: read ${value}, known ${floor}`)
    }
    this.#call(ledger, "Count", {}, heard, via)
  }

  #askNobody(): void {
    const nobody = `nobody-${++this.#number}`
    this.#call(nobody, "Count", {}, (reply) => {
      if (reply === undefined) return
      const isUnknown = reply._tag === "Failed" && reply.error._tag === "NotFound"
      const isRowless = !this.#world.database.rows.has(addressKey({ kind: "ledger", id: nobody }))
      this.#world.verdict.check("unknown stays unknown", isUnknown && isRowless, () => `${nobody}: ${describe(reply)}`)
    })
  }

  /** A watch wherever the ledger lives; it ends with the cell. */
  #watch(ledger: string): void {
    const { time, verdict } = this.#world
    const schema = codec.messages.get("WatchCount")
    if (schema === undefined) return
    const requestId = requestIdAt(epochMillis + time.now, this.#random)
    const posted: Posted = { message: "WatchCount", body: toBytes(schema.payload, {}), requestId, asker: runtimeAsker }
    for (const node of this.#nodes) {
      if (node.isFrozen) continue
      const stop = node.watch({ kind: "ledger", id: ledger }, posted, (item) => {
        const stored = this.state(ledger)?.added.length ?? 0
        const isStored = typeof item === "number" && item <= stored
        verdict.check("watch after durable", isStored, () => `${ledger}: shows ${item}, stored ${stored}`)
      })
      time.at(between(this.#random, 500, 5000), stop)
    }
  }

  /** One writer through one node; then readers through all of them. */
  #writeWatched(): void {
    const node = Math.floor(this.#random() * this.#nodes.length)
    const ledger = `watched-${node}`
    this.#add(ledger, node, () => {
      for (const { slot } of this.#nodes) this.#count(ledger, slot)
    })
  }

  #durable(ledger: string, count: number, what: string): void {
    const stored = this.state(ledger)?.added.length ?? 0
    const { verdict } = this.#world
    verdict.check("reply after durable", stored >= count, () => `${ledger}: ${what} says ${count}, stored ${stored}`)
  }

  #setTimer(ledger: string): void {
    const at = Math.floor(epochMillis + this.#world.time.now + between(this.#random, 500, 12_000))
    this.#timers.push({ ledger, at })
    this.#call(ledger, "SetTimer", { at }, () => {})
  }

  #startJob(ledger: string): void {
    this.#call(ledger, "StartJob", { job: `${ledger}+${++this.#number}` }, () => {})
  }

  /** Enough crashes, or a change the store refuses as often as it is asked: a quarantine, which an operator ends later. */
  #torment(ledger: string): void {
    this.#add(ledger)
    this.#add(ledger)
    if (this.#random() < 0.3) this.#call(ledger, "Spoil", {}, () => {})
    else for (let crash = 0; crash < 6; crash++) this.#call(ledger, "Crash", {}, () => {})
    this.#add(ledger)
  }

  #call(
    ledger: string,
    message: keyof typeof Ledger.messages,
    payload: unknown,
    done: (reply: Reply | undefined) => void,
    via?: number
  ): void {
    const { time } = this.#world
    const schema = codec.messages.get(message)
    if (schema === undefined) return
    // Some callers repeat an id until it dies of old age under them.
    const life = this.#random() < 0.15 ? between(this.#random, 1000, 8000) : 25_000
    const requestId = requestIdAt(epochMillis + time.now + life - requestLifeMillis, this.#random)
    const posted: Posted = { message, body: toBytes(schema.payload, payload), requestId, asker: runtimeAsker }
    this.#caller?.call({ to: { kind: "ledger", id: ledger }, posted, until: time.now + life, via }, (reply) => {
      if (this.#world.isTraced) this.#world.trace(`${message} ${ledger} ${JSON.stringify(payload)}: ${describe(reply)}`)
      done(reply)
    })
  }

  // ---- what is seen from outside

  /** The stored state of a ledger; undefined while it has none. */
  state(ledger: string): LedgerState | undefined {
    const row = this.#world.database.rows.get(addressKey({ kind: "ledger", id: ledger }))
    return row === undefined ? undefined : stateOf(row)
  }

  /** An effect begins on some node. */
  jobBegins(self: Address, job: string): void {
    const state = this.state(self.id)
    const isDurable = state !== undefined && (state.job === job || state.done.includes(job))
    this.#world.verdict.check(
      "effect after the commit",
      isDurable,
      () => `${self.id}: ${job} begins, stored is ${state?.job}`
    )
  }

  quarantined(entry: QuarantineRow): void {
    const { time, database, verdict } = this.#world
    verdict.fact("actors quarantined")
    this.#quarantined.push({ ...entry, at: time.now })
    // The operator waits for the escalation: a release would make it moot.
    const release = () => {
      if (database.quarantines.get(addressKey(entry))?.told === true) database.quarantines.delete(addressKey(entry))
      else time.at(1000, release)
    }
    time.at(between(this.#random, 3000, 7000), release)
  }

  /** A node reports a defect. Those the clients ask for are no violation. */
  reported(node: string, what: string, cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause)
    this.#world.trace(`${node} reports ${what}: ${reason}`)
    const isWanted = reason === "crash on demand" || reason === "flaky" || reason === "the data of a row"
    this.#world.verdict.check("no defect but those asked for", isWanted, () => `${node}: ${what}: ${reason}`)
  }

  /** At the end of a run. */
  finish(): void {
    const { verdict, database, time } = this.#world
    for (const { ledger, mark, outcome } of this.#additions) {
      const times = this.state(ledger)?.added.filter((each) => each === mark).length ?? 0
      verdict.check("once takes effect once", times <= 1, () => `${mark} stands ${times} times`)
      if (outcome === "added") verdict.check("acknowledged is kept", times >= 1, () => mark)
      if (outcome === "refused") verdict.check("refused is not applied", times === 0, () => mark)
    }
    const received = auditors.flatMap(({ id }) => this.state(id)?.received ?? [])
    for (const row of database.rows.values()) {
      if (row.kind !== "ledger" || database.quarantines.has(addressKey(row))) continue
      const state = stateOf(row)
      if (state === undefined) continue
      const late = epochMillis + time.now - state.ringsAt
      verdict.check("timer fires", state.ringsAt === 0 || late < 5000, () => `${row.id}: ${late} ms late`)
      verdict.check("job is begun again until it ends", state.job === "", () => `${row.id}: ${state.job}`)
      const waiting = [...row.parts.keys()].filter((part) => part.startsWith("~tell/"))
      verdict.check("tell is delivered", waiting.length === 0, () => `${row.id} still holds ${waiting.join(" ")}`)
      for (let number = 1; number <= state.notes; number++) {
        const times = received.filter((note) => note === `${row.id}:${number}`).length
        verdict.check("tell arrives", times >= 1 || waiting.length > 0, () => `${row.id}:${number}`)
        verdict.check("tell takes effect once", times <= 1, () => `${row.id}:${number} ${times} times`)
      }
    }
    for (const { id } of auditors) this.#inOrder(id)
    for (const { kind, id, since, at } of this.#quarantined) {
      if (at > time.now - 10_000) continue
      const mark = `quarantine/${kind}/${id}:${since}`
      verdict.check("escalation arrives", received.includes(mark), () => mark)
    }
  }

  #inOrder(auditor: string): void {
    const last = new Map<string, number>()
    for (const note of this.state(auditor)?.received ?? []) {
      const [from = "", text] = note.split(":")
      const number = Number(text)
      const before = last.get(from) ?? 0
      this.#world.verdict.check("tells in order", number > before, () => `${auditor}: ${note} after ${before}`)
      last.set(from, number)
    }
  }
}

const stateOf = (row: Row): LedgerState | undefined => {
  if (row.head === null) return undefined
  const stored = decodeStored(row.head)
  // Written by the layer a moment ago: the checker reads it as the layer would.
  const decoded = Array.isArray(stored) ? codec.state.decode(stored[0]) : undefined
  return decoded?._tag === "Success" ? (decoded.success as LedgerState) : undefined
}

const describe = (reply: Reply | undefined): string => {
  if (reply === undefined) return "gave up"
  return reply._tag === "Success"
    ? String(reply.value)
    : reply._tag === "NotHere"
      ? "not here"
      : `${reply._tag} ${reply.error}`
}
