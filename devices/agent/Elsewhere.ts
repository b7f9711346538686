/** Where a board goes that was told another address. */

/** Addresses of one kind of link, and whether it is protected. */
const schemes: Readonly<Record<string, { readonly carrier: "mqtt" | "websocket"; readonly isProtected: boolean }>> = {
  "mqtt:": { carrier: "mqtt", isProtected: false },
  "mqtts:": { carrier: "mqtt", isProtected: true },
  "ws:": { carrier: "websocket", isProtected: false },
  "wss:": { carrier: "websocket", isProtected: true }
}

/**
 * The URL to dial: `server` where it names one for the same kind of link that protects no less than `configured`, whose
 * token it gets; else `configured`. MQTT servers name hosts with or without a port, the first one first (MQTT-4.11).
 */
export const urlOf = (configured: string, server: string | undefined): string => {
  const own = URL.parse(configured)
  const named = server?.trim().split(/\s+/)[0]
  if (own === null || named === undefined || named === "") return configured
  const from = schemes[own.protocol]
  const isBare = from?.carrier === "mqtt" && !named.includes("://")
  const other = URL.parse(isBare ? `${own.protocol}//${named}` : named)
  if (other === null || other.hostname === "") return configured
  const to = schemes[other.protocol]
  if (from === undefined || from.carrier !== to?.carrier || (from.isProtected && !to.isProtected)) return configured
  if (to.carrier === "websocket" && other.pathname === "/") other.pathname = own.pathname
  return other.href
}
