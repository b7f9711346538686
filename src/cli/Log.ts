/** The log of a process: one line an entry, on standard error, so that standard output stays for results. */
import { Logger } from "effect"

/**
 * The engine warns of this on every round while a lone node is about to join or has just left, and it does nothing then.
 * Whether a node serves is said by its health.
 */
const noise = "No healthy runners available"

const isNoise = (message: unknown): boolean => (Array.isArray(message) ? message.includes(noise) : message === noise)

/** Log format `key=value`. */
export const log = Logger.make<unknown, void>((options) => {
  if (!isNoise(options.message)) line.log(options)
})

const line = Logger.withConsoleError(Logger.formatLogFmt)
