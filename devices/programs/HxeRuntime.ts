/** Runs HXE programs of the link on the executive. */
import type { KeyObject } from "node:crypto"
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import { f16Value } from "../../src/protocol/hxe/F16.ts"
import type { HxeImage } from "../../src/protocol/hxe/Hxe.ts"
import { readHxe } from "../../src/protocol/hxe/HxeReader.ts"
import { HxeStream } from "../../src/protocol/hxe/HxeStream.ts"
import { ed25519Key, keyIdOf, verifyHxe } from "../../src/protocol/hxe/Signature.ts"
import { signedDigestOf } from "../../src/protocol/hxe/SignedDigest.ts"
import { imageKindBit } from "../../src/protocol/image/ImageKind.ts"
import type { Manifest } from "../../src/protocol/image/Manifest.ts"
import type { BudgetProfile } from "../hxe/executive/BudgetProfile.ts"
import type { ExecutiveEvent } from "../hxe/executive/Events.ts"
import { Executive } from "../hxe/executive/Executive.ts"
import { HostAccess } from "../hxe/executive/HostAccess.ts"
import { hostPid, modeBits } from "../hxe/executive/MailboxTypes.ts"
import type { ProgramFiles } from "../hxe/executive/ProgramFiles.ts"
import type { ProgramHal } from "../hxe/executive/ProgramHal.ts"
import { programEntry } from "../hxe/executive/Rows.ts"
import type { ValueStore } from "../hxe/executive/ValueStore.ts"
import type { Refused } from "../Refused.ts"
import { HxeTask } from "./HxeTask.ts"
import type { BoardTrust } from "./ImageChecks.ts"
import type { ImageSink } from "./ImageIntake.ts"
import type { Runtime, RuntimeEvents, Standing, TappedMail, Task, Wanted } from "./Runtime.ts"

/** What HXE programs can be given, by name. */
export const hxeCapabilities: ReadonlyArray<string> = [
  "command",
  "log",
  "mail",
  "math",
  "sleep",
  "store",
  "time",
  "timer",
  "value"
]

/** Instructions of one turn of a program. More of them cost less, and make others wait longer. */
const quantum = 50

/** Bytes a program may print ahead of whoever listens, on each of its two streams. */
const outputBytes = 4096

/** What the runtime gets from its board. */
export interface HxeRuntimeOptions {
  /** Milliseconds since boot. */
  readonly now: () => number
  readonly events: RuntimeEvents
  readonly trust: BoardTrust
  /** Largest image, bytes. */
  readonly imageBytesMax: number
  /** Where values outlive a restart. */
  readonly store?: ValueStore
  readonly profile?: BudgetProfile
  readonly hal?: ProgramHal
  readonly files?: (program: string) => ProgramFiles
}

/** The runtime of one boot. */
export class HxeRuntime implements Runtime {
  readonly kind = "hxe"
  readonly #options: HxeRuntimeOptions
  readonly #executive: Executive
  readonly #access: HostAccess
  /** Keys that may sign HXE images, by the id under which images name them. */
  readonly #keys: ReadonlyMap<string, KeyObject>

