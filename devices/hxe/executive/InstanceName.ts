/** What a task is called: the name of its program, and a number behind it when another one has that name. */
import { Result } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import { appNameMax } from "../../../src/protocol/hxe/Hxe.ts"
import type { Refused } from "../../Refused.ts"

/** The program's name: of its header, else the stem of its file's name, else one made of the process id. */
export const baseName = (appName: string | undefined, label: string | undefined, pid: number): string => {
  const stem =
    (label ?? "")
      .split(/[/\\]/)
      .at(-1)
      ?.replace(/\.[^.]*$/, "") ?? ""
  const chosen = [appName ?? "", stem].map((name) => name.trim()).find((name) => name.length > 0) ?? `task_${pid}`
  return chosen.slice(0, appNameMax)
}

/**
 * A name no live task has: the plain one for the first instance, then `name_#0`, `name_#1`, …, shortened so that the number
 * fits. Fails with 17 when the name is taken and the image allows no second instance.
 */
export const instanceName = (
  base: string,
  isTaken: (name: string) => boolean,
  allowsMultiple: boolean
): Result.Result<string, Refused> => {
  if (!isTaken(base)) return Result.succeed(base)
  if (!allowsMultiple) return Result.fail({ code: codes.EEXIST, detail: `app_exists:${base}` })
  for (let number = 0; ; number++) {
    const suffix = `_#${number}`
    const name = base.slice(0, appNameMax - suffix.length) + suffix
    if (!isTaken(name)) return Result.succeed(name)
  }
}
