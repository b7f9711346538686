/** Zones on the command line: how they are given, and what is said of a device's. */
import { Schema } from "effect"
import { Argument, Flag } from "effect/cli"
import type { ZoneView } from "../protocol/Device.ts"
import { Zone } from "../protocol/Zone.ts"

const isZone = Schema.is(Zone)

const refused = (given: string): string =>
  `${given} is no zone: one to six names of a-z, 0-9 and - with dots between them, 24 characters each at most`

/** A zone as an argument. */
export const zoneArgument: Argument.Argument<string> = Argument.String("zone").pipe(Argument.filter(isZone, refused))

/** A zone as a flag. */
export const zoneFlag: Flag.Flag<string> = Flag.String("zone").pipe(Flag.filter(isZone, refused))

const sayers = { people: "people say so", rule: "a rule of the config", board: "its board says so" } as const

/** As `zone hall.line-3 (people say so)`. */
export const zoneWords = ({ zone, zoneBy }: ZoneView): string =>
  zone === undefined ? "no zone" : `zone ${zone}${zoneBy === undefined ? "" : ` (${sayers[zoneBy]})`}`
