/** Commits by the chain of causes they are in, and by when they were made: how one event of millions is found again. */
import { Context, type Effect } from "effect"
import type { JournalEntry, JournalUnavailable } from "./JournalReader.ts"

export class ChainIndex extends Context.Service<
  ChainIndex,
  {
    /**
     * Commits that went on with the chain of this root, oldest first, at most so many. The one whose own event is the root is
     * not among them: when it was written nothing had followed yet.
     */
    readonly ofRoot: (root: string, limit: number) => Effect.Effect<ReadonlyArray<JournalEntry>, JournalUnavailable>
    /** Commits made in this millisecond by the clocks of their actors, of whom there are few. */
    readonly madeAt: (millis: number) => Effect.Effect<ReadonlyArray<JournalEntry>, JournalUnavailable>
  }
>()("holon/events/ChainIndex") {}
