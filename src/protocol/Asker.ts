/** Who asks: the principal an edge derived from a credential. It travels with every message and is never taken from a payload. */
import { Schema } from "effect"
import { Clearance } from "./Clearance.ts"
import { Zone } from "./Zone.ts"

/** What an asker may reach: each role sees the messages of its own audience and of `public`; `internal` sees all. */
export const Role = Schema.Literals(["public", "board", "operator", "internal"])
export type Role = typeof Role.Type

/** The authenticated speaker. `id` is the device id for a board, the account name for a user, the node or actor for a service. */
export const Asker = Schema.Struct({
  kind: Schema.Literals(["user", "device", "vsm", "service", "plugin"]),
  id: Schema.String.check(Schema.isMaxLength(128)),
  role: Role,
  /** The message that began this chain of causes; absent when this one begins it. */
  root: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(64))),
  /** W3C Trace Context header of the caller. */
  traceparent: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(128))),
  /**
   * Globs over the capabilities of what an operator may do; absent for one who may do everything. The edge that knows the
   * credential sets it, and it travels along: whichever node has the actor asks for it.
   */
  may: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Zones that an operator is confined to; absent for one who is not. Set and carried along as `may` is. */
  zones: Schema.optionalKey(Schema.Array(Zone)),
  /** How much an operator is trusted with, for policies to ask; absent for one of whom nobody has said. */
  clearance: Schema.optionalKey(Clearance)
})
export type Asker = typeof Asker.Type

/** The runtime itself: timers, outcomes of effects, tells between actors. */
export const runtimeAsker: Asker = { kind: "service", id: "holon", role: "internal" }
