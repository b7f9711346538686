/** People outside the cluster: they ask any node, and repeat with the same id through another while they know no outcome. */
import { uuidV7 } from "../protocol/Ids.ts"

const attemptMillis = 5000
const retryMillis = 200
const repeatMillisMax = 60_000

/** What became of one command. */
export interface CommandFacts {
  readonly device: string
  readonly id: string
  isAccepted: boolean
  /** Codes of every end that was seen; more than one value is a fault. */
  readonly codes: Set<number>
}

/** What became of one desired write. */
export interface WriteFacts {
  readonly device: string
  readonly mode: number
  /** Desired version that the reply named; more than one value is a fault. */
  readonly versions: Set<number>
}

type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

export class ChaosClient {
  readonly commands: Array<CommandFacts> = []
  readonly writes: Array<WriteFacts> = []
  /** Longest time until an ask had its answer, ms. */
  longestMillis = 0
  asks = 0
  unanswered = 0
  readonly #urls: ReadonlyArray<string>
  readonly #random: () => number
  #isStopped = false

  constructor(urls: ReadonlyArray<string>, random: () => number) {
    this.#urls = urls
    this.#random = random
  }

  stop(): void {
    this.#isStopped = true
  }

  newId(): string {
    return uuidV7(Date.now(), (count) => Uint8Array.from({ length: count }, () => Math.floor(this.#random() * 256)))
  }

  /** A definite answer of some node, or nothing when none came in a minute. */
  async ask(
    device: string,
    message: string,
    payload: Json,
    requestId: string
  ): Promise<{ readonly status: number; readonly body: Json } | undefined> {
    const began = performance.now()
    this.asks++
    while (performance.now() - began < repeatMillisMax) {
      const url = this.#urls[Math.floor(this.#random() * this.#urls.length)]
      const reply = await fetch(`${url}/api/device/${device}/${message}`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": requestId },
        body: JSON.stringify(payload),
        signal: AbortSignal.timeout(attemptMillis)
      })
        .then(async (response) => ({ status: response.status, body: (await response.json()) as unknown }))
        .catch(() => undefined)
      if (reply !== undefined && reply.status < 500 && isJson(reply.body)) {
        this.longestMillis = Math.max(this.longestMillis, performance.now() - began)
        return { status: reply.status, body: reply.body }
      }
      await new Promise((resolve) => setTimeout(resolve, retryMillis * (0.5 + this.#random())))
    }
    this.unanswered++
    return undefined
  }

  /** Gives a command and follows it to its end. */
  async command(device: string, ttlMillis: number): Promise<void> {
    const id = this.newId()
    const facts: CommandFacts = { device, id, isAccepted: false, codes: new Set() }
    this.commands.push(facts)
    const given = await this.ask(device, "Invoke", { name: "work", ttlMillis, id }, id)
    if (given?.status !== 200) return
    facts.isAccepted = true
    note(facts, given.body)
  }

  /** Looks at the ends of commands that were accepted and have none yet. */
  async look(): Promise<void> {
    for (const facts of this.commands) {
      if (!facts.isAccepted || facts.codes.size > 0) continue
      const found = await this.ask(facts.device, "GetCommand", { id: facts.id }, this.newId())
      if (found?.status === 200) note(facts, found.body)
    }
  }

  async write(device: string, mode: number): Promise<void> {
    const id = this.newId()
    const facts: WriteFacts = { device, mode, versions: new Set() }
    this.writes.push(facts)
    const first = await this.ask(device, "SetDesired", { patch: { mode } }, id)
    if (first === undefined) return
    noteVersion(facts, first.body)
    // The same again, as a caller does that lost the answer.
    const second = this.#random() < 0.3 ? await this.ask(device, "SetDesired", { patch: { mode } }, id) : undefined
    if (second !== undefined) noteVersion(facts, second.body)
  }

  /** Asks until stopped. */
  async load(devices: ReadonlyArray<string>, everyMillis: number): Promise<void> {
    let mode = 0
    const open = new Set<Promise<void>>()
    while (!this.#isStopped) {
      const device = devices[Math.floor(this.#random() * devices.length)] ?? ""
      const work =
        this.#random() < 0.7
          ? this.command(device, Math.round(1000 + this.#random() * 9000))
          : this.write(device, ++mode)
      open.add(work)
      work.finally(() => open.delete(work))
      await new Promise((resolve) => setTimeout(resolve, everyMillis * (0.5 + this.#random())))
    }
    await Promise.all(open)
  }
}

const note = (facts: CommandFacts, view: Json): void => {
  if (view.state === "done" && typeof view.code === "number") facts.codes.add(view.code)
}

const noteVersion = (facts: WriteFacts, outcome: Json): void => {
  if (outcome._tag === "Accepted" && typeof outcome.version === "number") facts.versions.add(outcome.version)
}
