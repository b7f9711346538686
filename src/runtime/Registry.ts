/** The kinds of actors that every node of this release serves. */
import { device } from "../actors/device/Device.ts"
import * as Registry from "../actors/Registry.ts"

export const registry: Registry.Registry = Registry.make([device])
