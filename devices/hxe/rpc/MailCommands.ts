/** Commands about mailboxes: what there is, what programs print, and messages for them. */
import { Result, Schema } from "effect"
import { HostAccess } from "../executive/HostAccess.ts"
import type { MailboxRow } from "../executive/Mailboxes.ts"
import { hostPid, modeBits } from "../executive/MailboxTypes.ts"
import { type Fields, type Refusal, refuse, refused, wrongField } from "./Answer.ts"
import { type Commands, command } from "./Command.ts"
import { base64Bytes, hexBytes, hexOf, maybe, pid, positive, text, u16 } from "./Fields.ts"
import type { RpcBoard } from "./RpcBoard.ts"

/** Messages of one request, and bytes of each, unless other numbers are asked for. */
const listening = { messages: 16, messagesMax: 256, bytes: 512, bytesMax: 4096 } as const

const streams = Schema.Literals(["in", "out", "err"])

/** What a stream does when nobody reads it: as it was made, or every reader sees all and the writer never or always waits. */
const fanouts: Readonly<Record<"off" | "drop" | "block", number>> = {
  off: modeBits.readWrite,
  drop: modeBits.readWrite | modeBits.fanout | modeBits.fanoutDrop,
  block: modeBits.readWrite | modeBits.fanout | modeBits.fanoutBlock
}

const rowFields = (row: MailboxRow): Fields => ({
  descriptor: row.descriptor,
  target: row.target,
  owner_pid: row.owner,
  capacity: row.capacity,
  mode_mask: row.mode,
  queue_depth: row.depth,
  bytes_used: row.bytesUsed,
  handles: row.handles,
  taps: row.taps,
  waiters: row.waiters
})

/** Mailboxes of one program, or of all. */
export const mailboxRows = (board: RpcBoard, owner?: number): ReadonlyArray<Fields> =>
  board.executive.parts.mailboxes
    .list()
    .filter((row) => owner === undefined || row.owner === owner)
    .map(rowFields)

/** What of a text is shown for bytes that may be none. */
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** Commands for mail. */
export const mailCommands = (board: RpcBoard): Commands => {
  const { executive } = board
  const host = new HostAccess(executive)
  const missing = (number: number): Refusal | undefined =>
    executive.task(number) === undefined ? refuse("ESRCH", `pid:${number}`, { pid: number }) : undefined

  return {
    mailbox_snapshot: command({
      needs: "status",
      fields: Schema.Struct({}),
      run: () => Result.succeed({ descriptors: mailboxRows(board) })
    }),

    list: command({
      needs: "status",
      fields: Schema.Struct({ pid }),
      run: ({ pid: number }) => {
        const none = missing(number)
        return none === undefined ? Result.succeed({ channels: mailboxRows(board, number) }) : Result.fail(none)
      }
    }),

    listen: command({
      needs: "inspect",
      fields: Schema.Struct({
        pid: maybe(pid),
        target: maybe(text),
        limit: maybe(positive.check(Schema.isLessThanOrEqualTo(listening.messagesMax))),
        max_len: maybe(positive.check(Schema.isLessThanOrEqualTo(listening.bytesMax)))
      }),
      changes: (fields) => fields.pid,
      run: (fields, asker) => {
        const { limit = listening.messages, max_len: bytesMax = listening.bytes, pid: number } = fields
        const none = number === undefined ? undefined : missing(number)
        if (none !== undefined) return Result.fail(none)
        // What one client takes no other one gets: programs that are reserved for somebody else are left out.
        const all = executive
          .tasks()
          .map((task) => task.pid)
          .filter((owner) => asker.lockRefusal(owner) === undefined)
        const owners = number === undefined && fields.target === undefined ? all : [number]
        const target = fields.target ?? "svc:stdio.out"
        const messages: Array<Fields> = []
        for (const owner of owners) {
          while (messages.length < limit) {
            const taken = host.takeMail(owner, target)
            if (Result.isFailure(taken)) {
              // One that has ended and was purged meanwhile has no mailbox any more.
              if (owners !== all) return Result.fail(taken.failure)
              break
            }
            const message = taken.success
            if (message === undefined) break
            const data = message.data.subarray(0, bytesMax)
            messages.push({
              pid: owner ?? null,
              target,
              length: message.data.length,
              truncated: data.length < message.data.length,
              text: textOf(data),
              data_hex: hexOf(data),
              flags: message.flags,
              channel: message.channel,
              src_pid: message.sourcePid
            })
          }
        }
        return Result.succeed({ messages })
      }
    }),

    send: command({
      needs: "mail",
      fields: Schema.Struct({
        pid: maybe(pid),
        target: maybe(text),
        data: maybe(Schema.String),
        data_hex: maybe(Schema.String),
        data_base64: maybe(Schema.String),
        channel: maybe(Schema.Union([u16, text]))
      }),
      changes: (fields) => fields.pid,
      run: ({ channel, data, data_base64: base64, data_hex: hex, pid: number, target: asked }) => {
        const bytes =
          hex !== undefined
            ? hexBytes("data_hex", hex)
            : base64 !== undefined
              ? base64Bytes("data_base64", base64)
              : data !== undefined
                ? Result.succeed(new TextEncoder().encode(data))
                : Result.fail(wrongField("data", "a text is expected, or bytes in data_hex"))
        if (Result.isFailure(bytes)) return Result.fail(bytes.failure)
        const none = number === undefined ? undefined : missing(number)
        if (none !== undefined) return Result.fail(none)
        const stream = typeof channel === "string" ? channel : "in"
        const target = asked ?? (stream.includes(":") ? stream : `svc:stdio.${stream}`)
        if (number === undefined && target.startsWith("svc:")) {
          return Result.fail(wrongField("pid", "the program whose mailbox is meant is expected"))
        }
        return Result.map(
          host.sendMail(number, target, bytes.success, typeof channel === "number" ? channel : 0),
          (length) => ({ sent: { pid: number ?? null, target, length } })
        )
      }
    }),

    stdio_fanout: command({
      needs: "control",
      fields: Schema.Struct({ pid, stream: maybe(streams), mode: Schema.Literals(["off", "drop", "block"]) }),
      changes: (fields) => fields.pid,
      run: ({ mode, pid: number, stream = "out" }) => {
        const none = missing(number)
        if (none !== undefined) return Result.fail(none)
        const target = `svc:stdio.${stream}@${number}`
        if (executive.parts.mailboxes.find(hostPid, target) === undefined) return refused("ENOENT", target)
        executive.parts.mailboxes.bind(hostPid, target, { mode: fanouts[mode] })
        return Result.succeed({ stdio: { pid: number, stream, mode, mode_mask: fanouts[mode] } })
      }
    })
  }
}
