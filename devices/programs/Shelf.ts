/** The programs a board keeps without power, and their values: what its store holds, in the words of the link. */
import { createHash } from "node:crypto"
import { Result } from "effect"
import type { SlotStatus } from "../../src/protocol/frame/ImageFrames.ts"
import { crcOffset } from "../../src/protocol/hxe/Hxe.ts"
import { type ImageKind, imageKindOf, imageKinds } from "../../src/protocol/image/ImageKind.ts"
import { readTravelling } from "../../src/protocol/image/SignedManifest.ts"
import type { Clock } from "../agent/Clock.ts"
import type { ManifestEntry } from "../nv/Manifests.ts"
import type { NvStore } from "../nv/NvStore.ts"
import { Trial } from "../nv/Trial.ts"
import type { Refused } from "../Refused.ts"
import { KeptValues } from "./KeptValues.ts"
import type { Image } from "./Program.ts"

/** A program that is kept. */
export interface Kept {
  readonly name: string
  readonly image: Image
  readonly isStarted: boolean
  /** It is what the configuration on trial changed. */
  readonly isNew: boolean
}

/** A program to keep. */
export interface Keeping {
  readonly name: string
  readonly image: Image
  /** The manifest as it travelled, for the next start. */
  readonly travelled: Uint8Array
  readonly isSigned: boolean
  readonly isStarted: boolean
}

/** Where a program is kept. */
export interface Place {
  readonly generation: number
  readonly slot: number
}

/** The store of one board, for one boot. */
export class Shelf {
  /** How what is on trial is tried, and left. */
  readonly trial: Trial
  /** The values its programs persist. */
  readonly values: KeptValues
  readonly #store: NvStore

  constructor(store: NvStore, clock: Clock) {
    this.trial = new Trial(store)
    this.values = new KeptValues(store, clock)
    this.#store = store
  }

  get generation(): number {
    return this.#store.manifest.generation
  }

  /** All programs in the order of their start. One whose image cannot be read has no bytes, and will not load. */
  programs(): ReadonlyArray<Kept> {
    const { entries } = this.#store.manifest
    const before = this.trial.isOn ? (this.#store.previous?.entries ?? []) : entries
    return [...entries]
      .sort((left, right) => right.priority - left.priority)
      .flatMap((entry) => {
        const kind = imageKindOf(entry.kind)
        const isNew = !before.some(({ name, slot }) => name === entry.name && slot === entry.slot)
        if (kind === undefined) return []
        return [{ name: entry.name, image: this.#imageOf(entry, kind), isStarted: entry.autostart, isNew }]
      })
  }

  /** Keeps a program, in the place of one of its name. It is on trial from then on. */
  keep({ name, image, travelled, isSigned, isStarted }: Keeping): Result.Result<Place, Refused> {
    const { kind, bytes, manifest } = image
    const start = manifest?.start
    const committed = this.#store.commit({
      put: [
        {
          name,
          kind: imageKinds[kind],
          autostart: isStarted || start?.auto === true,
          signed: isSigned,
          priority: start?.priority ?? 0,
          required: start?.required ?? false,
          multiple: start?.multiple ?? false,
          secver: manifest?.secver ?? 0,
          requiredCaps: manifest?.requires?.hxeCaps ?? 0,
          image: { bytes, attachment: travelled, ...(kind === "hxe" ? { headerCrc: headerCrcOf(bytes) } : {}) }
        }
      ]
    })
    return Result.map(committed, ({ generation, stored }) => ({ generation, slot: stored[0]?.slot ?? 0 }))
  }

  /** Keeps it no more. What is kept besides has proved itself already. */
  drop(name: string): Refused | undefined {
    const committed = this.#store.commit({ remove: [name] })
    return Result.isFailure(committed) ? committed.failure : this.confirm()
  }

  /** What is on trial has proved itself. */
  confirm(): Refused | undefined {
    const confirmed = this.#store.confirm()
    return Result.isFailure(confirmed) ? confirmed.failure : undefined
  }

  /** What was kept just now cannot even be loaded: as if it had not been. */
  takeBack(): void {
    this.#store.giveUp("verify")
  }

  /** Goes back because somebody says so: to the configuration before where `generation` is 0. That needs no proof. */
  rollback(generation: number): Refused | undefined {
    const back = this.#store.rollback(generation === 0 ? undefined : generation)
    return Result.isFailure(back) ? back.failure : this.confirm()
  }

  /** Highest security version accepted for a kind and name. */
  floor(kind: ImageKind, name: string): number {
    return this.#store.floor(imageKinds[kind], name)
  }

  /** All slots. */
  slots(): Result.Result<ReadonlyArray<SlotStatus>, Refused> {
    return Result.map(this.#store.slots(), (slots) =>
      slots.map(({ slot, state, sha256, generation, wear, attachment }) => {
        const travelled = attachment === undefined ? undefined : readTravelling(attachment)
        return {
          slot: String(slot),
          state,
          generation,
          wear,
          ...(sha256 === undefined ? {} : { sha256 }),
          ...(travelled !== undefined && Result.isSuccess(travelled)
            ? { version: travelled.success.manifest.version }
            : {})
        }
      })
    )
  }

  /** Saves what waits. */
  flush(): void {
    this.values.flush()
  }

  /** No timer of it runs any more. */
  stop(): void {
    this.values.stop()
  }

  #imageOf({ name }: ManifestEntry, kind: ImageKind): Image {
    const stored = this.#store.image(name)
    if (Result.isFailure(stored)) return { kind, bytes: nothing, sha256: nothing, manifest: undefined }
    const { bytes, attachment } = stored.success
    const travelled = attachment === undefined ? undefined : readTravelling(attachment)
    return {
      kind,
      bytes,
      sha256: new Uint8Array(createHash("sha256").update(bytes).digest()),
      manifest: travelled !== undefined && Result.isSuccess(travelled) ? travelled.success.manifest : undefined
    }
  }
}

const nothing = new Uint8Array(0)

/** What the header of an HXE file says of the rest of it. */
const headerCrcOf = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(crcOffset)
