/** The states of a session and what leads from one to the next: everything else is refused. */
import type { SessionState } from "../../protocol/Session.ts"

/** What moves a session. */
export type Trigger = "begin" | "whole" | "verified" | "fail" | "abort" | "cleaned"

const table: Readonly<Record<SessionState, Partial<Record<Trigger, SessionState>>>> = {
  idle: { begin: "loading" },
  loading: { whole: "verify", fail: "failed", abort: "aborting" },
  verify: { verified: "ready", fail: "failed", abort: "aborting" },
  ready: {},
  failed: {},
  aborting: { cleaned: "idle" }
}

/** Where a trigger leads; `undefined` where it has nothing to say. */
export const next = (state: SessionState, trigger: Trigger): SessionState | undefined => table[state][trigger]
