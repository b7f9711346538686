/** What an act moves, as a claim names it: a command or a field of a device, so that a stop does not wait for a homing run. */
import { Schema } from "effect"
import type { Step } from "../../../protocol/intent/Plan.ts"
import { type ClaimToken, Resource } from "../../../protocol/vsm/Claim.ts"
import type { VsmId } from "../../../protocol/vsm/VsmId.ts"

const isResource = Schema.is(Resource)
const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> => Object(value)

/** The device that a step is for; nothing where it is for none. */
export const deviceOf = ({ kind, id, payload }: Pick<Step, "kind" | "id" | "payload">): string | undefined => {
  if (kind === "device") return id
  // The id of a program is that of its device, a colon, and its name there.
  if (kind === "program") return id.split(":")[0]
  const device = kind === "session" ? fieldsOf(payload)["device"] : undefined
  return typeof device === "string" ? device : undefined
}

const partOf = ({ kind, id, message, payload }: Step): string | undefined => {
  if (kind === "program") return `program.${id.slice(id.indexOf(":") + 1)}`
  if (message === "Invoke") return `command.${fieldsOf(payload)["name"]}`
  const fields = message === "SetDesired" ? Object.keys(Object(fieldsOf(payload)["patch"])) : []
  return fields.length === 1 ? `desired.${fields[0]}` : undefined
}

/** The resource that a step needs; nothing where it is for no device. What cannot be named apart needs the whole device. */
export const resourceOf = (step: Step): string | undefined => {
  const device = deviceOf(step)
  if (device === undefined) return undefined
  const whole = `device/${device}`
  const part = partOf(step)
  return part !== undefined && isResource(`${whole}/${part}`) ? `${whole}/${part}` : whole
}

const isFenced = ({ kind, message }: Step): boolean =>
  kind === "device" && (message === "Invoke" || message === "SetDesired")

/** What a message says of the claim it comes under; nothing where its receiver does not ask. */
export const tokenOf = (step: Step, vsm: VsmId, fence: number | undefined): ClaimToken | undefined => {
  const resource = isFenced(step) && fence !== undefined ? resourceOf(step) : undefined
  return resource === undefined || fence === undefined ? undefined : { vsm, resource, fence }
}
