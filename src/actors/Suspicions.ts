/**
 * What this node saw of somebody that may speak against him, and that is no event: counted here, and told to the immune system once
 * a second. A flood of it costs a counter, and one message a second.
 */
import { Context } from "effect"
import { type Sign, type SignKind, type Subject, signsMax } from "../protocol/vsm/Threat.ts"

/** By itself nobody listens. */
export const Suspicions = Context.Reference<{
  /** Nobody is suspected where there is no name. `others` come in from the same address with right credentials. */
  readonly note: (kind: SignKind, subject: Subject | undefined, others?: number) => void
  /** What was noted since the last time; it is forgotten here. */
  readonly take: () => ReadonlyArray<Sign>
}>("holon/actors/Suspicions", { defaultValue: () => ({ note: () => {}, take: () => [] }) })
export type Suspicions = typeof Suspicions.Service

/** Counts by kind and subject; beyond what one message holds, new subjects wait for the next second. */
export const makeSuspicions = (): Suspicions => {
  let signs = new Map<string, Sign>()
  return {
    note: (kind, subject, others) => {
      if (subject === undefined) return
      const key = `${kind} ${subject}`
      const known = signs.get(key)
      if (known === undefined && signs.size >= signsMax) return
      const count = (known?.count ?? 0) + 1
      signs.set(key, { kind, subject, count, ...(others !== undefined && { others }) })
    },
    take: () => {
      const taken = [...signs.values()]
      signs = new Map()
      return taken
    }
  }
}
