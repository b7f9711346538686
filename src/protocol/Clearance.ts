/** Clearance: how much somebody is trusted with. Levels, each with those below it: public, operational, management, environment, viability. */
import { Schema } from "effect"

/** The highest level. */
export const clearanceMax = 4

/** A level of clearance. */
export const Clearance = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: clearanceMax }))
export type Clearance = typeof Clearance.Type