  constructor(options: HxeRuntimeOptions) {
    const { now, store, profile, hal, files, trust } = options
    this.#options = options
    this.#executive = new Executive({
      now,
      observe: (event) => this.#observe(event),
      ...(store === undefined ? {} : { store }),
      ...(profile === undefined ? {} : { profile }),
      ...(hal === undefined ? {} : { hal }),
      ...(files === undefined ? {} : { files })
    })
    this.#access = new HostAccess(this.#executive)
    const mayStand = trust.signers.filter(
      ({ isEnabled, kinds }) => isEnabled !== false && ((kinds ?? -1) & imageKindBit("hxe")) !== 0
    )
    this.#keys = new Map(mayStand.map(({ key }) => ed25519Key(key)).map((key) => [keyIdOf(key), key]))
  }

  admit({ manifest, replaces }: Wanted & { readonly manifest: Manifest }): ImageSink {
    const stream = new HxeStream({
      bytesMax: this.#options.imageBytesMax,
      totalBytes: manifest.size,
      digestsSigned: false
    })
    let isJudged = false
    return {
      push: (bytes) => {
        const refused = stream.push(bytes)
        const { header } = stream
        if (refused !== undefined || header === undefined || isJudged) return refused
        isJudged = true
        return this.#executive.admit(header, undefined, pidsOf(replaces))
      }
    }
  }

  check(bytes: Uint8Array, wanted: Wanted): Refused | undefined {
    const read = readHxe(bytes)
    if (Result.isFailure(read)) return read.failure
    const { manifest, replaces } = wanted
    const image = asWanted(read.success, wanted)
    const { appName } = image.header
    if (manifest !== undefined && appName !== undefined && manifest.name !== appName) {
      return { code: codes.EBADMSG, detail: `name:${appName}` }
    }
    const pids = pidsOf(replaces)
    const named = this.#executive.checkName(image.header, { name: wanted.name, replaces: pids })
    const room = () => this.#executive.checkImage(image, undefined, pids)
    return this.#ownSignature(image, bytes) ?? (Result.isFailure(named) ? named.failure : room())
  }

  load(bytes: Uint8Array, { name, manifest, replaces }: Wanted): Result.Result<Task, Refused> {
    const read = readHxe(bytes)
    if (Result.isFailure(read)) return Result.fail(read.failure)
    const image = asWanted(read.success, { name, manifest })
    const caps = manifest?.requires?.caps
    const loaded = this.#executive.load(image, {
      name,
      autostart: false,
      replaces: pidsOf(replaces),
      rights: { quantum, ...(caps === undefined ? {} : { grants: new Set(caps) }) },
      ...(manifest === undefined
        ? {}
        : { identity: { version: manifest.version, sha256: new Uint8Array(Buffer.from(manifest.sha256, "hex")) } })
    })
    if (Result.isFailure(loaded)) return Result.fail(loaded.failure)
    const { pid } = loaded.success
    // Nobody reads these but through events: what is printed must neither fill up nor hold up the program.
    const mode = modeBits.readWrite | modeBits.fanout | modeBits.fanoutDrop
    for (const stream of ["out", "err"]) {
      this.#executive.parts.mailboxes.bind(hostPid, `svc:stdio.${stream}@${pid}`, { capacity: outputBytes, mode })
    }
    return Result.succeed(new HxeTask(pid, this.#executive, this.#access, () => this.#standingOf(pid)))
  }

  step(instructions: number): void {
    this.#executive.step(Math.ceil(instructions / quantum))
  }

  nextDue(): number | undefined {
    return this.#executive.nextDue()
  }

  flush(): void {
    this.#executive.flush()
  }

  send(target: string, data: Uint8Array, channel: number): Result.Result<number, Refused> {
    return this.#access.sendMail(undefined, target, data, channel)
  }

  tap(target: string, rate: number | undefined, take: (mail: TappedMail) => void): Result.Result<() => void, Refused> {
    return this.#access.tapMail(undefined, target, rate, take)
  }

  #standingOf(pid: number): Standing | undefined {
    const task = this.#executive.task(pid)
    if (task === undefined) return undefined
    const { state = 0, exit, code, detail } = programEntry(task, this.#executive.now())
    return {
      state,
      ...(exit === undefined ? {} : { exit }),
      ...(code === undefined ? {} : { code }),
      ...(detail === undefined ? {} : { detail })
    }
  }

  /** An image that is signed within must be so by a key of this board, unless the board asks for no signatures. */
  #ownSignature(image: HxeImage, bytes: Uint8Array): Refused | undefined {
    const { signature } = image
    if (signature === undefined) return undefined
    const refused = verifyHxe(signature, signedDigestOf(bytes, signature), this.#keys)
    return refused?.code === codes.ENOKEY && this.#options.trust.policy === "none" ? undefined : refused
  }

  #observe({ type, pid, data }: ExecutiveEvent): void {
    const { events } = this.#options
    if (pid === null) return
    switch (type) {
      case "task_state":
        return events.stands(pid)
      case "stdout":
      case "stderr": {
        const text = `${String(data.text)}${data.source === "can" ? "\n" : ""}`
        return events.printed(pid, type === "stdout" ? "out" : "error", new TextEncoder().encode(text))
      }
      case "value_changed":
        if (typeof data.oid === "number" && typeof data.new_f16 === "number") {
          events.valueChanged(pid, data.oid, f16Value(data.new_f16))
        }
    }
  }
}

const pidsOf = (task: Task | undefined): ReadonlyArray<number> => (task === undefined ? [] : [task.pid])

/**
 * The image with what its manifest says beside it: start values, what it needs of the board, the size of its stack. Where it
 * runs under another name than its own, it keeps no values: the program of that name has them.
 */
const asWanted = (image: HxeImage, { name, manifest }: Pick<Wanted, "name" | "manifest">): HxeImage => {
  const { header, metadata, manifest: own } = image
  const isOther = header.appName !== undefined && header.appName !== name && own?.persistKeyBase === undefined
  const values = isOther ? metadata.values.map((value) => ({ ...value, persistKey: 0 })) : metadata.values
  const starts: Record<string, number> = {}
  for (const { groupId, valueId, name: valueName, groupName } of values) {
    const names = [`${groupId}:${valueId}`, `${groupName ?? ""}.${valueName ?? ""}`, valueName ?? ""]
    const start = names.map((known) => manifest?.values?.[known]).find((value) => typeof value === "number")
    if (typeof start === "number") starts[`${groupId}:${valueId}`] = start
  }
  const { hxeCaps = 0, stack } = manifest?.requires ?? {}
  const stackSizeBytes = own?.stackSizeBytes ?? stack
  return {
    ...image,
    metadata: { ...metadata, values },
    manifest: {
      ...own,
      requiredCaps: ((own?.requiredCaps ?? 0) | hxeCaps) >>> 0,
      defaults: { ...own?.defaults, ...starts },
      ...(stackSizeBytes === undefined ? {} : { stackSizeBytes })
    }
  }
}
