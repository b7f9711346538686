/** What a start asks of whoever runs programs, done by the provisioning service: images from files, a card or the store. */
import { Result } from "effect"
import type { Executive } from "../hxe/executive/Executive.ts"
import type { BootHost } from "../nv/Boot.ts"
import type { BootEntry } from "../nv/BootConfig.ts"
import type { NvStore } from "../nv/NvStore.ts"
import type { Refused } from "../Refused.ts"
import type { CanList } from "./CanList.ts"
import type { CardList } from "./CardList.ts"
import { refusal } from "./ErrorCodes.ts"
import type { ServiceClock } from "./EventHub.ts"
import type { Loader } from "./Loader.ts"
import { boardCaller, type EndReply, type LoadRequest } from "./LoaderCalls.ts"
import { source } from "./Source.ts"
import type { EndAnswer } from "./Transfers.ts"
import { fileTransport } from "./transports/File.ts"
import { loadWhole } from "./transports/PullLoad.ts"
import { loadSdPath, type SdParts } from "./transports/SdCard.ts"
import { sdListPaths } from "./transports/SdManifest.ts"

/** A card in its slot. */
export interface Card {
  readonly parts: SdParts
  readonly list: CardList
}

/** What programs are loaded with, and from. */
export interface BootLoadsParts {
  readonly clock: ServiceClock
  readonly executive: Executive
  readonly loader: Loader
  readonly store: NvStore
  /** Paths of files begin here; undefined on a board without files. */
  readonly folder: string | undefined
  readonly card: Card | undefined
  /** Undefined on a board without a bus. */
  readonly can: CanList | undefined
}

/** One load, from its first question to its answer. */
interface Load {
  answer: Result.Result<number, Refused> | undefined
}

/** See the file. */
export class BootLoads implements BootHost {
  readonly #parts: BootLoadsParts
  readonly #loads = new Map<BootEntry, Load>()

  constructor(parts: BootLoadsParts) {
    this.#parts = parts
  }

  load(entry: BootEntry, path: string | undefined): Result.Result<number, Refused> | "waiting" {
    const { can } = this.#parts
    // It came with its announcement.
    if (entry.place === "can" && can !== undefined) return can.pidOf(entry)
    const load = this.#loads.get(entry) ?? this.#begin(entry, path)
    if (load.answer === undefined) return "waiting"
    this.#loads.delete(entry)
    return load.answer
  }

  start(pid: number): void {
    this.#parts.executive.start(pid)
  }

  unload(pid: number): void {
    this.#parts.executive.remove(pid)
  }

  abandon(entry: BootEntry): void {
    const answer = this.#loads.get(entry)?.answer
    this.#loads.delete(entry)
    if (answer !== undefined && Result.isSuccess(answer)) this.unload(answer.success)
  }

  #begin(entry: BootEntry, path: string | undefined): Load {
    const load: Load = { answer: undefined }
    this.#loads.set(entry, load)
    this.#fetch(entry, path, (result) => {
      load.answer = Result.map(result, ({ pid }) => pid)
      if (Result.isFailure(result)) return
      if (this.#loads.get(entry) === load) this.#keep(entry, result.success)
      // Nobody waits for it any more.
      else this.unload(result.success.pid)
    })
    return load
  }

  #fetch(entry: BootEntry, path: string | undefined, answered: EndAnswer): void {
    const { card, clock, folder, loader } = this.#parts
    const request: Omit<LoadRequest, "bytes" | "source"> = {
      mode: "boot",
      autostart: entry.autostart,
      hold: true,
      persist: false,
      ...(entry.pidHint === 0 ? {} : { pidHint: entry.pidHint })
    }
    if (entry.carrier === "nv") return this.#loadKept(entry.name, request, answered)
    if (entry.carrier === "file" && folder !== undefined && path !== undefined) {
      const parts = { loader, clock, transport: fileTransport(folder) }
      return loadWhole(parts, path, { ...request, source: source.file(path), label: path }, boardCaller, answered)
    }
    if (entry.carrier === "sd" && card !== undefined && path !== undefined) {
      const listed = entry.place === "sd" ? card.list.entryOf(entry) : undefined
      return loadSdPath(
        card.parts,
        listed ?? { index: 0, path, list: sdListPaths.json },
        path,
        request,
        boardCaller,
        answered
      )
    }
    answered(Result.fail(refusal("ENOTSUP", `source:${entry.carrier}`)))
  }

  #loadKept(name: string, request: Omit<LoadRequest, "bytes" | "source">, answered: EndAnswer): void {
    const { loader, store } = this.#parts
    const image = store.image(name)
    if (Result.isFailure(image)) return answered(Result.fail(image.failure))
    const slot = store.manifest.entries.find((entry) => entry.name === name)?.slot ?? 0
    const from = source.nv(slot, store.generation)
    // One that came over a line since the last start has this name, too.
    loader.load({ ...request, bytes: image.success.bytes, source: from, replace: true }, boardCaller, answered)
  }

  /** Not again what is kept already: each time wears the memory, and would begin another trial. */
  #keep(entry: BootEntry, { pid }: EndReply): void {
    if (!entry.persist) return
    const { executive, loader, store } = this.#parts
    const crc32 = executive.task(pid)?.identity.crc32
    if (store.manifest.entries.some(({ imageCrc, slot }) => slot !== undefined && imageCrc === crc32)) return
    loader.persist({ pid, target: "FLASH" }, boardCaller)
  }
}
