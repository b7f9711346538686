/** Reads of a serial line that notice when it has gone. */
import { read } from "node:fs"
import { promisify } from "node:util"
import type { AutoDetectTypes } from "@serialport/bindings-cpp"

type Port = Awaited<ReturnType<AutoDetectTypes["open"]>>
type UnixPort = Extract<Port, { readonly poller: unknown }>

const readSome = promisify(read)
/** Nothing is there to be read, for now. */
const laterCodes: ReadonlySet<unknown> = new Set(["EAGAIN", "EWOULDBLOCK", "EINTR"])

const isLater = (cause: unknown): boolean => cause instanceof Error && "code" in cause && laterCodes.has(cause.code)

const readable = ({ poller }: UnixPort): Promise<void> =>
  new Promise((resolve, reject) => {
    poller.once("readable", (cause) => (cause === null ? resolve() : reject(cause)))
  })

const opened = ({ fd }: UnixPort): number => {
  if (fd === null) throw Object.assign(new Error("the line is closed"), { canceled: true })
  return fd
}

const nextBytes = async (
  port: UnixPort,
  buffer: Buffer,
  offset: number,
  length: number
): Promise<{ readonly buffer: Buffer; readonly bytesRead: number }> => {
  for (;;) {
    const found = await readSome(opened(port), buffer, offset, length, null).catch((cause: unknown) => {
      if (isLater(cause)) return undefined
      throw cause
    })
    // A read waits for one byte at least: none at all is the end.
    if (found?.bytesRead === 0) throw Object.assign(new Error("it was unplugged"), { disconnect: true })
    if (found !== undefined) return { buffer, bytesRead: found.bytesRead }
    // It may have been closed meanwhile, and whoever waits on what is closed takes the process down.
    opened(port)
    await readable(port)
  }
}

/**
 * A line that goes away between two reads answers with no bytes and no error. The library then reads again at once, for ever:
 * nobody hears of the end, and a core is busy with it.
 */
export const noticeEnd = (port: Port): void => {
  if ("poller" in port) port.read = (buffer, offset, length) => nextBytes(port, buffer, offset, length)
}
