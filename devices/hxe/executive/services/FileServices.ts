/** Calls of module 4: files below the program's own folder, and its standard output. */
import type { ServiceResult } from "../../machine/Services.ts"
import { mailboxStatus, messageFlags } from "../MailboxTypes.ts"
import { isSafePath } from "../ProgramFiles.ts"
import { bytesAt, bytesText, textAt, textBytes, writeAt } from "../TaskMemory.ts"
import { answer, chargeBytes, type ServiceCall, type ServiceModule } from "./ServiceCall.ts"

const failed = -1
const unsafePath = -22
/** Files one task may have open. */
const openFilesMax = 16
/** Largest file a program may write. */
const fileBytesMax = 0x10_0000

/** Handles of the standard streams, opened when the program was loaded, and the flags of what is written there. */
const streams: ReadonlyArray<{ readonly handle: number; readonly flags: number }> = [
  { handle: 1, flags: 0 },
  { handle: 2, flags: messageFlags.stdout },
  { handle: 3, flags: messageFlags.stderr }
]

const writeStream = (call: ServiceCall, file: number, bytes: Uint8Array): ServiceResult | undefined => {
  const stream = streams[file]
  if (stream === undefined) return undefined
  const { machine, mailboxes, task, emit } = call
  const status = mailboxes.send(task.pid, stream.handle, bytes, stream.flags, 0)
  if (status !== mailboxStatus.ok) return answer(machine, 0)
  if (stream.flags !== 0) {
    const type = stream.flags === messageFlags.stdout ? "stdout" : "stderr"
    emit(type, task.pid, { source: "stdio", text: bytesText(bytes) })
  }
  return answer(machine, bytes.length)
}

const open = (call: ServiceCall): ServiceResult => {
  const { machine, task } = call
  const path = textAt(machine.memory, machine.register(1))
  const files = call.filesOf(task.base)
  if (files === undefined) return answer(machine, failed)
  if (!isSafePath(path)) return answer(machine, unsafePath)
  if (task.files.size >= openFilesMax) return answer(machine, failed)
  if (files.read(path) === undefined && !files.write(path, new Uint8Array())) return answer(machine, failed)
  const file = task.nextFile++
  task.files.set(file, { path, position: 0 })
  return answer(machine, file)
}

const read = (call: ServiceCall): ServiceResult => {
  const { machine, task } = call
  const file = task.files.get(machine.register(1))
  const content = file && call.filesOf(task.base)?.read(file.path)
  if (file === undefined || content === undefined) return answer(machine, 0)
  const bytes = content.subarray(file.position, file.position + (machine.register(3) & 0xffff))
  const count = writeAt(machine.memory, machine.register(2), bytes)
  chargeBytes(task, count)
  file.position += count
  return answer(machine, count)
}

const write = (call: ServiceCall): ServiceResult => {
  const { machine, task } = call
  const number = machine.register(1)
  const bytes = bytesAt(machine.memory, machine.register(2), machine.register(3) & 0xffff)
  const streamed = writeStream(call, number, bytes)
  if (streamed !== undefined) return streamed
  const files = call.filesOf(task.base)
  const file = task.files.get(number)
  const content = file && files?.read(file.path)
  if (files === undefined || file === undefined || content === undefined) return answer(machine, 0)
  const end = file.position + bytes.length
  if (end > fileBytesMax) return answer(machine, 0)
  chargeBytes(task, Math.max(end, content.length))
  const changed = new Uint8Array(Math.max(end, content.length))
  changed.set(content)
  changed.set(bytes, file.position)
  if (!files.write(file.path, changed)) return answer(machine, 0)
  file.position = end
  return answer(machine, bytes.length)
}

/** Module 4. */
export const fileServices: ServiceModule = (fn, call) => {
  const { machine, task } = call
  const files = call.filesOf(task.base)
  const first = (): string => textAt(machine.memory, machine.register(1))
  const second = (): string => textAt(machine.memory, machine.register(2))
  const done = (isDone: boolean | undefined): ServiceResult => answer(machine, isDone === true ? 0 : failed)
  switch (fn) {
    case 0:
      return open(call)
    case 1:
      return read(call)
    case 2:
      return write(call)
    case 3:
      return done(task.files.delete(machine.register(1)))
    case 10: {
      const path = first() === "." ? "" : first()
      if (path !== "" && !isSafePath(path)) return answer(machine, 0)
      const names = textBytes((files?.list(path) ?? []).join("\n"))
      return answer(
        machine,
        writeAt(machine.memory, machine.register(2), names.subarray(0, machine.register(3) & 0xffff))
      )
    }
    case 11:
      return done(isSafePath(first()) && files?.remove(first()))
    case 12:
      return done(isSafePath(first()) && isSafePath(second()) && files?.rename(first(), second()))
    case 13:
      return done(isSafePath(first()) && files?.makeFolder(first()))
    default:
      return "unknown"
  }
}
