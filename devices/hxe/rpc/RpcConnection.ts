/** One client's line to the board: reads requests, answers them in their order, and carries events once it has asked for them. */
import { Result } from "effect"
import { codes } from "../../../src/protocol/Codes.ts"
import { RoleProof } from "../../provisioning/RoleProof.ts"
import { lineOf, type Outcome, type Refusal, refuse } from "./Answer.ts"
import type { Asker, AskerLine } from "./Command.ts"
import type { Hearing } from "./EventLog.ts"
import { type Line, Lines, lineBytesMax } from "./Lines.ts"
import { type Request, readRequest, unknownCommand } from "./Request.ts"
import type { RpcService } from "./RpcService.ts"

/** The way to the client. */
export interface RpcPort {
  readonly write: (text: string) => void
  /** Whether it takes more; `drained` is called when it does again. */
  readonly hasRoom: () => boolean
  /** Take nothing more from the client, or go on. */
  readonly pause: () => void
  readonly resume: () => void
  readonly close: () => void
  /** Where the client is, as people are shown: `127.0.0.1:4711`; and who counts as one client when a proof is wrong. */
  readonly name: string
  readonly address: string
}

/** Lines handled in one go: then it is somebody else's turn. */
const linesAtOnce = 64
/** Lines taken from one client in a second; the ones beyond are answered, and not read. */
const linesPerSecondMax = 5000
const secondMillis = 1000

/** What a web page would send: its request line must not be followed by a body that is obeyed. */
const httpRequest = /^[A-Z]+ \S+ HTTP\/\d/

/** What a line that carries events still takes; the first two are not answered, for the line carries nothing but events. */
const silentCommands: ReadonlySet<string> = new Set(["events.ack", "session.keepalive"])
const endOfEvents = "events.unsubscribe"

/** One connection. */
export class RpcConnection {
  readonly #service: RpcService
  readonly #port: RpcPort
  readonly #lines = new Lines()
  readonly #proofs: RoleProof
  readonly #line: AskerLine
  #waiting: Array<Line> = []
  /** A request is being worked on, or the next line comes later. */
  #isBusy = false
  #isOpen = true
  #secondSince = Number.NEGATIVE_INFINITY
  #linesOfSecond = 0
  #challenged: number | undefined
  /** What this line carries events of; they flow when the reply is out. */
  #hearing: Hearing | undefined
  #isCarrying = false
  #isUnsubscribing = false

