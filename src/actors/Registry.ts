/** The kinds of actors a node knows, with their codecs compiled. Every surface is derived from it. */
import type { AnyBehaviour } from "./Behaviour.ts"
import { type ContractCodec, compile } from "./Codec.ts"

/** A behaviour ready to run. */
export interface Kind {
  readonly behaviour: AnyBehaviour
  readonly codec: ContractCodec
}

/** Kinds by name. */
export type Registry = ReadonlyMap<string, Kind>

/** Makes a registry; two behaviours of one kind are a bug of the program. */
export const make = (behaviours: ReadonlyArray<AnyBehaviour>): Registry => {
  const registry = new Map<string, Kind>()
  for (const behaviour of behaviours) {
    const { kind } = behaviour.contract
    if (registry.has(kind)) throw new Error(`two behaviours of kind ${kind}`)
    registry.set(kind, { behaviour, codec: compile(behaviour.contract) })
  }
  return registry
}
