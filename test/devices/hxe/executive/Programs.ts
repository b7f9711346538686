/** Programs for tests of the executive: images from words, and an executive whose clock stands still until it is moved. */
import { assert } from "@effect/vitest"
import { Result } from "effect"
import type { ExecutiveEvent } from "../../../../devices/hxe/executive/Events.ts"
import { Executive } from "../../../../devices/hxe/executive/Executive.ts"
import type { ExecutiveOptions, LoadReply, LoadRequest } from "../../../../devices/hxe/executive/ExecutiveTypes.ts"
import type {
  CommandEntry,
  HxeHeader,
  HxeImage,
  HxeManifest,
  MailboxEntry,
  ValueEntry
} from "../../../../src/protocol/hxe/Hxe.ts"

/** Bytes of hexadecimal words. */
export const wordsOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s+/g, ""), "hex"))

/** What of an image a test chooses. */
export interface ImageParts {
  readonly rodata?: Uint8Array
  readonly header?: Partial<HxeHeader>
  readonly values?: ReadonlyArray<Partial<ValueEntry>>
  readonly commands?: ReadonlyArray<Partial<CommandEntry>>
  readonly mailboxes?: ReadonlyArray<Partial<MailboxEntry>>
  readonly manifest?: HxeManifest
}

/** An image of these words. */
export const imageOf = (words: string, parts: ImageParts = {}): HxeImage => {
  const code = wordsOf(words)
  const rodata = parts.rodata ?? new Uint8Array()
  return {
    header: {
      version: 2,
      flags: 2,
      entry: 0,
      codeLength: code.length,
      rodataLength: rodata.length,
      bssSize: 0,
      requiredCaps: 0,
      crc32: 0,
      appName: "app",
      metaOffset: 0,
      metaCount: 0,
      allowsMultiple: true,
      hasManifest: parts.manifest !== undefined,
      ...parts.header
    },
    code,
    rodata,
    metadata: {
      sections: [],
      values: (parts.values ?? []).map((value, index) => ({
        groupId: 1,
        valueId: index,
        flags: 0,
        authLevel: 0,
        initBits: 0,
        epsilonBits: 0,
        minimumBits: 0,
        maximumBits: 0,
        persistKey: 0,
        name: undefined,
        unit: undefined,
        groupName: undefined,
        ...value
      })),
      commands: (parts.commands ?? []).map((command, index) => ({
        groupId: 1,
        commandId: index,
        flags: 0,
        authLevel: 0,
        handlerOffset: 0,
        name: undefined,
        help: undefined,
        groupName: undefined,
        ...command
      })),
      mailboxes: (parts.mailboxes ?? []).map((mailbox) => ({
        target: "app:x",
        capacity: 64,
        modeMask: 3,
        ownerPid: undefined,
        bindings: [],
        reserved: undefined,
        declared: {},
        ...mailbox
      }))
    },
    manifest: parts.manifest,
    signature: undefined
  }
}

/** "app:x" at 0x4000, room for a message at 0x4008 and for its block at 0x4018. */
export const mailRodata = (): Uint8Array => {
  const rodata = new Uint8Array(44)
  rodata.set(new TextEncoder().encode("app:x"))
  return rodata
}

/** An executive, what it told, and its clock. */
export class Bench {
  readonly events: Array<ExecutiveEvent> = []
  readonly executive: Executive
  now = 0

  constructor(options: Partial<ExecutiveOptions> = {}) {
    this.executive = new Executive({ now: () => this.now, observe: (event) => this.events.push(event), ...options })
  }

  /** Loads what must load. */
  load(image: HxeImage, request: LoadRequest = {}): LoadReply {
    const loaded = this.executive.load(image, request)
    if (Result.isFailure(loaded)) return assert.fail(`not loaded: ${loaded.failure.code} ${loaded.failure.detail}`)
    return loaded.success
  }

  /** Gives turns until nothing can run, moving the clock to each deadline; at most so many turns. */
  run(turnsMax = 100_000): number {
    let executed = 0
    while (executed < turnsMax) {
      executed += this.executive.step(turnsMax - executed).executed
      const due = this.executive.nextDue()
      if (due === undefined) break
      this.now = Math.max(this.now, due)
    }
    return executed
  }

  /** A register of a task. */
  register(pid: number, index: number): number {
    const machine = this.executive.task(pid)?.machine
    return machine === undefined ? assert.fail(`no machine of ${pid}`) : machine.register(index)
  }

  /** Registers by number, as far as a test names them. */
  registers(pid: number, indexes: ReadonlyArray<number>): Readonly<Record<number, number>> {
    return Object.fromEntries(indexes.map((index) => [index, this.register(pid, index)]))
  }

  /** Bytes of a task's memory. */
  memory(pid: number, address: number, length: number): Uint8Array {
    const machine = this.executive.task(pid)?.machine
    return machine === undefined ? assert.fail(`no machine of ${pid}`) : machine.memory.slice(address, address + length)
  }

  /** Types of the events of a family, in order. */
  told(prefix: string): ReadonlyArray<string> {
    return this.events.filter(({ type }) => type.startsWith(prefix)).map(({ type }) => type)
  }
}

/** The failure of a result that must have failed. */
export const refusalOf = <A, E>(result: Result.Result<A, E>): E =>
  Result.isFailure(result) ? result.failure : assert.fail("it succeeded")
