/**
 * A simulated board without a link to the cluster: its programs come over a CAN bus, a card or a file, and stay in its
 * memories. What it was given last starts again after it was switched off, on trial until it has stayed well.
 */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import type { Clock } from "../agent/Clock.ts"
import type { ExecutiveEvent } from "../hxe/executive/Events.ts"
import { Executive } from "../hxe/executive/Executive.ts"
import { Boot, type BootEvent, type BootPhase } from "../nv/Boot.ts"
import { type BootConfig, defaultBootConfig } from "../nv/BootConfig.ts"
import type { NvDevices } from "../nv/NvDevice.ts"
import type { NvEvent } from "../nv/NvEvents.ts"
import { hostMap } from "../nv/NvMap.ts"
import type { NvStore } from "../nv/NvStore.ts"
import { openStore } from "../nv/OpenStore.ts"
import { Turns } from "../programs/Turns.ts"
import type { Refused } from "../Refused.ts"
import { bootEvent, storeEvent } from "./BootEvents.ts"
import { readBootFile } from "./BootFile.ts"
import { BootLoads, type Card } from "./BootLoads.ts"
import { CardList } from "./CardList.ts"
import { executivePrograms } from "./ExecutivePrograms.ts"
import { Loader } from "./Loader.ts"
import type { BoardFacts } from "./LoadServer.ts"
import { nvImages, nvSecurityVersions } from "./NvImages.ts"
import type { ProvisioningEvent } from "./ProvisioningEvents.ts"
import type { SignatureTrust } from "./SignaturePolicy.ts"
import { CanBroadcastListener } from "./transports/CanBroadcastListener.ts"
import type { CanBus } from "./transports/CanFrame.ts"
import { serveCan } from "./transports/CanUnicast.ts"
import { sdTransport } from "./transports/SdCard.ts"

/** Everything an image may ask for: all of it is simulated. */
const capabilities = 0xff
const codeBytes = 65_536
/** Level of whoever reaches its lines: a bus in a laboratory. */
const level = 2

/** What a board is made of. */
export interface FieldBoardParts {
  /** Number on its bus, 1 to 126. */
  readonly node: number
  readonly clock: Clock
  readonly devices: NvDevices
  readonly trust?: Pick<SignatureTrust, "policy" | "keys">
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
  readonly #parts: FieldBoardParts
  readonly #turns: Turns
  readonly #boot: Boot
  #cancelStep: () => void = () => {}
  #isOff = false

  private constructor(parts: FieldBoardParts, store: NvStore, config: BootConfig) {
    this.#parts = parts
    const { clock, observe, trust = { policy: "none", keys: [] } } = parts
    this.executive = new Executive({ now: clock.board, capabilities, observe: (event) => this.#heard(event) })
    this.#turns = new Turns(clock, this.executive)
    this.loader = new Loader({
      clock,
      programs: executivePrograms(this.executive),
      keeper: nvImages(store),
      settings: { trust: { ...trust, versions: nvSecurityVersions(store) } }
    })
    if (observe !== undefined) this.loader.subscribe(observe)
    // Not in the middle of what the executive is doing.
    this.loader.subscribe(() => void clock.schedule(0, () => this.#turns.look()))
    const card = this.#card()
    const { executive, loader } = this
    this.#boot = new Boot({
      store,
      config,
      sources: card === undefined ? [] : [card.list],
      host: new BootLoads({ clock, executive, loader, store, folder: parts.folder, card }),
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

  #heard({ pid, type }: ExecutiveEvent): void {
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

  get #facts(): BoardFacts {
    return { node: this.#parts.node, capabilities: () => capabilities, codeBytesFree: () => codeBytes }
  }

  /** Answers a master of the bus, and listens to what is sent to all. */
  joinCan(bus: CanBus, channelName: string): void {
    const { clock, node, trust } = this.#parts
    serveCan(bus, channelName, { loader: this.loader, clock, board: this.#facts, level })
    const allowsUnsigned = trust === undefined || trust.policy === "none"
    new CanBroadcastListener({ bus, clock, loader: this.loader, node, channelName, allowsUnsigned })
  }

  /** Power off. */
  stop(): void {
    this.#isOff = true
    this.#cancelStep()
    this.#turns.stop()
    this.loader.shutdown()
  }
}
