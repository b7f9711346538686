/** Ids of what is begun on the command line. */
import { Clock, Effect } from "effect"
import { uuidV7 } from "../protocol/Ids.ts"

/** A new id. */
export const newId = Effect.map(Clock.currentTimeMillis, (now) =>
  uuidV7(now, (count) => crypto.getRandomValues(new Uint8Array(count)))
)
