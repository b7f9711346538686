/** Request ids from a seed. */
import { uuidV7 } from "../protocol/Ids.ts"
import type { Random } from "./Random.ts"

/** A UUIDv7 made at this instant, ms since 1970. */
export const requestIdAt = (millis: number, random: Random): string =>
  uuidV7(Math.floor(millis), (count) => Uint8Array.from({ length: count }, () => Math.floor(random() * 256)))
