/** Runs HXE programs of the link on the executive. */
import { Result } from "effect"
import { codes } from "../../src/protocol/Codes.ts"
import { f16Value } from "../../src/protocol/hxe/F16.ts"
import type { HxeHeader, HxeImage } from "../../src/protocol/hxe/Hxe.ts"
import { readHxe } from "../../src/protocol/hxe/HxeReader.ts"
import { HxeStream } from "../../src/protocol/hxe/HxeStream.ts"
import { signedDigestOf } from "../../src/protocol/hxe/SignedDigest.ts"
import type { Manifest } from "../../src/protocol/image/Manifest.ts"
import { programFilesBytesMax } from "../hal/BoardFiles.ts"
import { type BudgetProfile, budgetProfiles } from "../hxe/executive/BudgetProfile.ts"
import type { ExecutiveEvent } from "../hxe/executive/Events.ts"
import { Executive } from "../hxe/executive/Executive.ts"
import { HostAccess } from "../hxe/executive/HostAccess.ts"
import { hostPid, modeBits } from "../hxe/executive/MailboxTypes.ts"
import type { ProgramFiles } from "../hxe/executive/ProgramFiles.ts"
import type { ProgramHal } from "../hxe/executive/ProgramHal.ts"
import { memoryBytesOf, programEntry } from "../hxe/executive/Rows.ts"
import type { ValueStore } from "../hxe/executive/ValueStore.ts"
import type { RestoreCounts } from "../hxe/executive/Values.ts"
import type { Refused } from "../Refused.ts"
import { asWanted } from "./HxeAsWanted.ts"
import { excessOf, type HxeRoom, misfitOf, quantumOf } from "./HxeFit.ts"
import { type HxeTrust, hxeTrustOf, signatureRefusal } from "./HxeSignatures.ts"
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
  /** Hears what became of the kept values of a program, whenever one is put on the board. */
  readonly restored?: (name: string, counts: RestoreCounts) => void
  readonly profile?: BudgetProfile
  readonly hal?: ProgramHal
  readonly files?: (program: string) => ProgramFiles
}

/** A program that is on its way to the board. */
interface Coming {
  readonly name: string
  /** Of its image. */
  readonly sha256: string
  /** The place that is set aside for it; none once that was given to another. */
  pid: number | undefined
}

