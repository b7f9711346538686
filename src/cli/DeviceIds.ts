/** Ids of devices on the command line: a board with another one would be refused for ever. */
import { Flag } from "effect/cli"
import { isDeviceId } from "../protocol/Ids.ts"

/** The longest number of a board in a fleet. */
const numberLongest = "1000010000"

const refused = (id: string): string =>
  `${id} is no id of a device: lower-case letters, digits and hyphens, at most 63, no hyphen first`

/** A device's id. */
export const deviceId = (name: string): Flag.Flag<string> => Flag.String(name).pipe(Flag.filter(isDeviceId, refused))

/** The beginning of many ids, each of which ends with a number. */
export const devicePrefix = (name: string): Flag.Flag<string> =>
  Flag.String(name).pipe(
    Flag.filter(
      (prefix) => isDeviceId(prefix + numberLongest),
      (prefix) => refused(`${prefix}${numberLongest}`)
    )
  )
