/** The boot configuration file of a board on a computer: `boot.json` or `boot.toml` in the folder of its memories. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Result } from "effect"
import { type BootConfig, defaultBootConfig, readBootConfig } from "../nv/BootConfig.ts"
import type { Refused } from "../Refused.ts"
import { refusal } from "./ErrorCodes.ts"
import { readListText } from "./transports/ListText.ts"

/** The text of a file; undefined where there is none. */
const textOf = (path: string): Result.Result<string | undefined, Refused> => {
  try {
    return Result.succeed(readFileSync(path, "utf8"))
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
    return code === "ENOENT" ? Result.succeed(undefined) : Result.fail(refusal("EIO", `boot_config: ${code}`))
  }
}

const readToml = (text: string): Result.Result<BootConfig, Refused> => {
  const read = readListText(text, "toml")
  if (Result.isSuccess(read)) return readBootConfig(JSON.stringify(read.success))
  return Result.fail(refusal("EBADMSG", `boot_config: line ${read.failure.line}: ${read.failure.reason}`))
}

/**
 * What the file says, or what holds without one. JSON counts where both are there. EBADMSG for one that is wrong, EIO for one
 * that cannot be read.
 */
export const readBootFile = (folder: string): Result.Result<BootConfig, Refused> =>
  Result.flatMap(textOf(join(folder, "boot.json")), (json) => {
    if (json !== undefined) return readBootConfig(json)
    return Result.flatMap(textOf(join(folder, "boot.toml")), (toml) =>
      toml === undefined ? Result.succeed(defaultBootConfig) : readToml(toml)
    )
  })
