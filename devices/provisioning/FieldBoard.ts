/**
 * A simulated board without a link to the cluster: its programs come over a CAN bus, a serial line, a card or a file, and
 * stay in its memories, their values with them. What it was given last starts again after it was switched off, on trial until it has stayed well.
 */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import type { Clock } from "../agent/Clock.ts"
import type { ExecutiveEvent } from "../hxe/executive/Events.ts"
import { Executive } from "../hxe/executive/Executive.ts"
import type { RpcBoard } from "../hxe/rpc/RpcBoard.ts"
import { RpcService } from "../hxe/rpc/RpcService.ts"
import { RunControl } from "../hxe/rpc/RunControl.ts"
import { Boot, type BootEvent, type BootPhase } from "../nv/Boot.ts"
import { type BootConfig, defaultBootConfig } from "../nv/BootConfig.ts"
import type { NvDevices } from "../nv/NvDevice.ts"
import type { NvEvent } from "../nv/NvEvents.ts"
import { hostMap } from "../nv/NvMap.ts"
import type { NvStore } from "../nv/NvStore.ts"
import { openStore } from "../nv/OpenStore.ts"
import { KeptValues } from "../programs/KeptValues.ts"
import { Turns } from "../programs/Turns.ts"
import type { Refused } from "../Refused.ts"
import { bootEvent, storeEvent } from "./BootEvents.ts"
import { readBootFile } from "./BootFile.ts"
import { BootLoads, type Card } from "./BootLoads.ts"
import { CanList } from "./CanList.ts"
import { CardList } from "./CardList.ts"
import { executivePrograms } from "./ExecutivePrograms.ts"
import { Loader } from "./Loader.ts"
import type { LoadServerOptions } from "./LoadServer.ts"
import { nvImages, nvSecurityVersions } from "./NvImages.ts"
import type { ProvisioningEvent } from "./ProvisioningEvents.ts"
import type { SignatureTrust } from "./SignaturePolicy.ts"
import { source } from "./Source.ts"
import type { StagingLimits } from "./Staging.ts"
import { CanBroadcastListener } from "./transports/CanBroadcastListener.ts"
import type { CanBus } from "./transports/CanFrame.ts"
import { serveCan } from "./transports/CanUnicast.ts"
import { sdTransport } from "./transports/SdCard.ts"
import type { UartChannel } from "./transports/UartFraming.ts"
import { serveUart } from "./transports/UartLoad.ts"

/** Everything an image may ask for: all of it is simulated. */
const capabilities = 0xff
const codeBytes = 65_536

/** Level of whoever reaches the lines of a board that knows no keys of roles: a bus in a laboratory. */
const openLevel = 2
/** Likewise of whoever reaches its own line for tools, which is on the same machine. */
const openRpcLevel = 3
/** On a board that knows some, a master proves a role before it may do more than look. */
const guardedLevel = 0

/** What a board is made of. */
export interface FieldBoardParts {
  /** Number on its bus, 1 to 126; 0 on a line, where it needs none. */
  readonly node: number
  readonly clock: Clock
  readonly devices: NvDevices
  readonly trust?: Pick<SignatureTrust, "policy" | "keys">
  /** Keys of the roles, by their level, and eight bytes that nobody can foresee. Without them nobody proves anything. */
  readonly roles?: Required<Pick<LoadServerOptions, "roleKeys" | "nonce">>
  /** The bus it is on. */
  readonly can?: { readonly bus: CanBus; readonly name: string }
  /** The line it is at one end of. */
  readonly line?: { readonly channel: UartChannel; readonly name: string }
  /** Bytes nobody can foresee, on a board that tools may talk to directly: see `rpc`. */
  readonly rpc?: { readonly randomBytes: (count: number) => Uint8Array }
  /** How little of an image it can hold on the way into its memory; without it chunks are stored as they come. */
  readonly staging?: StagingLimits
  /** Folder of the boot configuration file and of the images it names. */
  readonly folder?: string
  /** Folder of the card that is in its slot. */
  readonly card?: string
  /** Hears everything that happens on this board, from power on. */
  readonly observe?: (event: FieldBoardEvent) => void
}

/** What happens to the programs of a board on their way, at a start, and in its memories. */
export type FieldBoardEvent =
  | ProvisioningEvent
  /** The configuration on trial proved itself. */
  | Extract<BootEvent, { readonly type: "confirmed" }>
  /** Something is wrong with the list of the card; with one that is not usable, as if no card were there. */
  | { readonly type: "card"; readonly isUsable: boolean; readonly detail: string }

/** See the file. */
export class FieldBoard {
  readonly executive: Executive
  readonly loader: Loader
  /** What answers tools that talk to this board directly; none unless it was asked for. */
  readonly rpc: RpcService | undefined
  readonly #parts: FieldBoardParts
  readonly #values: KeptValues
  readonly #turns: Turns
  readonly #boot: Boot
  readonly #list: CanList | undefined
  #cancelStep: () => void = () => {}
  #isOff = false

