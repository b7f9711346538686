/** Calls of module 5: mailboxes. */
import type { Machine } from "../../machine/Machine.ts"
import type { ServiceResult } from "../../machine/Services.ts"
import { messageData } from "../Mailboxes.ts"
import { type Message, mailboxStatus, timeoutInfinite } from "../MailboxTypes.ts"
import type { ReceiveTarget } from "../Task.ts"
import { bytesAt, textAt, writeAt } from "../TaskMemory.ts"
import { answer, type ServiceCall, type ServiceModule } from "./ServiceCall.ts"

/** Statuses that are part of normal work; the others are told as an error. */
const quiet: ReadonlySet<number> = new Set([mailboxStatus.ok, mailboxStatus.wouldBlock, mailboxStatus.noData])

/** Tells of a failed call, and gives the status back. */
const told = ({ task, emit }: ServiceCall, fn: number, status: number, error: string): number => {
  if (!quiet.has(status)) emit("mailbox_error", task.pid, { fn, error, status })
  return status
}

/**
 * Hands the outcome of a receive to the program: the bytes, the registers R0 to R4 and the block. What is longer than the
 * buffer is cut, and the rest is lost.
 */
export const deliver = (
  machine: Machine,
  target: ReceiveTarget,
  status: number,
  message: Message | undefined
): void => {
  const data = message?.data.subarray(0, target.bytesMax) ?? new Uint8Array()
  writeAt(machine.memory, target.buffer, data)
  const results = [data.length, message?.flags ?? 0, message?.channel ?? 0, message?.sourcePid ?? 0]
  answer(machine, status, ...results.map((result) => result & 0xffff))
  if (target.info === 0) return
  const block = new DataView(new ArrayBuffer(20))
  for (const [index, word] of [status, ...results].entries()) block.setUint32(4 * index, word, true)
  writeAt(machine.memory, target.info, new Uint8Array(block.buffer))
}

const receive = (fn: number, call: ServiceCall): ServiceResult => {
  const { machine, task, mailboxes, emit, now, park, isHandler } = call
  const handle = machine.register(1)
  const timeout = machine.register(4) & 0xffff
  const target: ReceiveTarget = {
    buffer: machine.register(2) & 0xffff,
    bytesMax: machine.register(3) & 0xffff,
    info: machine.register(5) & 0xffff
  }
  const { status, mailbox, message } = mailboxes.receive(task.pid, handle)
  if (mailbox !== undefined && message !== undefined) {
    deliver(machine, target, status, message)
    emit("mailbox_recv", task.pid, messageData(mailbox.id, handle, message))
    return "done"
  }
  if (mailbox === undefined || timeout === 0) {
    deliver(machine, target, told(call, fn, status, "receive"), undefined)
    return "done"
  }
  if (isHandler) return "waiting"
  const deadline = timeout === timeoutInfinite ? undefined : now() + timeout
  emit("mailbox_wait", task.pid, { descriptor: mailbox.id, handle, timeout, deadline: deadline ?? null })
  mailboxes.wait(task.pid, handle)
  park(task, { kind: "mailbox", mailbox: mailbox.id, handle, timeout, deadline, target })
  return "waiting"
}

/** Module 5. No call but a receive with a timeout waits. */
export const mailboxServices: ServiceModule = (fn, call) => {
  const { machine, task, mailboxes } = call
  const { pid } = task
  switch (fn) {
    case 0: {
      const opened = mailboxes.open(pid, textAt(machine.memory, machine.register(1)))
      return answer(machine, told(call, fn, opened.status, "open"), "handle" in opened ? opened.handle : 0)
    }
    case 1: {
      const bound = mailboxes.bind(pid, textAt(machine.memory, machine.register(1)), {
        capacity: machine.register(2) & 0xffff,
        mode: machine.register(3) & 0xffff
      })
      return answer(machine, told(call, fn, bound.status, "bind"), "mailbox" in bound ? bound.mailbox.id : 0)
    }
    case 2: {
      const data = bytesAt(machine.memory, machine.register(2), machine.register(3) & 0xffff)
      const flags = machine.register(4) & 0xffff
      const status = mailboxes.send(pid, machine.register(1), data, flags, machine.register(5) & 0xffff, true)
      return answer(machine, told(call, fn, status, "send"), status === mailboxStatus.ok ? data.length : 0)
    }
    case 3:
      return receive(fn, call)
    case 4: {
      const { status, depth, bytesUsed, nextLength } = mailboxes.peek(pid, machine.register(1))
      return answer(machine, told(call, fn, status, "peek"), depth, bytesUsed, nextLength)
    }
    case 5: {
      const status = mailboxes.tap(pid, machine.register(1), (machine.register(2) & 1) === 1)
      return answer(machine, told(call, fn, status, "tap"))
    }
    case 6:
      return answer(machine, told(call, fn, mailboxes.close(pid, machine.register(1)), "close"))
    default:
      return "unknown"
  }
}
