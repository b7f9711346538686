/** A gateway cannot listen. */
import { Schema } from "effect"

/** Outage at start: the address is taken or not ours. One clear line for the one who starts the node. */
export class ListenFailed extends Schema.TaggedError<ListenFailed>()("ListenFailed", {
  gateway: Schema.String,
  host: Schema.String,
  port: Schema.Int,
  reason: Schema.Literals(["port-in-use", "no-permission", "no-such-address", "other"]),
  detail: Schema.String
}) {
  override get message(): string {
    const where = `${this.gateway} cannot listen on ${this.host}:${this.port}`
    switch (this.reason) {
      case "port-in-use":
        return `${where}: another program has this port. Stop it, or choose another port in cluster.config.ts.`
      case "no-permission":
        return `${where}: not permitted. Ports below 1024 need rights; choose a higher one in cluster.config.ts.`
      case "no-such-address":
        return `${where}: this machine has no such address. Correct the host in cluster.config.ts.`
      default:
        return `${where}: ${this.detail}`
    }
  }
}

/** Names a listener's error. */
export const listenFailed = (gateway: string, host: string, port: number, cause: Error): ListenFailed => {
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : ""
  const reason =
    code === "EADDRINUSE"
      ? "port-in-use"
      : code === "EACCES"
        ? "no-permission"
        : code === "EADDRNOTAVAIL" || code === "ENOTFOUND"
          ? "no-such-address"
          : "other"
  return new ListenFailed({ gateway, host, port, reason, detail: cause.message })
}
