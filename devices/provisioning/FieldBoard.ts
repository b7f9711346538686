/**
 * A simulated board without a link to the cluster: its programs come over a CAN bus or a card, and stay in its
 * memories. What it was given last runs again after it was switched off.
 */
import { Result } from "effect"
import type { Clock } from "../agent/Clock.ts"
import { Executive } from "../hxe/executive/Executive.ts"
import type { NvDevices } from "../nv/NvDevice.ts"
import { hostMap } from "../nv/NvMap.ts"
import type { NvRefused } from "../nv/NvRefused.ts"
import { NvStore } from "../nv/NvStore.ts"
import { openStore } from "../programs/Shelf.ts"
import { Turns } from "../programs/Turns.ts"
import type { Refused } from "./ErrorCodes.ts"
import { executivePrograms } from "./ExecutivePrograms.ts"
import { Loader } from "./Loader.ts"
import { boardCaller } from "./LoaderCalls.ts"
import type { BoardFacts } from "./LoadServer.ts"
import { nvImages, nvSecurityVersions } from "./NvImages.ts"
import type { ProvisioningEvent } from "./ProvisioningEvents.ts"
import type { SignatureTrust } from "./SignaturePolicy.ts"
import { source } from "./Source.ts"
import { CanBroadcastListener } from "./transports/CanBroadcastListener.ts"
import type { CanBus } from "./transports/CanFrame.ts"
import { serveCan } from "./transports/CanUnicast.ts"
import { loadSdPlan, readSdPlan, type SdOutcome, sdTransport } from "./transports/SdCard.ts"

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
  /** Hears everything that happens to its programs on their way, from the first one at power on. */
  readonly observe?: (event: ProvisioningEvent) => void
}

/** See the file. */
export class FieldBoard {
  readonly executive: Executive
  readonly loader: Loader
  readonly #parts: FieldBoardParts
  readonly #store: NvStore
  readonly #turns: Turns

  private constructor(parts: FieldBoardParts, store: NvStore) {
    this.#parts = parts
    this.#store = store
    const { clock, trust = { policy: "none", keys: [] } } = parts
    this.executive = new Executive({ now: clock.board, capabilities })
    this.#turns = new Turns(clock, this.executive)
    this.loader = new Loader({
      clock,
      programs: executivePrograms(this.executive),
      keeper: nvImages(store),
      settings: { trust: { ...trust, versions: nvSecurityVersions(store) } }
    })
    if (parts.observe !== undefined) this.loader.subscribe(parts.observe)
    // Not in the middle of what the executive is doing.
    this.loader.subscribe(() => void clock.schedule(0, () => this.#turns.look()))
  }

  /** Power on: the memories are read, or formatted when nothing was ever written to them, and what they keep runs. */
  static start(parts: FieldBoardParts): Result.Result<FieldBoard, NvRefused> {
    const { devices } = parts
    const store = openStore(
      () => NvStore.mount({ devices }),
      () => NvStore.format({ devices }, hostMap)
    )
    return Result.map(store, (opened) => {
      const board = new FieldBoard(parts, opened)
      board.#resume()
      return board
    })
  }

  #resume(): void {
    for (const { autostart, name, slot } of this.#store.manifest.entries) {
      const image = this.#store.image(name)
      if (Result.isFailure(image)) continue
      const from = source.nv(slot ?? 0, this.#store.generation)
      this.loader.load({ bytes: image.success.bytes, source: from, mode: "boot", autostart }, boardCaller, () => {})
    }
    this.#turns.look()
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

  /** Loads what the list of a card names. */
  insertCard(mount: string, done: (outcome: Result.Result<SdOutcome, Refused>) => void): void {
    const { clock, node } = this.#parts
    const parts = { loader: this.loader, transport: sdTransport(mount), clock }
    readSdPlan(parts, node, (plan) => {
      if (Result.isFailure(plan)) return done(Result.fail(plan.failure))
      loadSdPlan(parts, plan.success, boardCaller, (outcome) => {
        this.#turns.look()
        done(Result.succeed(outcome))
      })
    })
  }

  /** Power off. */
  stop(): void {
    this.#turns.stop()
    this.loader.shutdown()
  }
}
