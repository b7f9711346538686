/** Ways an image comes to this board, by their kind. */
import { Result } from "effect"
import type { Refused } from "../../Refused.ts"
import { refusal } from "../ErrorCodes.ts"
import type { SourceKind } from "../Source.ts"

/** What a way can do. */
export interface TransportInfo {
  readonly kind: SourceKind
  /** Largest message, bytes. */
  readonly mtu: number
  /** Largest chunk of an image, bytes. */
  readonly chunkBytesMax: number
  /** Whether messages come in the order in which they were sent. */
  readonly isOrdered: boolean
  /** Whether one sender reaches many boards at once. */
  readonly isBroadcast: boolean
}

/** One open image. */
export interface PullHandle {
  /** Bytes of the whole file. */
  readonly totalBytes: number
  /** The next bytes, at most so many; empty at the end. EIO. */
  readonly read: (bytesMax: number) => Result.Result<Uint8Array, Refused>
  readonly close: () => void
}

/** The service fetches the image: files and cards. */
export interface PullTransport {
  readonly mode: "pull"
  readonly info: TransportInfo
  /** ENOENT, EPERM for what lies outside, EIO. */
  readonly open: (uri: string) => Result.Result<PullHandle, Refused>
}

/** Somebody sends the image: buses and serial lines. Carries whole messages, or loses them. */
export interface PushTransport {
  readonly mode: "push"
  readonly info: TransportInfo
  readonly send: (message: Uint8Array) => void
  /** One handler; the last one set counts. */
  readonly onMessage: (handler: (message: Uint8Array) => void) => void
  readonly close: () => void
}

/** Either. */
export type Transport = PullTransport | PushTransport

/** The ways of one board. */
export class Transports {
  readonly #byKind = new Map<SourceKind, Transport>()

  /** The last one of a kind counts. */
  register(transport: Transport): void {
    this.#byKind.set(transport.info.kind, transport)
  }

  /** ENOTSUP for a kind that the board does not have. */
  of(kind: SourceKind): Result.Result<Transport, Refused> {
    const transport = this.#byKind.get(kind)
    return transport === undefined ? Result.fail(refusal("ENOTSUP", `transport:${kind}`)) : Result.succeed(transport)
  }

  get kinds(): ReadonlyArray<SourceKind> {
    return [...this.#byKind.keys()]
  }
}
