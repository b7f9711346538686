/** Whether a request to a listener on the loopback address comes from where it says: keeps pages of other origins out. */

/** The two headers that tell. */
export interface OriginHeaders {
  readonly host?: string | undefined
  readonly origin?: string | undefined
}

/** Names under which a loopback listener is itself. */
export const loopbackNames: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"])

const parse = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined)

/**
 * Which header is not one of ours; nothing when both are. `Host` must be an own name, else a foreign name was bent to
 * this address (DNS rebinding). An `Origin` must be an own name on the same port; a request without one is a program's.
 */
export const foreignHeader = (headers: OriginHeaders, names = loopbackNames): keyof OriginHeaders | undefined => {
  const host = headers.host === undefined ? undefined : parse(`http://${headers.host}`)
  if (host === undefined || host.pathname !== "/" || host.username !== "" || !names.has(host.hostname)) return "host"
  if (headers.origin === undefined) return undefined
  const origin = parse(headers.origin)
  if (origin === undefined || !names.has(origin.hostname)) return "origin"
  const isSecure = origin.protocol === "https:"
  if (!isSecure && origin.protocol !== "http:") return "origin"
  // A default port is not written out; the Host header shows it only where it differs.
  const port = (isSecure ? parse(`https://${headers.host}`) : host)?.port
  return origin.port === port ? undefined : "origin"
}
