/** Calls of module 8: commands. A program calls its own commands, at the lowest level. */
import { authLevels } from "../../../../src/protocol/hxe/Hxe.ts"
import { commandDescriptor } from "../Descriptors.ts"
import { mailboxStatus } from "../MailboxTypes.ts"
import { oidOf, registryStatus } from "../RegistryStatus.ts"
import { textAt, textBytes, writeAt } from "../TaskMemory.ts"
import { answer, type ServiceModule } from "./ServiceCall.ts"

/** Calls that wait to be run, per task. */
const pendingCallsMax = 8

/** Module 8. */
export const commandServices: ServiceModule = (fn, { machine, task, commands, mailboxes, runCommand, isHandler }) => {
  const { pid } = task
  const first = machine.register(1)
  const second = machine.register(2)
  const oid = first & 0xffff
  const token = (second & 0xffff) === 0 ? undefined : textAt(machine.memory, second)
  switch (fn) {
    case 0: {
      const flags = machine.register(3) & 0xff
      const declaration = commandDescriptor(machine.memory, first & 0xff, second & 0xff, flags, machine.register(4))
      if (declaration === undefined) return answer(machine, registryStatus.invalid, 0)
      const { status, oid: registered } = commands.register(pid, declaration, { isCall: true })
      return answer(machine, status, registered)
    }
    case 1: {
      const record = commands.find(pid, oidOf(first, second))
      return record === undefined
        ? answer(machine, registryStatus.notFound, 0)
        : answer(machine, registryStatus.ok, record.oid)
    }
    case 2: {
      // A handler that called commands could call itself without end.
      if (isHandler) return answer(machine, registryStatus.failed, 0)
      const { status, result } = runCommand(task, oid, token)
      return answer(machine, status, result)
    }
    case 3: {
      const permitted = commands.permit({ oid, caller: pid, level: authLevels.public, token, isAsync: true })
      if (permitted.status !== registryStatus.ok) return answer(machine, permitted.status, 0)
      if (task.pendingCalls.length >= pendingCallsMax) return answer(machine, registryStatus.noSpace, 0)
      const opened = mailboxes.open(pid, textAt(machine.memory, machine.register(3)))
      if (!("handle" in opened)) {
        const isFull = opened.status === mailboxStatus.noDescriptor
        return answer(machine, isFull ? registryStatus.noSpace : registryStatus.invalid, 0)
      }
      task.pendingCalls = [...task.pendingCalls, { oid, handle: opened.handle }]
      return answer(machine, registryStatus.ok, opened.handle)
    }
    case 4: {
      const record = commands.find(pid, oid)
      if (record === undefined) return answer(machine, registryStatus.notFound, 0)
      if (record.owner !== pid && record.declaration.authLevel > authLevels.public) {
        return answer(machine, registryStatus.notPermitted, 0)
      }
      const room = machine.register(3) & 0xffff
      if (room === 0) return answer(machine, registryStatus.invalid, 0)
      const help = textBytes(record.declaration.help ?? "").subarray(0, room - 1)
      return answer(machine, registryStatus.ok, writeAt(machine.memory, second, Uint8Array.of(...help, 0)))
    }
    default:
      return "unknown"
  }
}