  private constructor(parts: FieldBoardParts, store: NvStore, config: BootConfig) {
    this.#parts = parts
    const { clock, observe, trust = { policy: "none", keys: [] } } = parts
    this.#values = new KeptValues(store, clock)
    this.executive = new Executive({
      now: clock.board,
      capabilities,
      store: this.#values,
      observe: (event) => this.#heard(event)
    })
    const control = new RunControl(this.executive)
    this.#turns = new Turns(clock, control)
    this.loader = new Loader({
      clock,
      programs: executivePrograms(this.executive, (pid) => this.rpc?.sessions.isLocked(pid) === true),
      keeper: nvImages(store),
      settings: { trust: { ...trust, versions: nvSecurityVersions(store) } }
    })
    this.rpc = this.#rpcOf(store, control)
    if (observe !== undefined) this.loader.subscribe(observe)
    // Not in the middle of what the executive is doing.
    this.loader.subscribe(() => void clock.schedule(0, () => this.#turns.look()))
    const card = this.#card()
    const { executive, loader } = this
    const nameOf = (pid: number): string | undefined => executive.task(pid)?.name
    this.#list = parts.can === undefined ? undefined : new CanList({ loader, now: clock.board, nameOf })
    this.#boot = new Boot({
      store,
      config,
      sources: [card?.list, this.#list].filter((list) => list !== undefined),
      host: new BootLoads({ clock, executive, loader, store, folder: parts.folder, card, can: this.#list }),
      observe: (event) => (event.type === "confirmed" ? observe?.(event) : loader.tell(bootEvent(event)))
    })
  }

  /**
   * Power on: the memories are read, or formatted when nothing was ever written to them, and the start begins. EBADMSG:
   * the boot configuration file is wrong.
   */
  static start(parts: FieldBoardParts): Result.Result<FieldBoard, Refused> {
    const config = parts.folder === undefined ? Result.succeed(defaultBootConfig) : readBootFile(parts.folder)
    if (Result.isFailure(config)) return Result.fail(config.failure)
    const early: Array<NvEvent> = []
    let tell = (event: NvEvent): void => void early.push(event)
    const options = { devices: parts.devices, observe: (event: NvEvent) => tell(event) }
    const store = openStore(options, hostMap)
    return Result.map(store, (opened) => {
      const board = new FieldBoard(parts, opened, config.success)
      tell = (event) => board.#stored(event)
      for (const event of early) board.#stored(event)
      board.#serve()
      board.#run((now) => board.#boot.start(now))
      return board
    })
  }

  /** How far its start is. */
  get phase(): BootPhase {
    return this.#boot.phase
  }

  /** Does something with the start, and comes back when it wants more. */
  #run(what: (nowMillis: number) => void): void {
    if (this.#isOff) return
    const { clock } = this.#parts
    this.#cancelStep()
    what(clock.board())
    this.#turns.look()
    const due = this.#boot.nextDue()
    if (due === undefined) return
    const delayMillis = Math.max(0, Math.ceil(due - clock.board()))
    this.#cancelStep = clock.schedule(delayMillis, () => this.#run((now) => this.#boot.step(now)))
  }

  #heard(event: ExecutiveEvent): void {
    this.rpc?.heard(event)
    const { pid, type } = event
    if (type !== "task_state" || pid === null) return
    const end = this.executive.task(pid)?.end
    // A task that is killed ends well.
    if (end === undefined || end.code === codes.ok) return
    this.#parts.clock.schedule(0, () => this.#run((now) => this.#boot.programFailed(pid, end.detail, now)))
  }

  #stored(event: NvEvent): void {
    const told = storeEvent(event)
    if (told !== undefined) this.loader.tell(told)
  }

  /** Before anything happens on this board, so that nothing of it is missing in the events. */
  #rpcOf(store: NvStore, control: RunControl): RpcService | undefined {
    const { clock, folder, node, roles, rpc } = this.#parts
    if (rpc === undefined) return undefined
    const { executive, loader } = this
    const keptImage: RpcBoard["keptImage"] = (name) =>
      Result.map(store.image(name), ({ bytes }) => ({
        bytes,
        source: source.nv(store.manifest.entries.find((entry) => entry.name === name)?.slot ?? 0, store.generation)
      }))
    const look = (): void => {
      if (!this.#isOff) this.#turns.look()
    }
    return new RpcService(
      { node, clock, executive, loader, control, folder, keptImage, look, wear: () => store.wear() },
      {
        level: roles === undefined ? openRpcLevel : guardedLevel,
        roleKeys: roles?.roleKeys ?? new Map(),
        randomBytes: rpc.randomBytes
      }
    )
  }

  #card(): Card | undefined {
    const { card, clock, node, observe } = this.#parts
    if (card === undefined) return undefined
    const parts = { loader: this.loader, transport: sdTransport(card), clock }
    return {
      parts,
      list: new CardList(parts, node, {
        unusable: ({ detail }) => observe?.({ type: "card", isUsable: false, detail }),
        warned: (detail) => observe?.({ type: "card", isUsable: true, detail })
      })
    }
  }

  /** Answers masters, and listens to what is sent to all boards of its bus. */
  #serve(): void {
    const { can, clock, line, node, roles, staging, trust } = this.#parts
    const options = {
      loader: this.loader,
      clock,
      board: { node, capabilities: () => capabilities, codeBytesFree: () => codeBytes },
      level: roles === undefined ? openLevel : guardedLevel,
      ...roles,
      ...(staging === undefined ? {} : { staging })
    } as const
    if (line !== undefined) serveUart(line.channel, line.name, options)
    if (can === undefined) return
    serveCan(can.bus, can.name, options)
    // Nobody proves a role to all boards at once: where roles are asked for, only a signature speaks for an image.
    const allowsUnsigned = roles === undefined && (trust === undefined || trust.policy === "none")
    new CanBroadcastListener({
      bus: can.bus,
      clock,
      loader: this.loader,
      node,
      channelName: can.name,
      allowsUnsigned,
      ...(this.#list === undefined ? {} : { start: this.#list })
    })
  }

  /** Power off. */
  stop(): void {
    this.#isOff = true
    this.#cancelStep()
    this.#turns.stop()
    this.executive.flush()
    this.#values.flush()
    this.#values.stop()
    this.loader.shutdown()
    this.rpc?.close()
  }
}
