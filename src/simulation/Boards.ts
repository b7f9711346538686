/** The boards' operators and what they know from outside: what was acknowledged, ordered, executed, and must therefore hold. */

import { compile, toBytes } from "../actors/Codec.ts"
import { highestOf, placeOf } from "../actors/device/Numbering.ts"
import type { Posted, Reply } from "../actors/Envelope.ts"
import { addressKey } from "../actors/Host.ts"
import type { Asker } from "../protocol/Asker.ts"
import { Device } from "../protocol/Device.ts"
import { type DeviceState, isDeviceState } from "../protocol/DeviceState.ts"
import { decodeDown, decodeUp } from "../protocol/FrameCodec.ts"
import { decodeStored } from "../protocol/Stored.ts"
import { valueAt } from "../protocol/TwinSection.ts"
import type { Board } from "./Board.ts"
import type { WireTap } from "./Cable.ts"
import { Caller } from "./Caller.ts"
import type { Check } from "./Checks.ts"
import type { Row } from "./Database.ts"
import { isStorm } from "./Gateway.ts"
import { between, pick, type Random } from "./Random.ts"
import { requestIdAt } from "./RequestIds.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"
import { epochMillis } from "./VirtualTime.ts"
import type { World } from "./World.ts"

const codec = compile(Device)
const operator: Asker = { kind: "user", id: "operator", role: "operator" }
const frameBytesMax = 65_536
/** How many of the boards most orders go to: only where orders are dense do they meet faults. */
export const busyBoards = 5
const welcomeType = 2
const ackType = 4
const expired = 62
const cancelled = 125

const callLifeMillis = 25_000
/** A board that is off for this long is known to be so. */
const silenceNoticedMillis = 15_000
/** A board whose agent means to connect again within this time of the end is not counted as forgotten. */
const retryMillis = 6000

/** Parts of a device's row that hold its commands. */
const commandPrefix = "cmd/"
/** Those that are about its link and its twin. */
const linkParts: ReadonlySet<string> = new Set(["board", "desired", "reported"])

/** A row as it stood at one version. */
interface Decoded {
  readonly version: number
  readonly state: DeviceState | undefined
}

/** A command as an outsider sees it. */
interface Ordered {
  readonly id: string
  readonly board: string
  isAccepted: boolean
  ran: number
  /** The code its first asker heard. */
  code: number | undefined
}

/** What a board has been told about one of its boots. */
interface Promised {
  readonly reports: Map<number, number>
  acknowledged: number
}

/** What is known of all boards of a run, and the promises to them. */
export class Boards {
  readonly #world: World
  readonly #random: Random
  readonly #attaches = new Map<string, Array<number>>()
  /** Board at the end of a connection, by node and number. */
  readonly #ends = new Map<string, string>()
  /** Who spoke to a board under an epoch. */
  readonly #speakers = new Map<string, string>()
  readonly #orders = new Map<string, Ordered>()
  /** Numbers of reports by board, boot and sequence number. */
  readonly #promised = new Map<string, Promised>()
  /** Highest report whose acknowledgement the board has heard. */
  readonly #acknowledged = new Map<string, number>()
  /** Highest desired version an operator has heard of, with its value. */
  readonly #desired = new Map<string, { readonly version: number; readonly led: number }>()
  readonly #states = new WeakMap<Row, Decoded>()
  readonly #links = new WeakMap<Row, Decoded>()
  /** Reports and ends of commands that stand in the journal. */
  readonly #telemetry = new Set<string>()
  readonly #endings = new Set<string>()
  readonly #offSince = new Map<string, number>()
  #caller: Caller | undefined
  #boards: ReadonlyArray<Board> = []
  #settings = 0

  constructor(world: World) {
    this.#world = world
    this.#random = world.random("operators")
  }

