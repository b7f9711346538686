/**
 * Ends this process when the one that started it has gone, however that ended: nobody else would. Loaded before a program
 * that the bootstrap runs as its child. The channel between them closes with the parent, so nothing has to be looked at
 * again and again.
 */

/** Set by the bootstrap, for its child alone: processes that this one starts have their own parents to look after. */
const variable = "HOLON_LEASHED"

if (process.env[variable] !== undefined && process.channel) {
  delete process.env[variable]
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"))
  // A program that has nothing left to do ends, also while its parent lives.
  process.channel.unref()
}
