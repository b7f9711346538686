/** The list of a card as a place that a start asks for programs. */
import { Result } from "effect"
import type { BootEntry } from "../nv/BootConfig.ts"
import type { BootSource } from "../nv/BootSources.ts"
import type { Refused } from "../Refused.ts"
import { readSdPlan, type SdParts } from "./transports/SdCard.ts"
import type { SdEntry, SdPlan } from "./transports/SdManifest.ts"

/** What is told of a card when its list is read. */
export interface CardObserver {
  readonly unusable: (refused: Refused) => void
  readonly warned: (warning: string) => void
}

const bootEntry = (entry: SdEntry): BootEntry => ({
  name: entry.app_name ?? entry.path,
  place: "sd",
  carrier: "sd",
  path: entry.path,
  priority: entry.priority ?? 0,
  autostart: entry.autostart ?? true,
  required: entry.required ?? false,
  retries: 0,
  fallback: entry.fallback,
  persist: entry.persist ?? false,
  pidHint: entry.pid ?? 0
})

/** The list of one card. Each start reads it anew. */
export class CardList implements BootSource {
  readonly place = "sd"
  readonly #parts: SdParts
  readonly #node: number
  readonly #observer: CardObserver
  #plan: SdPlan | undefined
  #state: "unread" | "reading" | "read" = "unread"

  constructor(parts: SdParts, node: number, observer: CardObserver) {
    this.#parts = parts
    this.#node = node
    this.#observer = observer
  }

  /** A list for another board is none for this one. */
  offer(): ReadonlyArray<BootEntry> | "waiting" | undefined {
    if (this.#state === "unread") this.#read()
    if (this.#state === "reading") return "waiting"
    this.#state = "unread"
    const entries = this.#plan?.entries ?? []
    return entries.length === 0 ? undefined : entries.map(bootEntry)
  }

  /** What the card says of a program it listed, hashes and keys with it. */
  entryOf(listed: BootEntry): SdEntry | undefined {
    return this.#plan?.entries.find((entry) => bootEntry(entry).name === listed.name)
  }

  #read(): void {
    this.#state = "reading"
    readSdPlan(this.#parts, this.#node, (plan) => {
      this.#state = "read"
      this.#plan = Result.isSuccess(plan) ? plan.success : undefined
      if (Result.isFailure(plan)) return this.#observer.unusable(plan.failure)
      for (const warning of plan.success.warnings) this.#observer.warned(warning)
    })
  }
}
