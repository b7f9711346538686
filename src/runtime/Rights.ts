/** The rights that operators can be given, and what is wrong with those that a config names. */
import { Option } from "effect"
import type { Registry } from "../actors/Registry.ts"
import { isForPeople } from "../gateways/http/Describe.ts"
import { operationRights } from "../gateways/http/Needs.ts"
import { matches } from "../protocol/Capability.ts"
import { nearest } from "../protocol/Nearest.ts"
import type { ClusterConfig } from "./Config.ts"

/** Every right that a message for people or an operation needs, in order of the names. */
export const rightsOf = (registry: Registry): ReadonlyArray<string> => {
  const messages = [...registry.values()].flatMap(({ behaviour: { contract } }) =>
    Object.values(contract.messages)
      .filter(isForPeople)
      .map(({ capability }) => capability)
  )
  return [...new Set([...messages, ...Object.keys(operationRights)])].sort()
}

const familyOf = (right: string): string => `${right.split(".", 1)[0]}.*`

/** The first right that no message and no operation needs, as a sentence: a misspelt one would withhold what it meant to give. */
export const findUnknownRight = (
  { tokens: { operators } }: ClusterConfig,
  known: ReadonlyArray<string>
): Option.Option<string> => {
  for (const [name, entry] of Object.entries(operators)) {
    const may = entry.may ?? []
    const at = may.findIndex((glob) => !known.some((right) => matches(glob, right)))
    const wrong = may[at]
    if (wrong === undefined) continue
    const families = [...new Set(known.map(familyOf))]
    const near = nearest(wrong, wrong.includes("*") ? families : known)
    const hint = near.length === 0 ? `the rights are ${known.join(", ")}` : `did you mean ${near.join(" or ")}?`
    return Option.some(`tokens.operators.${name}.may.${at}: there is no right ${wrong} (${hint})`)
  }
  return Option.none()
}
