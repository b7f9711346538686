/** Ends a process when this one is gone, however it went: after a SIGKILL nothing of ours runs that could. */
import { spawn } from "node:child_process"

/** Reads a line, or the end of its input, which comes when the other end of the pipe has died. */
const script = 'read -r word || kill -INT "$0"'

/**
 * Sends SIGINT to `pid` when this process dies. Call what it answers as soon as that process has ended, before its number
 * can be another's; `done` follows when the leash itself is gone. Nothing happens where there is no `sh`.
 */
export const leash = (pid: number): ((done: () => void) => void) => {
  const watcher = spawn("sh", ["-c", script, String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    env: { PATH: "/usr/bin:/bin" },
    cwd: "/",
    // Ctrl-C in a terminal is not for it.
    detached: true
  })
  const ended = new Promise<void>((resolve) => {
    watcher.once("exit", () => resolve())
    watcher.once("error", () => resolve())
  })
  // A watcher that was killed before.
  watcher.stdin.on("error", () => {})
  return (done) => {
    watcher.stdin.end("released\n")
    void ended.then(done)
  }
}
