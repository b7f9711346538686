/**
 * The commands of one board, each executed at most once. With a journal the id is stored before the first effect; without
 * one the board asks with a first progress, and only the acknowledgement of that very frame is a go: a welcome that merely
 * covers it may come after the cluster has ended the command.
 */
import { codes } from "../../src/protocol/Codes.ts"
import type { Invoke } from "../../src/protocol/frame/CommandFrames.ts"
import type { Application, Cancellable, Command, Outcome } from "./Application.ts"
import type { Clock } from "./Clock.ts"
import type { Journal, JournalEntry, KeptResult } from "./Journal.ts"
import { asksToStart, type Letter } from "./Letter.ts"

/** A result is remembered this long after it was acknowledged or reached, ms: copies of its command may still come. */
const rememberMillis = 600_000

/** When a board without room for another id wants it again, ms. */
const retryMillis = 1000

type Stage =
  /** Waits for the journal, or for the acknowledgement of its first progress. */
  | "asked"
  | "running"
  | "done"
  /** Begun before a restart and free to run again, when the cluster sends it again with the life it has left. */
  | "interrupted"

interface Entry {
  readonly id: string
  readonly name: string
  readonly idempotent: boolean
  stage: Stage
  command?: Command
  result?: KeptResult
  /** The result waits or is on its way. */
  answering: boolean
  acknowledged: boolean
  endedAt: number
  running?: Cancellable
  stopLife?: () => void
}

/** What the commands get from their agent. */
export interface CommandPorts {
  readonly clock: Clock
  readonly execute: Application["execute"]
  readonly journal?: Journal
  readonly push: (letter: Letter) => void
  /** Refuses an invoke without remembering it. */
  readonly busy: (id: string, retryMillis: number) => void
  /** A bug of the application. */
  readonly report: (what: string, cause: unknown) => void
}

/** Memory and course of all commands of one boot. */
export class Commands {
  readonly #ports: CommandPorts
  readonly #idsMax: number
  /** By id, oldest first. */
  readonly #entries = new Map<string, Entry>()
  #stopped = false

  constructor(idsMax: number, ports: CommandPorts) {
    this.#idsMax = idsMax
    this.#ports = ports
  }

  /** Takes up what the journal kept: what was interrupted ends with code 4, or may run again; results not taken go out again. */
  resume(): void {
    for (const kept of this.#ports.journal?.load() ?? []) {
      const entry: Entry = {
        id: kept.id,
        name: kept.name,
        idempotent: kept.idempotent,
        stage: kept.result === undefined ? "interrupted" : "done",
        answering: false,
        acknowledged: kept.acknowledged,
        endedAt: this.#ports.clock.board(),
        ...(kept.result === undefined ? {} : { result: kept.result })
      }
      this.#entries.set(entry.id, entry)
      if (entry.stage === "done" && !entry.acknowledged) this.#answer(entry, true)
      if (entry.stage === "interrupted" && !entry.idempotent) {
        this.#end(entry, { code: codes.EINTR, detail: "the board restarted while it ran" })
      }
    }
  }

