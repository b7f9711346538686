/** Calls of module 7: values. A program calls at the lowest level. */
import { authLevels } from "../../../../src/protocol/hxe/Hxe.ts"
import { valueDescriptor } from "../Descriptors.ts"
import { mailboxStatus } from "../MailboxTypes.ts"
import { oidOf, registryStatus } from "../RegistryStatus.ts"
import { textAt, writeAt } from "../TaskMemory.ts"
import { answer, type ServiceModule } from "./ServiceCall.ts"

/** Module 7. */
export const valueServices: ServiceModule = (fn, { machine, task, values, mailboxes }) => {
  const { pid } = task
  const first = machine.register(1)
  const second = machine.register(2)
  const oid = first & 0xffff
  switch (fn) {
    case 0: {
      const flags = machine.register(3) & 0xff
      const declaration = valueDescriptor(machine.memory, first & 0xff, second & 0xff, flags, machine.register(4))
      if (declaration === undefined) return answer(machine, registryStatus.invalid, 0)
      const { status, oid: registered } = values.register(pid, declaration, {
        persistKeyBase: task.persistKeyBase,
        isCall: true
      })
      return answer(machine, status, registered)
    }
    case 1: {
      const record = values.find(pid, oidOf(first, second))
      return record === undefined
        ? answer(machine, registryStatus.notFound, 0)
        : answer(machine, registryStatus.ok, record.oid)
    }
    case 2: {
      const got = values.get(pid, oid, authLevels.public)
      return "bits" in got ? answer(machine, got.bits, got.status) : answer(machine, got.status, got.status)
    }
    case 3:
      return answer(machine, values.set(pid, oid, second, authLevels.public))
    case 4: {
      const records = values.ofOwner(pid, first & 0xff).slice(0, machine.register(3))
      const list = new DataView(new ArrayBuffer(2 * records.length))
      for (const [index, record] of records.entries()) list.setUint16(2 * index, record.oid, true)
      const written = writeAt(machine.memory, second, new Uint8Array(list.buffer))
      return answer(machine, registryStatus.ok, written >> 1)
    }
    case 5: {
      const opened = mailboxes.open(pid, textAt(machine.memory, second))
      if (!("handle" in opened)) {
        const isFull = opened.status === mailboxStatus.noDescriptor
        return answer(machine, isFull ? registryStatus.noSpace : registryStatus.invalid, 0)
      }
      const status = values.subscribe(pid, oid, opened.handle)
      if (status === registryStatus.ok) return answer(machine, status, opened.handle)
      mailboxes.close(pid, opened.handle)
      return answer(machine, status, 0)
    }
    case 6:
      return answer(machine, values.persist(pid, oid, second))
    default:
      return "unknown"
  }
}
