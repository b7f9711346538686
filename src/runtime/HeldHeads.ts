/**
 * Keeps the last signed head of every chain in the data folder of this node. Somebody who rules the database can cut off the end of
 * a chain there, and everything that says so; not what each node keeps on its own disk.
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Layer, Result, Schedule, Schema } from "effect"
import { KeyRing, sealFault } from "../protocol/audit/AuditKey.ts"
import { Witness } from "../protocol/audit/Auditor.ts"
import { hexOf } from "../protocol/audit/Hash.ts"
import { headContext, type Seal } from "../protocol/audit/Sealed.ts"
import { encodeHead, hashOfHead, type Segment } from "../protocol/audit/Segment.ts"
import { AuditLog } from "../systems/audit/AuditLog.ts"
import { HeldHeads } from "../systems/audit/HeldHeads.ts"
import { makeFolder, reasonOf, writeSecret } from "./storage/DataFolder.ts"

/** The heads cannot be read or kept. Permanent until somebody mends the folder. */
export class HeldHeadsUnreadable extends Schema.TaggedError<HeldHeadsUnreadable>()("HeldHeadsUnreadable", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.path} does not hold the heads of audit chains (${this.reason}); put it back, or take it away: then this node holds what it finds from now on`
  }
}

/** A segment is sealed every 10 s at most often, unless much is done. */
const lookEvery = "2 seconds"

const Kept = Schema.fromJsonString(Schema.Record(Schema.String, Witness))
const decode = Schema.decodeUnknownResult(Kept)
const encode = Schema.encodeSync(Kept)

const make = (data: string) =>
  Effect.gen(function* () {
    const log = yield* AuditLog
    const path = join(data, "audit-heads.json")

    const attempt = <A>(run: () => A) =>
      Effect.try({ try: run, catch: (cause) => new HeldHeadsUnreadable({ path, reason: reasonOf(cause) }) })

    const read = () => {
      const found = decode(existsSync(path) ? readFileSync(path, "utf8") : "{}")
      // What a schema says of it has several lines.
      if (Result.isFailure(found)) throw new Error("it holds something else")
      return Object.entries(found.success)
    }
    const held = new Map<string, Witness>(yield* attempt(read))
    /** Chains that do not go on from what is held: said once. */
    const suspects = new Set<string>()

    const suspect = (vsm: string, segment: number) => {
      if (suspects.has(vsm)) return Effect.void
      suspects.add(vsm)
      return Effect.logError(
        `the audit chain of ${vsm} does not go on behind segment ${segment}; see: holon audit verify`
      )
    }

    /** Kept until a key is not in it: checking the certificates of years takes a while. */
    let ring = new KeyRing([])
    const isGood = Effect.fnUntraced(function* (head: Segment, seal: Seal) {
      if (ring.find(seal.keyId) === undefined) ring = new KeyRing(yield* log.keys)
      return sealFault(ring, seal, encodeHead(head), headContext, head.sealedAt) === undefined
    })

    /** Whether what is held is still in the chain: only then is what comes behind it worth holding. */
    const goesOn = Effect.fnUntraced(function* (vsm: string) {
      const own = held.get(vsm)
      if (own === undefined) return true
      const [stored] = yield* log.segments(vsm, own.segment, 1)
      return stored?.head.segment === own.segment && own.head === hexOf(hashOfHead(stored.head))
    })

    const look = Effect.gen(function* () {
      let isChanged = false
      const segments = yield* log.lastSegments
      for (const { head, seal } of segments) {
        const own = held.get(head.vsm)
        const hash = hexOf(hashOfHead(head))
        if (own?.segment === head.segment && own.head === hash) continue
        // A chain that is older than the keys.
        if (own === undefined && seal === undefined) continue
        const isLater = own === undefined || head.segment > own.segment
        if (isLater && seal !== undefined && (yield* goesOn(head.vsm)) && (yield* isGood(head, seal))) {
          held.set(head.vsm, { segment: head.segment, head: hash })
          isChanged = true
        } else yield* suspect(head.vsm, own?.segment ?? 0)
      }
      if (!isChanged) return
      yield* attempt(() => {
        makeFolder(data)
        writeSecret(path, encode(Object.fromEntries(held)))
      })
    })

    yield* Effect.forkScoped(
      look.pipe(
        Effect.catch((error) => Effect.logWarning("the heads of audit chains were not kept", error)),
        Effect.repeat(Schedule.spaced(lookEvery))
      )
    )
    return { held: (vsm: string) => held.get(vsm) }
  })

/** Holds heads for as long as it runs. */
export const layer = (data: string): Layer.Layer<never, HeldHeadsUnreadable, AuditLog> =>
  Layer.effect(HeldHeads, make(data))
