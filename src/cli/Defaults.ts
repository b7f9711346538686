/** Flags that may be left out, and say what is taken then. */
import { Flag } from "effect/cli"

/** A number with this default, which stands in its description. */
export const usually =
  (about: string, fallback: number) =>
  (flag: Flag.Flag<number>): Flag.Flag<number> =>
    flag.pipe(Flag.withDescription(`${about} (default: ${fallback})`), Flag.withDefault(fallback))

/** A switch that is off unless it is given. */
export const toggle = (name: string, about: string): Flag.Flag<boolean> =>
  Flag.Boolean(name).pipe(Flag.withDescription(about), Flag.withDefault(false))
