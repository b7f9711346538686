/** Where a node dials to reach a peer: its own address, or the one a port mapping between the two has for it. */

/** From the address a peer says it has to the one that reaches it from here. */
export type Route = (host: string, port: number) => { readonly host: string; readonly port: number }

/** Routes by a table of `host:port` to `host:port`; what is not in it is dialled as it is. */
export const routeBy =
  (via: Readonly<Record<string, string>>): Route =>
  (host, port) => {
    const target = via[`${host}:${port}`]
    if (target === undefined) return { host, port }
    const colon = target.lastIndexOf(":")
    return { host: target.slice(0, colon), port: Number(target.slice(colon + 1)) }
  }
