/** The boot configuration file of a board on a computer: `boot.json` in the folder of its memories. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Result } from "effect"
import { type BootConfig, defaultBootConfig, readBootConfig } from "../nv/BootConfig.ts"
import type { Refused } from "../Refused.ts"
import { refusal } from "./ErrorCodes.ts"

/** What the file says, or what holds without one. EBADMSG for one that is wrong, EIO for one that cannot be read. */
export const readBootFile = (folder: string): Result.Result<BootConfig, Refused> => {
  try {
    return readBootConfig(readFileSync(join(folder, "boot.json"), "utf8"))
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
    return code === "ENOENT" ? Result.succeed(defaultBootConfig) : Result.fail(refusal("EIO", `boot_config: ${code}`))
  }
}
