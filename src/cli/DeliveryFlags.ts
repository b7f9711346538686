/** How an image is brought to boards: flags that the commands which do it share. */
import { Flag } from "effect/cli"
import { toggle, usually } from "./Defaults.ts"
import { wholeNumber } from "./Numbers.ts"

/** Another name for the program. */
export const instance = Flag.String("instance").pipe(
  Flag.withDescription("Name of the program on its board (default: the image's)"),
  Flag.optional
)

/** How long a board may be away, s. */
export const patience = wholeNumber("patience", 1, 3600).pipe(
  usually("Seconds that a board may be away or stand still", 60)
)

/** Gone with the next restart. */
export const volatile = toggle("volatile", "Do not keep it over a restart of the board")

/** Nobody waits for the end. */
export const detach = toggle("detach", "Do not wait for the end: print what has begun")

/** Though the board failed it. */
export const again = toggle("again", "Send the image also to a board that failed it before")
