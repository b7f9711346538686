/** Tells a living process from another one that was given its number later. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"

const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()

/** Fields of `/proc/PID/stat` after the name, which may hold spaces: proc(5). State is the first, start time the 20th. */
const linuxIdentity = (pid: number): string | undefined => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const isDead = fields[0] === "Z" || fields[0] === "X"
  return isDead ? undefined : `${bootId()} ${fields[19]}`
}

const otherIdentity = (pid: number): string | undefined => {
  const started = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim()
  return started === "" ? undefined : started
}

/** Text that is the same for as long as this process lives and never returns after it; `undefined` once it is dead. */
export const identityOf = (pid: number): string | undefined => {
  try {
    return process.platform === "linux" ? linuxIdentity(pid) : otherIdentity(pid)
  } catch {
    // Neither `/proc` nor `ps` knows the number: there is no such process.
    return undefined
  }
}