  constructor(service: RpcService, port: RpcPort) {
    this.#service = service
    this.#port = port
    const { board, rights } = service
    this.#proofs = new RoleProof({
      access: board.loader.access,
      client: `rpc ${port.address}`,
      node: board.node,
      roleKeys: rights.roleKeys,
      nonce: () => rights.randomBytes(8)
    })
    this.#line = {
      challenge: (role) => {
        this.#challenged = role
        return this.#proofs.challenge(role)
      },
      prove: (role, mac) => {
        const isAsked = this.#challenged === role
        this.#challenged = undefined
        // A proof for another role than the nonce was made for is none.
        return this.#proofs.prove(isAsked ? mac : new Uint8Array(0))
      },
      hear: (_session, request) => {
        const heard = service.events.subscribe({
          ...request,
          sink: {
            write: (event) => this.#write(`${JSON.stringify(event)}\n`),
            hasRoom: () => this.#isCarrying && this.#isOpen && port.hasRoom(),
            // Whoever waits for events learns that none will come; unless it has asked for that itself.
            ended: () => (this.#isUnsubscribing ? undefined : this.#end())
          }
        })
        if (Result.isSuccess(heard)) this.#hearing = heard.success
        return heard
      }
    }
  }

  /** Bytes from the client. */
  receive(bytes: Uint8Array): void {
    if (!this.#isOpen) return
    this.#waiting.push(...this.#lines.push(bytes))
    this.#work()
  }

  /** The client takes more again. */
  drained(): void {
    this.#hearing?.subscription.pump()
    this.#work()
  }

  /** The client has gone. What it was sending runs out of time by itself. */
  closed(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#waiting = []
    this.#hearing?.close()
    this.#service.left(this.#hearing)
  }

  /** Nothing more is said or obeyed, also not what has come already. */
  #end(): void {
    if (!this.#isOpen) return
    this.closed()
    this.#port.close()
  }

  #work(): void {
    let handled = 0
    while (this.#isOpen && !this.#isBusy && this.#port.hasRoom()) {
      const line = this.#waiting.shift()
      if (line === undefined) return this.#port.resume()
      if (handled === linesAtOnce) {
        this.#waiting.unshift(line)
        this.#isBusy = true
        this.#service.board.clock.schedule(0, () => this.#goOn())
        break
      }
      handled += 1
      this.#handle(line)
    }
    // What was read already is worked off before more is taken.
    if (this.#isOpen) this.#port.pause()
  }

  #goOn(): void {
    this.#isBusy = false
    this.#work()
  }

  #write(text: string): void {
    if (this.#isOpen) this.#port.write(text)
  }

  #handle(line: Line): void {
    const flood = this.#floodRefusal()
    if (flood !== undefined) return this.#write(lineOf(Result.fail(flood)))
    if ("fault" in line) {
      const fault =
        line.fault === "too_long"
          ? refuse("EMSGSIZE", `line_too_long:${lineBytesMax}`)
          : refuse("EINVAL", "invalid_utf8")
      return this.#write(lineOf(Result.fail(fault)))
    }
    if (httpRequest.test(line.text)) {
      this.#write(lineOf(Result.fail(refuse("EPROTO", "http", { reason: "one JSON object a line is expected" }))))
      return this.#end()
    }
    const request = readRequest(line.text)
    if (Result.isFailure(request)) return this.#write(lineOf(Result.fail(request.failure)))
    this.#run(request.success)
  }

  #floodRefusal(): Refusal | undefined {
    const now = this.#service.board.clock.board()
    if (now - this.#secondSince >= secondMillis) {
      this.#secondSince = now
      this.#linesOfSecond = 0
    }
    this.#linesOfSecond += 1
    return this.#linesOfSecond > linesPerSecondMax ? refuse("EAGAIN", `too_many_lines:${linesPerSecondMax}`) : undefined
  }

  #run(request: Request): void {
    const { cmd } = request
    const isSilent = this.#isCarrying && silentCommands.has(cmd)
    let isAnswered = false
    const answered = (outcome: Outcome): void => {
      if (isAnswered) return
      isAnswered = true
      if (!isSilent || Result.isFailure(outcome)) this.#write(lineOf(outcome))
      this.#afterwards(cmd)
      if (!this.#isBusy) return
      this.#isBusy = false
      // Not inside of what has answered.
      this.#service.board.clock.schedule(0, () => this.#work())
    }
    this.#isUnsubscribing = this.#isCarrying && cmd === endOfEvents
    const answer = this.#answer(request)
    this.#isUnsubscribing = false
    if (typeof answer !== "function") return answered(answer)
    const outcome = this.#guarded(cmd, () => {
      answer(answered)
      return undefined
    })
    if (outcome !== undefined) return answered(outcome)
    if (!isAnswered) this.#isBusy = true
  }

  #answer(request: Request) {
    const { cmd, fields, session: id } = request
    if (this.#isCarrying && !silentCommands.has(cmd) && cmd !== endOfEvents) {
      return Result.fail(refuse("EBUSY", "connection_carries_events"))
    }
    const found = this.#service.commandNamed(cmd)
    if (found === undefined) return Result.fail(unknownCommand(cmd, this.#service.commandNames))
    const { board, log, rights, sessions } = this.#service
    const session = id === undefined ? undefined : sessions.find(id)
    if (session === undefined && (id !== undefined || found.wantsSession)) {
      return Result.fail(refuse("EPERM", "session_required"))
    }
    const caller = {
      id: session === undefined ? `rpc ${this.#port.name}` : `rpc session ${session.tag}`,
      level: session?.level ?? rights.level
    }
    const denied = board.loader.access.check(caller.id, caller.level, found.needs)
    if (denied !== undefined) {
      const about = session === undefined ? {} : { session: session.tag }
      log.say("warn", `${cmd} refused to ${session?.client ?? this.#port.name}: ${denied.detail}`, about)
      return Result.fail(denied)
    }
    const asker: Asker = {
      caller,
      client: session?.client ?? this.#port.name,
      session,
      line: this.#line,
      lockRefusal: (pid) => sessions.lockRefusal(pid, session)
    }
    return this.#guarded(cmd, () => found.run(fields, asker))
  }

  /** A bug of one command is the answer to it, and in the log; the board and its other clients go on. */
  #guarded<A>(cmd: string, run: () => A): A | Result.Result<never, Refusal> {
    try {
      return run()
    } catch (cause) {
      const what = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
      this.#service.log.say("error", `${cmd} failed: ${what}`)
      return Result.fail({ code: codes.Internal, detail: "bug" })
    }
  }

  /** Events flow when the reply that promises them is out, and no longer when their end was answered. */
  #afterwards(cmd: string): void {
    this.#service.board.look()
    const hearing = this.#hearing
    if (hearing === undefined) return
    if (cmd === endOfEvents && !hearing.subscription.isOpen) {
      this.#hearing = undefined
      this.#isCarrying = false
      return
    }
    this.#isCarrying = true
    hearing.subscription.pump()
  }
}
