/** Who asks, as policies see it. */
import type { Asker } from "../../../protocol/Asker.ts"
import { clearanceMax } from "../../../protocol/Clearance.ts"
import type { Principal } from "../../../protocol/policy/Request.ts"

/** Of an operator who has not all rights, and of whom the config says nothing. */
const clearanceOfFew = 1

const clearanceOf = ({ role, may, clearance }: Asker): number => {
  if (clearance !== undefined) return clearance
  if (role === "internal") return clearanceMax
  if (role !== "operator") return 0
  return may === undefined ? clearanceMax : clearanceOfFew
}

/** Everything, as a right. */
const all: ReadonlyArray<string> = ["*"]
const none: ReadonlyArray<string> = []

/** The principal of an asker; its scopes are its rights as the config has them, `*` for one who has all. */
export const principalOf = (asker: Asker): Principal => ({
  kind: asker.kind,
  id: asker.id,
  zones: asker.zones ?? none,
  clearance: clearanceOf(asker),
  scopes: asker.may ?? all
})
