/** The board's own line for tools: its clients, its events, its log and its commands. All connections share one. */
import type { Subscription } from "../../provisioning/EventHub.ts"
import type { ProvisioningEvent } from "../../provisioning/ProvisioningEvents.ts"
import type { ExecutiveEvent } from "../executive/Events.ts"
import { boardCommands } from "./BoardCommands.ts"
import { BoardLog } from "./BoardLog.ts"
import type { Command, Commands } from "./Command.ts"
import { EventLog, type Hearing } from "./EventLog.ts"
import { hexOf } from "./Fields.ts"
import { fileCommands } from "./FileCommands.ts"
import { keptCommands } from "./KeptCommands.ts"
import { loadCommands } from "./LoadCommands.ts"
import { mailCommands } from "./MailCommands.ts"
import type { RpcBoard, RpcRights } from "./RpcBoard.ts"
import { RpcConnection, type RpcPort } from "./RpcConnection.ts"
import { sessionCommands } from "./SessionCommands.ts"
import { Sessions } from "./Sessions.ts"
import { taskCommands } from "./TaskCommands.ts"
import { valueCommands } from "./ValueCommands.ts"

const idBytes = 16

/** The service. One per board. */
export class RpcService {
  readonly board: RpcBoard
  readonly rights: RpcRights
  readonly log: BoardLog
  readonly events: EventLog
  readonly sessions: Sessions
  readonly commandNames: ReadonlyArray<string>
  readonly #commands: Commands
  readonly #hearings = new Map<string, Hearing>()
  readonly #logged: Subscription

  constructor(board: RpcBoard, rights: RpcRights) {
    this.board = board
    this.rights = rights
    this.log = new BoardLog(board.clock)
    this.events = new EventLog(board.clock, board.loader)
    this.sessions = new Sessions({
      clock: board.clock,
      newId: () => hexOf(rights.randomBytes(idBytes)),
      ended: ({ client, id, tag }, why) => {
        this.log.say("info", `session of ${client} ended: ${why}`, { session: tag })
        this.#hearings.get(id)?.close()
        this.#hearings.delete(id)
      }
    })
    this.#logged = board.loader.subscribe((event) => this.#provisioned(event), {
      wants: ({ type }) => type !== "provisioning.progress"
    })
    this.#commands = {
      ...boardCommands(board, this.log, this.sessions),
      ...taskCommands(board),
      ...valueCommands(board),
      ...mailCommands(board),
      ...loadCommands(board),
      ...fileCommands(board),
      ...keptCommands(board),
      ...sessionCommands({
        sessions: this.sessions,
        events: this.events,
        loader: board.loader,
        level: rights.level,
        randomBytes: rights.randomBytes,
        hearings: this.#hearings
      })
    }
    this.commandNames = Object.keys(this.#commands)
  }

  commandNamed(name: string): Command | undefined {
    return Object.hasOwn(this.#commands, name) ? this.#commands[name] : undefined
  }

  /** A client has come. */
  connect(port: RpcPort): RpcConnection {
    return new RpcConnection(this, port)
  }

  /** A client has gone, and what it heard with it. */
  left(hearing: Hearing | undefined): void {
    for (const [id, known] of this.#hearings) if (known === hearing) this.#hearings.delete(id)
  }

  /** What the executive of this board tells. */
  heard(event: ExecutiveEvent): void {
    this.events.heard(event)
    const { data, pid, type } = event
    if (type === "vm_error") this.log.say("error", `program failed: ${String(data.error)}`, { pid })
    if (type === "warning") this.log.say("warn", `${String(data.reason)} ${String(data.table ?? "")}`.trim(), { pid })
  }

  /** Ends all sessions and lets go of the clock. */
  close(): void {
    this.sessions.close()
    this.events.close()
    this.#logged.close()
  }

  #provisioned({ data, pid, type }: ProvisioningEvent): void {
    if (type !== "provisioning.error") return this.log.say("info", type, { pid })
    this.log.say("error", `${type}: ${data.code} ${data.detail} (${data.where})`, { pid })
  }
}
