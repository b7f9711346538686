/** What an upgrade request of a board shows: the subprotocol of the link, and a token in one of two places. */
import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { bearerToken } from "../Bearer.ts"

/** Subprotocol of version 1 of the link. */
export const subprotocol = "holon.1"
const tokenPrefix = "holon.token."

/** The token shown, nothing when there is none; `malformed` when the header is of no known form. */
export const tokenOf = (request: IncomingMessage): string | undefined | "malformed" => {
  const { authorization } = request.headers
  if (authorization !== undefined) return bearerToken(authorization) ?? "malformed"
  // A browser cannot set headers of a WebSocket: it offers its token as a second subprotocol.
  const offered = protocolsOf(request).find((protocol) => protocol.startsWith(tokenPrefix))
  if (offered === undefined) return undefined
  const encoded = offered.slice(tokenPrefix.length)
  return /^[\w-]+$/.test(encoded) ? Buffer.from(encoded, "base64url").toString("utf8") : "malformed"
}

/** Whether the client speaks the link's subprotocol. */
export const speaksLink = (request: IncomingMessage): boolean => protocolsOf(request).includes(subprotocol)

const protocolsOf = (request: IncomingMessage): ReadonlyArray<string> =>
  (request.headers["sec-websocket-protocol"] ?? "").split(",").map((protocol) => protocol.trim())

const phrases = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  503: "Service Unavailable"
} as const

/** Said to whoever comes from an address that is barred. */
export const turnedAway = "too much speaks against this address; it is turned away for a while\n"

/** Answers an upgrade with an error and ends the connection. */
export const refuse = (socket: Duplex, status: keyof typeof phrases, sentence: string): void => {
  if (socket.destroyed) return
  const head = [
    `HTTP/1.1 ${status} ${phrases[status]}`,
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(sentence)}`,
    ...(status === 401 ? ["WWW-Authenticate: Bearer"] : []),
    ...(status === 503 ? ["Retry-After: 1"] : [])
  ]
  socket.end(`${head.join("\r\n")}\r\n\r\n${sentence}`)
}
