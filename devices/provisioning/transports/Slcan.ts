/**
 * A CAN bus behind an adapter on a serial line that speaks the LAWICEL protocol (`slcan`), as many on USB do: the one way to
 * real CAN that needs no driver of the operating system.
 */
import type { CanFrame } from "./CanFrame.ts"
import type { CanMember } from "./CanHub.ts"
import type { ByteLine } from "./UartFraming.ts"

/** What the adapter calls the bit rates of the bus. */
const rateCommands = {
  "10000": "S0",
  "20000": "S1",
  "50000": "S2",
  "100000": "S3",
  "125000": "S4",
  "250000": "S5",
  "500000": "S6",
  "800000": "S7",
  "1000000": "S8"
} as const

/** A bit rate of the bus, bits in a second. */
export type CanBitRate = keyof typeof rateCommands

/** All of them, the slowest first. */
export const canBitRates = [
  "10000",
  "20000",
  "50000",
  "100000",
  "125000",
  "250000",
  "500000",
  "800000",
  "1000000"
] as const satisfies ReadonlyArray<CanBitRate>

const end = "\r"
/** The adapter did not do what it was told last; it says so without a line of its own. */
const refusal = "\x07"

/** `t`, identifier, length, bytes, and the time where the adapter adds it. */
const framePattern = /^t([0-7][0-9a-f]{2})([0-8])((?:[0-9a-f]{2})*)$/i
const timeDigits = 4

/** Longer than any line of the protocol: what comes without an end is noise. */
const lineCharactersMax = 64

/** A frame as a line of the protocol. */
export const encodeSlcan = ({ data, id }: CanFrame): string => {
  const digits = `${(id & 0x7ff).toString(16).padStart(3, "0")}${data.length}${Buffer.from(data).toString("hex")}`
  return `t${digits.toUpperCase()}${end}`
}

/** Reads a line without its end; none for what is no frame with an 11-bit identifier and data. */
export const decodeSlcan = (line: string): CanFrame | undefined => {
  const [, id = "", length = "", digits = ""] = framePattern.exec(line) ?? []
  const wanted = 2 * Number(length)
  if (id === "" || (digits.length !== wanted && digits.length !== wanted + timeDigits)) return undefined
  return { id: Number.parseInt(id, 16), data: new Uint8Array(Buffer.from(digits.slice(0, wanted), "hex")) }
}

/** The bus behind an adapter. It is opened at once, and closed when it is left. */
export class SlcanBus implements CanMember {
  readonly #line: ByteLine
  readonly #handlers = new Set<(frame: CanFrame) => void>()
  #rest = ""
  #refusals = 0

  constructor(line: ByteLine, bitRate: CanBitRate) {
    this.#line = line
    line.onBytes((bytes) => this.#take(Buffer.from(bytes).toString("latin1")))
    // An adapter that was left open, or in the middle of a line, takes a bit rate only when it is closed.
    this.#say(end + end, `C${end}`, `${rateCommands[bitRate]}${end}`, `O${end}`)
  }

  /** Times the adapter said that it did not do what it was told: a full buffer, or no bus. */
  get refusals(): number {
    return this.#refusals
  }

  send(frame: CanFrame): void {
    this.#say(encodeSlcan(frame))
  }

  listen(handler: (frame: CanFrame) => void): () => void {
    this.#handlers.add(handler)
    return () => this.#handlers.delete(handler)
  }

  close(): void {
    this.#say(`C${end}`)
  }

  #say(...lines: ReadonlyArray<string>): void {
    this.#line.write(Buffer.from(lines.join(""), "latin1"))
  }

  #take(text: string): void {
    this.#refusals += text.split(refusal).length - 1
    const lines = (this.#rest + text.replaceAll(refusal, "")).split(end)
    this.#rest = (lines.pop() ?? "").slice(-lineCharactersMax)
    for (const line of lines) {
      const frame = decodeSlcan(line)
      if (frame === undefined) continue
      for (const handler of [...this.#handlers]) handler(frame)
    }
  }
}

/** Joins two buses: what is said on one is said on the other. The answer parts them. */
export const bridgeBuses = (one: CanMember, other: CanMember): (() => void) => {
  const stops = [one.listen((frame) => other.send(frame)), other.listen((frame) => one.send(frame))]
  return () => {
    for (const stop of stops) stop()
  }
}
