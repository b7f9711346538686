/** A transport that can fall silent: the board hangs, the wire holds what comes, and all of it passes when the hang is over. */
import type { Connection, ConnectionEvents, Opening, Transport } from "../agent/Transport.ts"

/** Delays everything in both directions while silent. */
export class SilentTransport implements Transport {
  readonly #inner: Transport
  #held: Array<() => void> | undefined

  constructor(inner: Transport) {
    this.#inner = inner
  }

  /** From now on nothing passes. */
  hush(): void {
    this.#held ??= []
  }

  /** What was held passes, in order. */
  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const pass of held) pass()
  }

  readonly open = (opening: Opening, events: ConnectionEvents): Connection => {
    const pass = (run: () => void): void => {
      if (this.#held === undefined) run()
      else this.#held.push(run)
    }
    let connection: Connection | undefined
    let isGivenUp = false
    pass(() => {
      if (isGivenUp) return
      connection = this.#inner.open(opening, {
        opened: () => pass(events.opened),
        received: (bytes) => pass(() => events.received(bytes)),
        acknowledged: (seq) => pass(() => events.acknowledged(seq)),
        closed: (cause, server) => pass(() => events.closed(cause, server))
      })
    })
    return {
      send: (bytes, carriage) => pass(() => connection?.send(bytes, carriage)),
      close: (orderly) => {
        // Nobody was dialled yet, and a board that hangs dials nobody.
        isGivenUp = connection === undefined
        pass(() => connection?.close(orderly))
      }
    }
  }
}
