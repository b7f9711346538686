/** TLS of the doors: what a client must speak, how soon, and which boards its certificate names. */
import type { Duplex } from "node:stream"
import { createServer, type Server, TLSSocket, type TlsOptions } from "node:tls"

/** Files of a listener's TLS, read: PEM. */
export interface ListenerTls {
  readonly key: string
  readonly cert: string
  /** Who signs the certificates of clients; with it a client needs one. */
  readonly ca?: string
}

/** Beside a handshake's own time, for slow boards. A client that takes longer only holds a place. */
const handshakeMillis = 10_000

/** Options of the server. Version 1.3 alone is spoken. */
export const serverOptions = ({ ca, ...own }: ListenerTls, handshakeTimeout = handshakeMillis): TlsOptions => ({
  ...own,
  minVersion: "TLSv1.3",
  handshakeTimeout,
  ...(ca !== undefined && { ca, requestCert: true, rejectUnauthorized: true })
})

/** A server of plain TLS. Sockets whose handshake fails or takes too long, which Node leaves open, end here. */
export const tlsServerOf = (options: TlsOptions): Server =>
  createServer(options).on("tlsClientError", (_, socket) => socket.destroy())

const boardUri = "URI:urn:holon:device:"
const nobody: ReadonlyArray<string> = []

/** Ids of the boards that the peer's verified certificate names as `urn:holon:device:ID`; none without one. */
export const certifiedBoards = (socket: Duplex): ReadonlyArray<string> => {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return nobody
  const { subjectaltname = "" } = socket.getPeerCertificate()
  // A name that holds a comma itself is written with an escape: a name of its own never begins inside another.
  return subjectaltname
    .split(", ")
    .filter((name) => name.startsWith(boardUri))
    .map((name) => name.slice(boardUri.length))
}