/** The runtime of one boot. */
export class HxeRuntime implements Runtime {
  readonly kind = "hxe"
  readonly #options: HxeRuntimeOptions
  readonly #executive: Executive
  readonly #access: HostAccess
  readonly #trust: HxeTrust
  readonly #coming = new Set<Coming>()

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
    this.#trust = hxeTrustOf(trust)
  }

  /** Sets a place aside at once, and as soon as its header has come as much room as it says. */
  admit({ name, manifest, replaces }: Wanted & { readonly manifest: Manifest }): ImageSink | Refused {
    const misfit = misfitOf(manifest, this.#room(replaces))
    if (misfit !== undefined) return misfit
    const reserved = this.#executive.reserve({ source: "link" }, pidsOf(replaces))
    if (Result.isFailure(reserved)) return reserved.failure
    const coming: Coming = { name, sha256: manifest.sha256, pid: reserved.success }
    this.#coming.add(coming)
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
        return this.#excess(header, manifest, undefined) ?? this.#executive.admit(header, coming.pid, pidsOf(replaces))
      },
      release: () => this.#letGo(coming)
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
    const room = () =>
      this.#excess(image.header, manifest, image.manifest?.stackSizeBytes) ??
      this.#executive.checkImage(image, this.#comingAs(wanted)?.pid, pids)
    return this.#ownSignature(image, bytes) ?? (Result.isFailure(named) ? named.failure : room())
  }

  load(bytes: Uint8Array, wanted: Wanted): Result.Result<Task, Refused> {
    const read = readHxe(bytes)
    if (Result.isFailure(read)) return Result.fail(read.failure)
    const image = asWanted(read.success, wanted)
    const coming = this.#comingAs(wanted)
    const task = this.#place(image, wanted, coming?.pid)
    if (Result.isSuccess(task) && coming !== undefined) this.#coming.delete(coming)
    if (Result.isSuccess(task) || task.failure.code !== codes.ENOSPC || coming !== undefined) return task
    // A program that starts again goes before the one that is on its way to take its place.
    const successor = [...this.#coming].find(({ name, pid }) => name === wanted.name && pid !== undefined)
    if (successor === undefined) return task
    this.#giveUpPlace(successor)
    return this.#place(image, wanted, undefined)
  }

  #place(
    image: HxeImage,
    { name, manifest, replaces }: Wanted,
    reserved: number | undefined
  ): Result.Result<Task, Refused> {
    const caps = manifest?.requires?.caps
    const loaded = this.#executive.load(image, {
      ...(reserved === undefined ? {} : { pid: reserved }),
      name,
      autostart: false,
      replaces: pidsOf(replaces),
      rights: { quantum: quantumOf(manifest, quantum), ...(caps === undefined ? {} : { grants: new Set(caps) }) },
      ...(manifest === undefined
        ? {}
        : { identity: { version: manifest.version, sha256: new Uint8Array(Buffer.from(manifest.sha256, "hex")) } })
    })
    if (Result.isFailure(loaded)) return Result.fail(loaded.failure)
    const { pid, restored } = loaded.success
    this.#options.restored?.(name, restored)
    // Nobody reads these but through events: what is printed must neither fill up nor hold up the program.
    const mode = modeBits.readWrite | modeBits.fanout | modeBits.fanoutDrop
    for (const stream of ["out", "err"]) {
      this.#executive.parts.mailboxes.bind(hostPid, `svc:stdio.${stream}@${pid}`, { capacity: outputBytes, mode })
    }
    return Result.succeed(new HxeTask(loaded.success, this.#executive, this.#access, () => this.#standingOf(pid)))
  }

  keysOf(bytes: Uint8Array, wanted: Wanted, task?: Task): Result.Result<ReadonlyArray<number>, Refused> {
    return Result.map(readHxe(bytes), (read) => {
      const { metadata, manifest } = asWanted(read, wanted)
      const declared = metadata.values
        .filter(({ persistKey }) => persistKey !== 0)
        .map(({ persistKey }) => ((manifest?.persistKeyBase ?? 0) + persistKey) & 0xffff)
      const made = task === undefined ? [] : this.#executive.parts.values.ofOwner(task.pid)
      return [...declared, ...made.map(({ persistence }) => persistence.key)]
    })
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

  /** What was set aside for this very image under this name. */
  #comingAs({ name, manifest }: Wanted): Coming | undefined {
    return [...this.#coming].find((coming) => coming.name === name && coming.sha256 === manifest?.sha256)
  }

  #letGo(coming: Coming): void {
    this.#giveUpPlace(coming)
    this.#coming.delete(coming)
  }

  /** A place whose program has come is that program's, and stays. */
  #giveUpPlace(coming: Coming): void {
    if (coming.pid !== undefined) this.#executive.release(coming.pid)
    coming.pid = undefined
  }

  get #profile(): BudgetProfile {
    return this.#options.profile ?? budgetProfiles.desktop
  }

  #room(replaces: Task | undefined): HxeRoom {
    const others = this.#executive.tasks().filter(({ pid }) => pid !== replaces?.pid)
    return {
      profile: this.#profile,
      usedBytes: others.reduce((bytes, task) => bytes + memoryBytesOf(task), 0),
      storageBytes: this.#options.files === undefined ? 0 : programFilesBytesMax
    }
  }

  #excess(header: HxeHeader, manifest: Manifest | undefined, stackBytes: number | undefined): Refused | undefined {
    return excessOf(header, stackBytes ?? manifest?.requires?.stack ?? this.#profile.stackBytesDefault, manifest)
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
    const digest = signature === undefined ? undefined : signedDigestOf(bytes, signature)
    return signatureRefusal(signature, digest, this.#trust, false)
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
