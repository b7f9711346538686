/**
 * How a VSM rests: its head, and a part for each child, spawn, adoption, ailing actor, VSM below and page of units. The part `supervisor` is
 * who is told when the VSM itself is quarantined: it is read alone, whether or not the rest still loads.
 */
import { Schema } from "effect"
import { SpawnView } from "../../protocol/vsm/Spawn.ts"
import { AdoptionView, Ailing, ChildInfo, Digest, UnitInfo, VsmState } from "../../protocol/vsm/VsmState.ts"
import type { Storage } from "../Behaviour.ts"
import { supervisorPart } from "../Supervisor.ts"
import { noUnits } from "./Units.ts"

const {
  children: _,
  spawns: __,
  adoptions: ___,
  ailing: ____,
  units: _____,
  digests: ______,
  said: _______,
  ...headFields
} = VsmState.fields
const decodeHead = Schema.decodeUnknownSync(Schema.Struct(headFields))

/** The keys of a map and what was decoded of it: a newer node may have written more. */
const keeping = <A extends object>(value: unknown, decoded: A): A => ({ ...Object(value), ...decoded })

/** One kind of parts: their prefix, and how one is read. */
const parted = <A extends object>(prefix: string, schema: Schema.Codec<A, unknown>) => {
  const decode = Schema.decodeUnknownSync(schema)
  return {
    put: (parts: Map<string, unknown>, values: ReadonlyMap<string, A>): void => {
      for (const [key, value] of values) parts.set(prefix + key, value)
    },
    read: (parts: ReadonlyMap<string, unknown>): ReadonlyArray<A> => {
      const found: Array<A> = []
      for (const [key, part] of parts) if (key.startsWith(prefix)) found.push(keeping(part, decode(part)))
      return found
    }
  }
}

const childParts = parted("child/", ChildInfo)
const spawnParts = parted("spawn/", SpawnView)
const adoptionParts = parted("adoption/", AdoptionView)
const ailingParts = parted("ailing/", Ailing)

const digestParts = parted("below/", Digest)
/** One part for what was told above: it changes far more often than the head. */
const saidPart = "said"
const decodeSaid = Schema.decodeUnknownSync(VsmState.fields.said.schema)

const unitPrefix = "units/"
const decodeUnits = Schema.decodeUnknownSync(Schema.Array(UnitInfo))
const listed = (part: unknown): ReadonlyArray<unknown> => (Array.isArray(part) ? part : [])

/** Key of an ailing actor. */
export const ailingKey = ({ kind, id }: { readonly kind: string; readonly id: string }): string => `${kind}/${id}`

/** Cuts a VSM into head and parts, and joins it again. */
export const storage: Storage<VsmState> = {
  split: ({ children, spawns, adoptions, ailing, units, digests, said, ...head }) => {
    const parts = new Map<string, unknown>()
    const parent = head.path.at(-2)
    if (parent !== undefined) parts.set(supervisorPart, parent)
    childParts.put(parts, children)
    spawnParts.put(parts, spawns)
    adoptionParts.put(parts, adoptions)
    ailingParts.put(parts, ailing)
    digestParts.put(parts, digests)
    if (said !== undefined) parts.set(saidPart, said)
    for (const [number, page] of units.entries()) if (page.length > 0) parts.set(`${unitPrefix}${number}`, page)
    return { head, parts }
  },
  join: (head, parts) => ({
    ...keeping(head, decodeHead(head)),
    children: new Map(childParts.read(parts).map((child) => [child.id, child])),
    spawns: new Map(spawnParts.read(parts).map((spawn) => [spawn.child, spawn])),
    adoptions: new Map(adoptionParts.read(parts).map((adoption) => [adoption.unit, adoption])),
    ailing: new Map(ailingParts.read(parts).map((ailing) => [ailingKey(ailing), ailing])),
    digests: new Map(digestParts.read(parts).map((digest) => [digest.id, digest])),
    ...(parts.has(saidPart) ? { said: decodeSaid(parts.get(saidPart)) } : {}),
    units: noUnits.map((empty, number) => {
      const part = parts.get(`${unitPrefix}${number}`)
      if (part === undefined) return empty
      const raw = listed(part)
      return decodeUnits(part).map((unit, at) => keeping(raw[at], unit))
    })
  })
}
