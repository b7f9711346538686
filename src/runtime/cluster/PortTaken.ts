/** Why a node cannot listen for its peers. */
import { Schema } from "effect"

/** The operating system refuses the address, mostly because another process has the port. Permanent until it is free. */
export class PortTaken extends Schema.TaggedError<PortTaken>()("PortTaken", {
  /** `runner` carries asks, `relay` the frames of boards. */
  role: Schema.Literals(["runner", "relay"]),
  host: Schema.String,
  port: Schema.Int,
  cause: Schema.Defect()
}) {
  override get message() {
    return `the ${this.role} cannot listen on ${this.host}:${this.port}; stop what uses the port or configure another`
  }
}
