/** The rights of those who wrote patterns, as the config of this node has them now. */
import { Layer } from "effect"
import { refusalOf } from "../actors/Guard.ts"
import { AuthorRights, accountOf, rightToTell } from "../actors/pattern/AuthorRights.ts"
import type { Registry } from "../actors/Registry.ts"
import type { Asker } from "../protocol/Asker.ts"
import type { ClusterConfig } from "./Config.ts"

/** Nobody who has the data folder is refused, and no author that is no account. One whose account is gone has no rights. */
export const layer = (
  { tokens: { operators } }: Pick<ClusterConfig, "tokens">,
  registry: Registry
): Layer.Layer<never> =>
  Layer.succeed(AuthorRights, {
    missing: (author, { kind, message }) => {
      const id = accountOf(author)
      if (id === undefined || id === "local") return undefined
      const told = registry.get(kind)?.behaviour
      if (told?.contract.messages[message]?.audience === "public") return undefined
      const account = Object.hasOwn(operators, id) ? operators[id] : undefined
      const may = account === undefined ? [] : account.may
      const asker: Asker = { kind: "user", id, role: "operator", ...(may !== undefined && { may }) }
      const capability = rightToTell(told, message)
      return refusalOf(asker, { capability, message, target: kind }) === undefined ? undefined : capability
    }
  })
