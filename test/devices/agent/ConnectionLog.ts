/** What a transport tells its agent, and a way to wait for it. */
import type { ConnectionEvents } from "../../../devices/agent/Transport.ts"

/** Everything one connection said, in order. */
export class ConnectionLog implements ConnectionEvents {
  readonly entries: Array<string> = []
  #waiting: Array<() => void> = []

  #add(entry: string): void {
    this.entries.push(entry)
    const waiting = this.#waiting
    this.#waiting = []
    for (const check of waiting) check()
  }

  readonly opened = (): void => this.#add("opened")
  readonly received = (bytes: Uint8Array): void => this.#add(`received ${Buffer.from(bytes).toString("hex")}`)
  readonly acknowledged = (seq: number): void => this.#add(`acknowledged ${seq}`)
  readonly closed = (cause: string, server?: string): void =>
    this.#add(server === undefined ? `closed ${cause}` : `closed ${cause} ${server}`)

  /** Comes back once this was said. */
  async until(entry: string): Promise<void> {
    while (!this.entries.includes(entry)) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}
