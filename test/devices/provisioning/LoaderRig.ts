/** A provisioning service on virtual time, with everything it told. */
import { Result } from "effect"
import { Loader } from "../../../devices/provisioning/Loader.ts"
import type {
  BeginRequest,
  Caller,
  EndReply,
  EndRequest,
  LoadRequest
} from "../../../devices/provisioning/LoaderCalls.ts"
import type { LoaderSettings } from "../../../devices/provisioning/LoaderSettings.ts"
import type { ProvisioningEvent, ProvisioningEventType } from "../../../devices/provisioning/ProvisioningEvents.ts"
import { source } from "../../../devices/provisioning/Source.ts"
import type { Refused } from "../../../devices/Refused.ts"
import { VirtualTime } from "../VirtualTime.ts"
import { CountingHost, type Room, roomOfBoard } from "./CountingHost.ts"

/** Somebody who may load and end what is its own. */
export const user: Caller = { id: "user", level: 1 }

/** Somebody who may do all but keys. */
export const admin: Caller = { id: "admin", level: 2 }

/** Reads what must not have been refused. */
export const done = <A>(result: Result.Result<A, Refused>): A => {
  if (Result.isFailure(result)) throw new Error(`refused: ${JSON.stringify(result.failure)}`)
  return result.success
}

/** Code and detail of what must have been refused. */
export const refusedAs = <A>(result: Result.Result<A, Refused>): readonly [code: number, detail: string] => {
  if (Result.isSuccess(result)) throw new Error("not refused")
  return [result.failure.code, result.failure.detail]
}

/** The service under test. */
export class LoaderRig {
  readonly time = new VirtualTime()
  readonly host: CountingHost
  readonly events: Array<ProvisioningEvent> = []
  readonly states: Array<string> = []
  readonly loader: Loader

  constructor(settings: Partial<LoaderSettings> = {}, room: Room = roomOfBoard) {
    this.host = new CountingHost(room)
    this.loader = new Loader({
      clock: this.time.clock(),
      programs: this.host,
      settings,
      stateChanged: (transfer, from, to, cause) => {
        this.states.push(`${transfer.start.xfer} ${from} ${cause} ${to}`)
      }
    })
    this.loader.subscribe((event) => this.events.push(event))
  }

  get types(): ReadonlyArray<string> {
    return this.events.map(({ type }) => type.slice("provisioning.".length))
  }

  last<T extends ProvisioningEventType>(type: T): Extract<ProvisioningEvent, { readonly type: T }> {
    for (const event of [...this.events].reverse()) {
      if (isOf(event, type)) return event
    }
    throw new Error(`no ${type}`)
  }

  begin(request: Partial<BeginRequest> = {}, caller: Caller = user): number {
    return done(this.loader.begin({ source: source.stream("test"), ...request }, caller)).xfer
  }

  /** Sends all in chunks of this many bytes; throws at the first refusal. */
  stream(xfer: number, bytes: Uint8Array, chunkBytes: number, caller: Caller = user): void {
    for (let at = 0, seq = 0; at < bytes.length; at += chunkBytes, seq++) {
      done(this.loader.write({ xfer }, { seq, data: bytes.subarray(at, at + chunkBytes) }, caller))
    }
  }

  /** The answer, if it came at once. */
  end(xfer: number, request: EndRequest = {}, caller: Caller = user): Result.Result<EndReply, Refused> {
    let reply: Result.Result<EndReply, Refused> | undefined
    this.loader.end({ xfer }, request, caller, (given) => {
      reply = given
    })
    if (reply === undefined) throw new Error("no answer yet")
    return reply
  }

  load(bytes: Uint8Array, request: Partial<LoadRequest> = {}, caller: Caller = user): Result.Result<EndReply, Refused> {
    let reply: Result.Result<EndReply, Refused> | undefined
    this.loader.load({ bytes, source: source.file("/golden.hxe"), ...request }, caller, (given) => {
      reply = given
    })
    if (reply === undefined) throw new Error("no answer yet")
    return reply
  }
}

const isOf = <T extends ProvisioningEventType>(
  event: ProvisioningEvent,
  type: T
): event is Extract<ProvisioningEvent, { readonly type: T }> => event.type === type