  /** Operators act from now until `until`, ms of the run. */
  start(nodes: ReadonlyArray<SimulatedNode>, boards: ReadonlyArray<Board>, until: number): void {
    this.#caller = new Caller(this.#world, nodes, this.#random)
    this.#boards = boards
    const { time } = this.#world
    const next = () => {
      if (time.now > until) return
      const board = pick(this.#random, this.#random() < 0.6 ? boards.slice(0, busyBoards) : boards)
      const dice = this.#random()
      if (board !== undefined) {
        if (dice < 0.6) this.#order(board)
        else if (dice < 0.85) this.#setDesired(board)
        else this.#read(board)
      }
      time.at(between(this.#random, 200, 800), next)
    }
    next()
  }

  // ---- what operators do

  #setDesired(board: Board): void {
    const led = ++this.#settings
    this.#call(board.id, "SetDesired", { patch: { led } }, (reply) => {
      const value = reply?._tag === "Success" ? reply.value : undefined
      const version = numberIn(value, "version")
      if (version === undefined) return
      const stored = this.#stateOf(board.id)?.twin.desiredVersion ?? 0
      this.#check("reply after durable", stored >= version, () => `${board.id}: desired ${version}, stored ${stored}`)
      const known = this.#desired.get(board.id)
      if (known === undefined || known.version < version) this.#desired.set(board.id, { version, led })
    })
  }

