/** What the parts of one run share: time, database, network, what is known from outside, and what is weakened on purpose. */
import type { AnyBehaviour, EffectOrder } from "../actors/Behaviour.ts"
import { device } from "../actors/device/Device.ts"
import type { Address, Host } from "../actors/Host.ts"
import { program } from "../actors/program/Program.ts"
import { make as makeRegistry, type Registry } from "../actors/Registry.ts"
import { rollout } from "../actors/rollout/Rollout.ts"
import type { Store } from "../actors/Store.ts"
import { session } from "../actors/session/Session.ts"
import { vsm } from "../actors/vsm/Vsm.ts"
import { algedonic } from "../systems/policy/algedonic/Channel.ts"
import { recursion } from "../systems/policy/recursion/Recursion.ts"
import { Boards } from "./Boards.ts"
import type { Connection } from "./Connection.ts"
import { Database } from "./Database.ts"
import { Deliveries } from "./Deliveries.ts"
import { type LeaseRule, leaseByHeartbeat } from "./Engine.ts"
import { type JournalQuery, journalBelowHorizon } from "./JournalFollower.ts"
import { ledger } from "./Ledger.ts"
import { Ledgers } from "./Ledgers.ts"
import { Library } from "./Library.ts"
import { Network } from "./Network.ts"
import { type Random, randomOf } from "./Random.ts"
import { Verdict } from "./Verdict.ts"
import { VirtualTime } from "./VirtualTime.ts"

/** Replacements of ports, each a wrapper: how a test plants a bug without touching the code under test. */
export interface Ports {
  readonly store: (store: Store, connection: Connection, host: Host) => Store
  readonly leaseRule: LeaseRule
  readonly behaviours: (
    behaviours: ReadonlyArray<AnyBehaviour>,
    begin: (self: Address, order: EffectOrder) => void
  ) => ReadonlyArray<AnyBehaviour>
  readonly journal: JournalQuery
}

/** The ports of a sound system. */
const soundPorts: Ports = {
  store: (store) => store,
  leaseRule: leaseByHeartbeat,
  behaviours: (behaviours) => behaviours,
  journal: journalBelowHorizon
}

const behaviours: ReadonlyArray<AnyBehaviour> = [ledger, device, session, program, rollout, vsm, recursion, algedonic]
// Compiling the schemas of the contracts costs more than a run.
const soundRegistry = makeRegistry(behaviours)

/** One run's world. Everything in it draws its luck from the seed. */
export class World {
  readonly seed: number
  readonly time = new VirtualTime()
  readonly database = new Database(() => this.time.now)
  readonly network: Network
  readonly verdict: Verdict
  readonly ports: Ports
  readonly registry: Registry
  /** What clients and auditors of ledgers know. */
  readonly ledgers: Ledgers
  /** What operators and an eavesdropper on the wires of boards know. */
  readonly boards: Boards
  /** Images that may be brought to boards. */
  readonly library: Library
  /** What those who bring images to boards know. */
  readonly deliveries: Deliveries
  /** Until when a node cannot reach the database, by slot, ms of the run. */
  readonly databaseCuts = new Map<number, number>()
  readonly #lines: Array<string> | undefined

  constructor(seed: number, options: { readonly ports?: Partial<Ports>; readonly trace?: boolean } = {}) {
    this.seed = seed
    this.ports = { ...soundPorts, ...options.ports }
    this.#lines = options.trace === true ? [] : undefined
    this.network = new Network(this.time, this.random("network"))
    this.verdict = new Verdict(
      () => this.time.now,
      (line) => this.trace(line)
    )
    this.ledgers = new Ledgers(this)
    this.boards = new Boards(this)
    this.library = new Library(this.random("library"))
    this.deliveries = new Deliveries(this)
    this.registry =
      this.ports.behaviours === soundPorts.behaviours
        ? soundRegistry
        : makeRegistry(this.ports.behaviours(behaviours, (self, order) => this.effectBegins(self, order)))
  }

  /** An effect begins on some node. Those of ledgers leave marks. */
  effectBegins(self: Address, { id }: EffectOrder): void {
    if (self.kind === "ledger") this.ledgers.jobBegins(self, id)
  }

  random(stream: string): Random {
    return randomOf(this.seed, stream)
  }

  get isTraced(): boolean {
    return this.#lines !== undefined
  }

  /** One line of the trace: what happened, at which ms of the run. */
  trace(line: string): void {
    this.#lines?.push(`${this.time.now.toFixed(1).padStart(8)} ${line}`)
  }

  get lines(): ReadonlyArray<string> {
    return this.#lines ?? []
  }
}
