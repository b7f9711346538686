/** Answers that come page by page, as one list. */
import { Effect, Schema } from "effect"
import type { DeviceLine } from "../gateways/http/Control.ts"
import { Client } from "./Client.ts"

const pageSize = 200

/** What every actor of a kind answers to a query, in order of their ids. */
export const lookThrough = <A>(kind: string, message: string, answer: Schema.Codec<A, unknown>) =>
  Effect.gen(function* () {
    const client = yield* Client
    const found: Array<{ readonly id: string; readonly value: A }> = []
    let after: string | undefined
    do {
      const page = yield* client.Look({ kind, message, limit: pageSize, ...(after !== undefined && { after }) })
      for (const { id, value } of page.items)
        found.push({ id, value: yield* Effect.orDie(Schema.decodeUnknownEffect(answer)(value)) })
      after = page.next
    } while (after !== undefined)
    return found
  })

/** All devices as they are stored, at most `limit`. */
export const devicesUpTo = (limit: number) =>
  Effect.gen(function* () {
    const client = yield* Client
    const found: Array<DeviceLine> = []
    let after: string | undefined
    do {
      const page = yield* client.Devices({
        limit: Math.min(pageSize, limit - found.length),
        ...(after !== undefined && { after })
      })
      found.push(...page.devices)
      after = page.next
    } while (after !== undefined && found.length < limit)
    return found
  })