  #read(board: Board): void {
    const known = this.#acknowledged.get(board.id) ?? 0
    this.#call(board.id, "GetTwin", {}, (reply) => {
      const twin = reply?._tag === "Success" ? reply.value : undefined
      const reported = numberIn(valueIn(twin, "reported"), "n")
      if (reported === undefined) return
      const stored = this.#reportOf(board.id)
      this.#check("reply after durable", stored >= reported, () => `${board.id}: reads ${reported}, stored ${stored}`)
      this.#check(
        "read sees what was acknowledged",
        reported >= known,
        () => `${board.id}: ${reported}, known ${known}`
      )
    })
  }

  /** Orders a command and asks for it until it has ended, then once more much later. */
  #order(board: Board): void {
    const { time } = this.#world
    const id = requestIdAt(epochMillis + time.now, this.#random)
    const ordered: Ordered = { id, board: board.id, isAccepted: false, ran: 0, code: undefined }
    this.#orders.set(id, ordered)
    const ttlMillis = Math.floor(between(this.#random, 500, 6500))
    const payload = { name: "work", ttlMillis, id }
    const wantsCancel = this.#random() < 0.1
    let isAskedAgain = false
    const ask = (message: "Invoke" | "GetCommand" | "CancelCommand"): void =>
      this.#call(board.id, message, message === "Invoke" ? payload : { id }, (reply) => {
        if (reply?._tag !== "Success") return
        ordered.isAccepted = true
        if (valueIn(reply.value, "state") !== "done") {
          const again =
            wantsCancel && message === "Invoke" ? "CancelCommand" : this.#random() < 0.5 ? "Invoke" : "GetCommand"
          time.at(700, () => ask(again))
          return
        }
        this.#ended(ordered, numberIn(reply.value, "code") ?? -1)
        if (isAskedAgain) return
        isAskedAgain = true
        time.at(between(this.#random, 3000, 12_000), () => ask("Invoke"))
      })
    ask("Invoke")
  }

  #ended(ordered: Ordered, code: number): void {
    const { id, ran } = ordered
    const isSame = ordered.code === undefined || ordered.code === code
    this.#check("one result", isSame, () => `${id}: ${ordered.code}, then ${code}`)
    ordered.code ??= code
    const stored = this.#stateOf(ordered.board)?.commands.byId.get(id)?.code
    this.#check("reply after durable", stored === code, () => `${id}: ended with ${code}, stored ${stored}`)
    if (code === 0) this.#check("done ran once", ran === 1, () => `${id} ran ${ran} times`)
    const isNever = code === expired || code === cancelled
    if (isNever) this.#check("never ran when expired", ran === 0, () => `${id} ran ${ran} times, code ${code}`)
  }

  #call(
    board: string,
    message: keyof typeof Device.messages,
    payload: unknown,
    done: (reply: Reply | undefined) => void
  ): void {
    const { time } = this.#world
    const schema = codec.messages.get(message)
    if (schema === undefined) return
    const requestId = requestIdAt(epochMillis + time.now, this.#random)
    const posted: Posted = { message, body: toBytes(schema.payload, payload), requestId, asker: operator }
    this.#caller?.call({ to: { kind: "device", id: board }, posted, until: time.now + callLifeMillis }, done)
  }

  // ---- what is seen on the wires

  /** A gateway asks to attach a board. */
  attaches(board: string): void {
    const attaches = this.#attaches.get(board) ?? []
    this.#attaches.set(board, attaches)
    this.#check(
      "no attach storm",
      !isStorm(attaches, this.#world.time.now),
      () => `${board}: ${attaches.length} in 1 s`
    )
  }

  /** A connection of a node ends at this board. */
  ends(node: string, connection: number, board: string): void {
    this.#ends.set(`${node}/${connection}`, board)
  }

  /** A cell on `node` sends frames to a connection under an epoch. */
  speaks(node: string, gateway: string, connection: number, epoch: number): void {
    const key = `${this.#ends.get(`${gateway}/${connection}`)} epoch ${epoch}`
    const speaker = this.#speakers.get(key)
    this.#check("one speaker an epoch", speaker === undefined || speaker === node, () => `${key}: ${speaker}, ${node}`)
    this.#speakers.set(key, node)
  }

  /** The wire of a board, on its side. */
  tap(board: Board): WireTap {
    const boot = board.agent?.boot ?? board.nextBoot
    const key = `${board.id} boot ${boot}`
    const promises: Promised = this.#promised.get(key) ?? { reports: new Map(), acknowledged: 0 }
    this.#promised.set(key, promises)
    return {
      sent: (bytes, seq) => {
        if (seq === 0 || promises.reports.has(seq)) return
        const frame = decodeUp(bytes, frameBytesMax)
        if (frame._tag === "Failure" || frame.success.type !== "report") return
        const number = frame.success.state?.n
        if (typeof number === "number") promises.reports.set(seq, number)
      },
      acknowledged: (seq) => this.#consumed(board, boot, promises, seq),
      received: (bytes) => {
        const type = bytes[1]
        if (type !== welcomeType && type !== ackType) return
        const frame = decodeDown(bytes, frameBytesMax)
        if (frame._tag === "Failure") return
        const { success: down } = frame
        if (down.type !== "welcome" && (down.type !== "ack" || down.boot !== boot)) return
        if (down.type === "welcome") this.#welcomed(board, down.epoch)
        for (let seq = promises.acknowledged + 1; seq <= down.last; seq++) this.#consumed(board, boot, promises, seq)
        promises.acknowledged = Math.max(promises.acknowledged, down.last)
      }
    }
  }

  #welcomed(board: Board, epoch: number): void {
    const stored = this.#linkOf(board.id)?.epoch ?? 0
    this.#check("welcome after durable", stored >= epoch, () => `${board.id}: epoch ${epoch}, stored ${stored}`)
  }

  #consumed(board: Board, boot: number, promised: Promised, seq: number): void {
    const state = this.#linkOf(board.id)
    const isKnown =
      state?.board !== undefined && (state.board.boot !== boot || placeOf(state.numbering, seq) === "seen")
    this.#check("acknowledged is durable", isKnown, () => `${board.id} boot ${boot} frame ${seq}`)
    const report = promised.reports.get(seq)
    if (report === undefined) return
    const stored = this.#reportOf(board.id)
    this.#check(
      "acknowledged report is in the twin",
      stored >= report,
      () => `${board.id}: ${report}, stored ${stored}`
    )
    this.#acknowledged.set(board.id, Math.max(report, this.#acknowledged.get(board.id) ?? 0))
  }

  /** A board begins to execute a command. */
  executes(board: Board, id: string): void {
    this.#world.trace(`${board.id} executes ${id}`)
    this.#world.verdict.fact("commands executed")
    const ordered = this.#orders.get(id)
    this.#check("command was ordered", ordered !== undefined, () => `${board.id} executes ${id}`)
    if (ordered === undefined) return
    ordered.ran++
    this.#check("executed at most once", ordered.ran === 1, () => `${id} on ${board.id}, ${ordered.ran} times`)
    const isOver = ordered.code === expired || ordered.code === cancelled
    this.#check("not executed after its end", !isOver, () => `${id} on ${board.id}, code ${ordered.code}`)
    const isStored = this.#stateOf(board.id)?.commands.byId.has(id) === true
    this.#check("executed after durable", isStored, () => `${id} on ${board.id}`)
  }

  /** The link that a board holds to be its newest ends. */
  falls(board: Board, why: string): void {
    const isLate = why === "superseded" && this.#isLateHello(board)
    if (isLate) this.#world.verdict.fact("hellos of dead boots that came late")
    this.#check("newest link is not superseded", why !== "superseded" || isLate, () => board.id)
  }

  /** A dead boot's hello that was long under way took over. Nothing tells it from a new boot until nobody speaks under it. */
  #isLateHello(board: Board): boolean {
    const state = this.#linkOf(board.id)
    if (state?.board === undefined || state.board.boot === board.agent?.boot) return false
    return highestOf(state.numbering) === state.board.provenAbove
  }

  /** A fact of a device in the journal. */
  journalled(id: string, type: string, data: unknown): void {
    if (type === "command.ended") {
      const command = String(valueIn(data, "id"))
      this.#check("command ends once", !this.#endings.has(command), () => command)
      this.#endings.add(command)
    }
    if (type !== "board.telemetry") return
    const fulls = numberIn(data, "fulls")
    const mark = fulls === undefined ? numberIn(data, "n") : `full ${fulls}`
    if (mark === undefined) return
    const key = `${id} ${mark}`
    this.#check("report acts once", !this.#telemetry.has(key), () => key)
    this.#telemetry.add(key)
  }

  /** A board's power goes on or off. */
  powered(board: Board, isOn: boolean): void {
    if (isOn) this.#offSince.delete(board.id)
    else this.#offSince.set(board.id, this.#world.time.now)
  }

  // ---- what is stored

  /** What is stored of a device but its work for other actors. */
  #stateOf(id: string): DeviceState | undefined {
    return this.#decoded(id, this.#states, (part) => linkParts.has(part) || part.startsWith(commandPrefix))
  }

  /** What is stored of a device without its commands: they are many, and most frames are about none. */
  #linkOf(id: string): DeviceState | undefined {
    return this.#decoded(id, this.#links, (part) => linkParts.has(part))
  }

  #decoded(id: string, known: WeakMap<Row, Decoded>, isWanted: (part: string) => boolean): DeviceState | undefined {
    const row = this.#world.database.rows.get(addressKey({ kind: "device", id }))
    if (row === undefined || row.head === null) return undefined
    const last = known.get(row)
    if (last?.version === row.version) return last.state
    const state = decodeRow(this.#world, row, isWanted)
    known.set(row, { version: row.version, state })
    return state
  }

  #reportOf(id: string): number {
    const state = this.#linkOf(id)
    const number = state === undefined ? undefined : valueAt(state.twin.reported, "n")
    return typeof number === "number" ? number : 0
  }

  #check(name: Check, holds: boolean, detail: () => string): void {
    this.#world.verdict.check(name, holds, detail)
  }

  /** At the end of a run. */
  finish(): void {
    for (const board of this.#boards) this.#finishBoard(board)
    for (const { id, board, isAccepted, ran, code } of this.#orders.values()) {
      if (!isAccepted) continue
      const stored = this.#stateOf(board)?.commands.byId.get(id)
      this.#check("command ends", stored?.state === "done", () => `${id} on ${board}: ${stored?.state}`)
      if (stored?.state !== "done") continue
      this.#check(
        "one result",
        code === undefined || code === stored.code,
        () => `${id}: ${code}, stored ${stored.code}`
      )
      const isNever = stored.code === expired || stored.code === cancelled
      if (isNever) this.#check("never ran when expired", ran === 0, () => `${id} ran ${ran} times, code ${stored.code}`)
      if (stored.code === 0) this.#check("done ran once", ran === 1, () => `${id} ran ${ran} times`)
      this.#world.verdict.fact(`commands ended with ${stored.code}`)
    }
  }

  #finishBoard(board: Board): void {
    const { time, verdict } = this.#world
    const state = this.#stateOf(board.id)
    const acknowledged = this.#acknowledged.get(board.id) ?? 0
    const stored = this.#reportOf(board.id)
    this.#check(
      "acknowledged report is in the twin",
      stored >= acknowledged,
      () => `${board.id}: ${acknowledged}, ${stored}`
    )
    const desired = this.#desired.get(board.id)
    if (desired !== undefined) {
      const version = state?.twin.desiredVersion ?? 0
      const isKept = version > desired.version || state?.twin.desired.leaves.get("led")?.value === desired.led
      this.#check(
        "desired is kept",
        version >= desired.version && isKept,
        () => `${board.id}: ${desired.version}, ${version}`
      )
    }
    const offSince = this.#offSince.get(board.id)
    if (offSince !== undefined) {
      if (offSince > time.now - silenceNoticedMillis) return
      this.#check("no ghost online", state?.connection.state !== "online", () => board.id)
      return
    }
    if (board.retriesAt > time.now - retryMillis) {
      verdict.fact("boards that wait to connect again at the end")
      return
    }
    const { agent } = board
    const isUp = agent?.state === "up" && state?.connection.state === "online"
    this.#check(
      "board is attached",
      isUp,
      () => `${board.id}: agent ${agent?.state}, device ${state?.connection.state}`
    )
    if (agent === undefined || !isUp) return
    this.#check("window is not stuck", agent.owed === 0, () => `${board.id} owes ${agent.owed}`)
    this.#check("one epoch", agent.epoch === state?.epoch, () => `${board.id}: ${agent.epoch}, stored ${state?.epoch}`)
    for (const [key, value] of Object.entries(board.state)) {
      const reported = state === undefined ? undefined : valueAt(state.twin.reported, key)
      this.#check("twin equals board", reported === value, () => `${board.id}.${key}: ${reported}, board ${value}`)
    }
    const wanted = state?.twin.desired.leaves.get("led")?.value
    if (wanted === undefined) return
    this.#check(
      "board is as desired",
      board.state.led === wanted,
      () => `${board.id}: ${board.state.led}, not ${wanted}`
    )
  }
}

const decodeRow = (world: World, row: Row, isWanted: (part: string) => boolean): DeviceState | undefined => {
  const storage = world.registry.get("device")?.behaviour.reactions.storage
  const stored = row.head === null ? undefined : decodeStored(row.head)
  if (storage === undefined || !Array.isArray(stored)) return undefined
  const parts = new Map<string, unknown>()
  for (const [key, value] of row.parts) if (!key.startsWith("~") && isWanted(key)) parts.set(key, decodePart(value))
  const state = storage.join(stored[0], parts, row.id, row.format)
  return isDeviceState(state) ? state : undefined
}

/** Decoded parts by their bytes: most parts of a row are those of the version before. */
const decodedParts = new WeakMap<Uint8Array, unknown>()

const decodePart = (bytes: Uint8Array): unknown => {
  const known = decodedParts.get(bytes)
  if (known !== undefined) return known
  const value = decodeStored(bytes)
  decodedParts.set(bytes, value)
  return value
}

const valueIn = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? Object.entries(value).find(([name]) => name === key)?.[1] : undefined

const numberIn = (value: unknown, key: string): number | undefined => {
  const found = valueIn(value, key)
  return typeof found === "number" ? found : undefined
}
