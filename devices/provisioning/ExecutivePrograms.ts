/** The program executive of this board as the provisioning service needs it. */
import { Result } from "effect"
import type { HxeHeader } from "../../src/protocol/hxe/Hxe.ts"
import type { Executive } from "../hxe/executive/Executive.ts"
import type { ProgramHost } from "./ProgramHost.ts"
import { sourceText } from "./Source.ts"

/** `isLocked` says which programs a debugger holds; without it none is. */
export const executivePrograms = (
  executive: Executive,
  isLocked: (pid: number) => boolean = () => false
): ProgramHost => {
  const replacedBy = ({ appName }: HxeHeader, replaces: boolean): ReadonlyArray<number> =>
    replaces && appName !== undefined ? executive.instancesOf(appName) : []
  const isAlive = (pid: number): boolean => {
    const state = executive.task(pid)?.state
    return state !== undefined && state !== "loading" && state !== "killed"
  }
  return {
    reserve: ({ label, pidHint, source }) =>
      executive.reserve({
        source: sourceText(source),
        ...(label === undefined ? {} : { label }),
        ...(pidHint === undefined ? {} : { pidHint })
      }),
    admit: (pid, header, replaces) => executive.admit(header, pid, replacedBy(header, replaces)),
    checkName: (header, replaces) => {
      const name = executive.checkName(header, { replaces: replacedBy(header, replaces) })
      return Result.isFailure(name) ? name.failure : undefined
    },
    checkImage: (pid, image, replaces) => executive.checkImage(image, pid, replacedBy(image.header, replaces)),
    register: (pid, image, { autostart, fileCrc32, label, replaces, source }) =>
      Result.map(
        executive.load(image, {
          pid,
          autostart,
          replaces,
          source: sourceText(source),
          identity: { crc32: fileCrc32 },
          ...(label === undefined ? {} : { label })
        }),
        ({ callMode, commands, mailboxes, name, restored, values, warnings }) => ({
          appInstance: name,
          values: values.length,
          commands: commands.length,
          mailboxes: mailboxes.length,
          callMode,
          warnings,
          restored: Object.values(restored).some((count) => count > 0) ? restored : undefined
        })
      ),
    release: (pid) => executive.release(pid),
    kill: (pid) => executive.remove(pid),
    instancesOf: (appName) => executive.instancesOf(appName),
    isLocked,
    isAlive
  }
}
