/** A serial line of the operating system: a UART, an adapter on USB, or a pseudo-terminal. */
import { Result } from "effect"
import { noticeEnd } from "./SerialReads.ts"
import type { ByteLine } from "./UartFraming.ts"

/** Which line, and how it is set. Always eight bits, no parity, one stop bit. */
export interface SerialSettings {
  /** Its file, as `/dev/ttyUSB0`; on Windows its name, as `COM3`. */
  readonly path: string
  readonly baudRate: number
  /** RTS and CTS say who may send. */
  readonly isFlowControlled: boolean
}

/** An open line. */
export interface SerialLine extends ByteLine {
  /** Told once when the line goes away by itself, as when its plug is pulled, also if it has already. The last handler counts. */
  readonly onGone: (handler: (why: string) => void) => void
  /** Closes it when what was written has gone to the operating system. `closed` is called once. */
  readonly close: (closed?: () => void) => void
}

/** What the operating system says, in words that say what to do. */
const sentences: ReadonlyArray<readonly [pattern: RegExp, sentence: string]> = [
  [/no such file|file not found/i, "there is no such port"],
  [/cannot lock|access denied|resource busy/i, "another program has it open"],
  [/permission denied/i, "this user may not open it; on Linux members of the group dialout may"],
  [/inappropriate ioctl/i, "it is no serial port"],
  [/custom baud rate/i, "it cannot be set to that baud rate"]
]

const sentenceOf = (cause: unknown): string => {
  const said = cause instanceof Error ? cause.message : String(cause)
  return sentences.find(([pattern]) => pattern.test(said))?.[1] ?? said.replace(/^Error:? */, "")
}

/** What opens lines. A machine for which its native part was not built hears of it only when it opens one. */
const library = async () => {
  const [{ autoDetect }, { SerialPortStream }] = await Promise.all([
    import("@serialport/bindings-cpp"),
    import("@serialport/stream")
  ])
  return { binding: autoDetect(), SerialPortStream }
}

/** Opens a line for this process alone. Fails with the reason as a sentence. */
export const openSerial = async (settings: SerialSettings): Promise<Result.Result<SerialLine, string>> => {
  const { baudRate, isFlowControlled, path } = settings
  const loaded = await library().then(Result.succeed, (cause: unknown) => Result.fail(sentenceOf(cause)))
  if (Result.isFailure(loaded)) return Result.fail(`serial lines cannot be opened here: ${loaded.failure}`)
  const { binding, SerialPortStream } = loaded.success
  const port = new SerialPortStream({ binding, path, baudRate, rtscts: isFlowControlled, autoOpen: false })
  let isClosing = false
  let goneWhy: string | undefined
  let gone: (why: string) => void = () => {}
  const leave = (cause: unknown): void => {
    if (isClosing) return
    isClosing = true
    goneWhy = cause instanceof Error ? cause.message : "it was closed"
    gone(goneWhy)
  }
  port.on("error", leave)
  port.on("close", leave)
  const cause = await new Promise<Error | null>((resolve) => port.open(resolve))
  if (cause !== null) return Result.fail(sentenceOf(cause))
  if (port.port !== undefined) noticeEnd(port.port)
  return Result.succeed({
    write: (bytes) => {
      if (!isClosing) port.write(bytes)
    },
    onBytes: (handler) => {
      port.on("data", (bytes: Buffer) => handler(bytes))
    },
    onGone: (handler) => {
      gone = handler
      if (goneWhy !== undefined) handler(goneWhy)
    },
    close: (closed = () => {}) => {
      const shut = (): void => (port.isOpen ? port.close(() => closed()) : closed())
      if (isClosing || port.writableLength === 0) {
        isClosing = true
        return shut()
      }
      isClosing = true
      port.end(shut)
    }
  })
}
