/** What a test asks of a cluster whose nodes come and go: whichever node answers will do. */
import { uuidV7 } from "../../src/protocol/Ids.ts"

const attemptsMax = 100
const waitMillis = 200

/** A node has answered: another one would answer the same. */
export class Refused extends Error {}

/** One request of one node; rejects unless it succeeds. */
export const post = async (url: string, init: RequestInit): Promise<unknown> => {
  const response = await fetch(url, { method: "POST", signal: AbortSignal.timeout(5000), ...init })
  if (!response.ok) {
    const words = `${response.status} ${await response.text()}`
    throw response.status < 500 ? new Refused(words) : new Error(words)
  }
  return response.json()
}

/** Asks one node after the other until one answers. */
export const ask = async (
  urls: ReadonlyArray<string>,
  path: string,
  payload: unknown,
  id?: string
): Promise<unknown> => {
  let why: unknown
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const headers = { "content-type": "application/json", ...(id === undefined ? {} : { "idempotency-key": id }) }
    try {
      return await post(`${urls[attempt % urls.length]}${path}`, { headers, body: JSON.stringify(payload) })
    } catch (cause) {
      if (cause instanceof Refused) throw cause
      why = cause
    }
    await new Promise((resolve) => setTimeout(resolve, waitMillis))
  }
  throw new Error(`nobody answers ${path}: ${String(why)}`)
}

/** Id of a request that may be repeated. */
export const requestId = (): string => uuidV7(Date.now(), (count) => crypto.getRandomValues(new Uint8Array(count)))

/** Looks again until it is so; the test's own timeout ends a wait in vain. */
export const eventually = async <A>(look: () => Promise<A>, isSo: (found: A) => boolean): Promise<A> => {
  for (;;) {
    const found = await look()
    if (isSo(found)) return found
    await new Promise((resolve) => setTimeout(resolve, waitMillis / 4))
  }
}