  /** A command arrived, for the first time or again. */
  invoke(frame: Invoke): void {
    const known = this.#entries.get(frame.id)
    if (known !== undefined) {
      if (known.stage === "done" && !known.answering) this.#answer(known, true)
      if (known.stage !== "interrupted") return
      this.#entries.delete(frame.id)
    }
    if (!this.#makeRoom()) return this.#ports.busy(frame.id, retryMillis)
    const entry: Entry = {
      id: frame.id,
      name: frame.name,
      idempotent: frame.idempotent === true,
      stage: "asked",
      answering: false,
      acknowledged: false,
      endedAt: 0,
      command: {
        id: frame.id,
        name: frame.name,
        args: frame.args,
        idempotent: frame.idempotent === true,
        deadline: this.#ports.clock.board() + frame.ttl,
        ...(frame.program === undefined ? {} : { program: frame.program })
      }
    }
    this.#entries.set(entry.id, entry)
    const journal = this.#ports.journal
    if (journal === undefined) return this.#ask(entry)
    journal.put(kept(entry), (durable) => {
      if (this.#stopped || entry.stage !== "asked") return
      if (durable) this.#start(entry)
      else this.#end(entry, { code: codes.EIO, detail: "the journal cannot be written" })
    })
  }

  /** The cluster wants a command ended early. */
  cancel(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return this.#ports.push({ type: "result", id, code: codes.ESRCH })
    if (entry.stage === "running") return entry.running?.cancel()
    if (entry.stage === "done") {
      if (!entry.answering) this.#answer(entry, true)
      return
    }
    this.#end(entry, { code: codes.ECANCELED })
  }

  /** The cluster refuses to have this id run: it has ended it. Nothing is to be answered. */
  forbid(id: string, code: number): void {
    const entry = this.#entries.get(id)
    if (entry?.stage !== "asked") return
    entry.stage = "done"
    entry.result = { code }
    entry.acknowledged = true
    entry.endedAt = this.#ports.clock.board()
    delete entry.command
    this.#keep(entry)
  }

  /** A letter of a command was acknowledged by itself: a first progress is a go, a result is safe. */
  acknowledged(letter: Letter): void {
    if (letter.type === "result") return this.#safe(letter.id)
    if (letter.type !== "progress" || !asksToStart(letter)) return
    const entry = this.#entries.get(letter.id)
    if (entry?.stage === "asked") this.#start(entry)
  }

  /** A letter of a command was covered by a welcome: its result is safe, but a first progress is no go. It asks again. */
  covered(letter: Letter): void {
    if (letter.type === "result") return this.#safe(letter.id)
    if (letter.type !== "progress" || !asksToStart(letter)) return
    const entry = this.#entries.get(letter.id)
    if (entry?.stage === "asked") this.#ask(entry)
  }

  /** A letter was given up. A command whose question is lost never runs in this boot unless it is sent again. */
  givenUp(letter: Letter): void {
    if (letter.type === "progress" && this.#entries.get(letter.id)?.stage === "asked") this.#entries.delete(letter.id)
  }

  /** The board stops: nothing starts and nothing ends any more. */
  stop(): void {
    this.#stopped = true
    for (const entry of this.#entries.values()) entry.stopLife?.()
  }

  #ask(entry: Entry): void {
    this.#ports.push({ type: "progress", id: entry.id, done: 0 })
  }

  #start(entry: Entry): void {
    const { clock, execute } = this.#ports
    const command = entry.command
    if (command === undefined) return
    const startedAt = clock.board()
    if (startedAt >= command.deadline) return this.#end(entry, { code: codes.ETIME, detail: "life over" })
    entry.stage = "running"
    delete entry.command
    const finish = (outcome: Outcome) => {
      if (this.#stopped || entry.stage !== "running") return
      this.#end(entry, { ...outcome, took: Math.max(0, Math.round(clock.board() - startedAt)) })
    }
    const progress = (done?: number, note?: string) => {
      if (this.#stopped || entry.stage !== "running") return
      // Zero is the question whether a command may start.
      const part = done === undefined || done <= 0 ? {} : { done: Math.min(1, done) }
      this.#ports.push({ type: "progress", id: entry.id, ...part, ...(note === undefined ? {} : { note }) })
    }
    try {
      const running = execute(command, { finish, progress })
      if (running === undefined || entry.result !== undefined) return
      entry.running = running
      if (running.endsWithLife) entry.stopLife = clock.schedule(command.deadline - startedAt, () => running.cancel())
    } catch (cause) {
      this.#ports.report(`command ${command.name} failed`, cause)
      finish({ code: codes.Internal, detail: cause instanceof Error ? cause.message.slice(0, 200) : "unknown" })
    }
  }

  /** The result is kept before it is sent: a board that dies in between still knows that the command ran. */
  #end(entry: Entry, result: KeptResult): void {
    entry.stage = "done"
    entry.result = result
    entry.endedAt = this.#ports.clock.board()
    entry.stopLife?.()
    delete entry.command
    delete entry.running
    delete entry.stopLife
    if (this.#ports.journal === undefined) return this.#answer(entry, false)
    this.#ports.journal.put(kept(entry), () => {
      if (!this.#stopped) this.#answer(entry, false)
    })
  }

  #answer(entry: Entry, again: boolean): void {
    if (entry.result === undefined) return
    entry.answering = true
    this.#ports.push({ type: "result", id: entry.id, ...entry.result, ...(again ? { again: true } : {}) })
  }

  #safe(id: string): void {
    const entry = this.#entries.get(id)
    if (entry?.stage !== "done") return
    entry.answering = false
    if (entry.acknowledged) return
    entry.acknowledged = true
    this.#keep(entry)
  }

  #keep(entry: Entry): void {
    this.#ports.journal?.put(kept(entry), () => {})
  }

  #makeRoom(): boolean {
    const horizon = this.#ports.clock.board() - rememberMillis
    for (const entry of this.#entries.values()) {
      if (entry.stage !== "done" || !entry.acknowledged || entry.answering || entry.endedAt > horizon) {
        if (this.#entries.size < this.#idsMax) break
        continue
      }
      this.#entries.delete(entry.id)
      this.#ports.journal?.remove(entry.id)
    }
    return this.#entries.size < this.#idsMax
  }
}

const kept = (entry: Entry): JournalEntry => ({
  id: entry.id,
  name: entry.name,
  idempotent: entry.idempotent,
  acknowledged: entry.acknowledged,
  ...(entry.result === undefined ? {} : { result: entry.result })
})
