/** The commands that programs offer: who may call them, and where their handlers are. Running them is the executive's work. */
import { commandFlags } from "../../../src/protocol/hxe/Hxe.ts"
import type { Emit } from "./Events.ts"
import { allGroups, isOverShare, noUse, Occupancy, oidOf, type RegistryUse, registryStatus } from "./RegistryStatus.ts"
import { type StringPool, stringBytes } from "./StringPool.ts"

/** How a command is declared, by an image or by a call. */
export interface CommandDeclaration {
  readonly groupId: number
  readonly commandId: number
  /** Bits of `commandFlags`. */
  readonly flags: number
  readonly authLevel: number
  /** Byte offset into the code. Without one a call succeeds and runs nothing. */
  readonly handlerOffset: number | undefined
  readonly name: string | undefined
  readonly help: string | undefined
  readonly groupName: string | undefined
}

/** A registered command. */
export interface CommandRecord {
  readonly oid: number
  readonly owner: number
  readonly declaration: CommandDeclaration
  readonly stringBytes: number
}

/** What the registry needs of the executive. */
export interface CommandsOptions {
  readonly limit: number
  readonly strings: StringPool
  readonly emit: Emit
  /** Whether a token opens a command that asks for one. Without this no such command can be called. */
  readonly isTokenValid?: (oid: number, token: string) => boolean
}

/** How a command is registered. */
export interface RegisterCommand {
  /** What a program that is about to go will give back. */
  readonly soonFree?: RegistryUse
  /** By a call of the program itself, which may take a share of the table and no more. */
  readonly isCall?: boolean
}

/** A call as it is judged. */
export interface CommandRequest {
  readonly oid: number
  /** The calling task; none for the host, which calls as the owner. */
  readonly caller: number | undefined
  /** The task whose command is meant; none searches. */
  readonly owner?: number
  readonly level: number
  readonly token: string | undefined
  /** Whether the caller goes on before the end. */
  readonly isAsync: boolean
}

/** All commands of a board, by owner and number. */
export class Commands {
  readonly #options: CommandsOptions
  readonly #records = new Map<number, Map<number, CommandRecord>>()
  readonly #occupancy: Occupancy
  #count = 0

  constructor(options: CommandsOptions) {
    this.#options = options
    this.#occupancy = new Occupancy("commands", options.limit, options.emit)
  }

  get count(): number {
    return this.#count
  }

  /** Registers a command. */
  register(
    owner: number,
    declaration: CommandDeclaration,
    { soonFree = noUse, isCall = false }: RegisterCommand = {}
  ): { readonly status: number; readonly oid: number } {
    const oid = oidOf(declaration.groupId, declaration.commandId)
    const own = this.#records.get(owner) ?? new Map<number, CommandRecord>()
    if (own.has(oid)) return { status: registryStatus.exists, oid: 0 }
    if (this.#count - soonFree.entries >= this.#options.limit) return { status: registryStatus.noSpace, oid: 0 }
    const size = stringBytes(declaration.name) + stringBytes(declaration.help) + stringBytes(declaration.groupName)
    const limits = { entries: this.#options.limit, stringBytes: this.#options.strings.limit }
    if (isCall && isOverShare([...own.values()], size, limits)) return { status: registryStatus.noSpace, oid: 0 }
    if (!this.#options.strings.take(size, soonFree.stringBytes)) return { status: registryStatus.noSpace, oid: 0 }
    own.set(oid, { oid, owner, declaration, stringBytes: size })
    this.#records.set(owner, own)
    this.#count += 1
    this.#occupancy.update(this.#count)
    return { status: registryStatus.ok, oid }
  }

  /** A task's own command first, then the one of the task with the lowest number. */
  find(caller: number | undefined, oid: number): CommandRecord | undefined {
    const own = caller === undefined ? undefined : this.#records.get(caller)?.get(oid)
    if (own !== undefined) return own
    let found: CommandRecord | undefined
    for (const records of this.#records.values()) {
      const record = records.get(oid)
      if (record !== undefined && (found === undefined || record.owner < found.owner)) found = record
    }
    return found
  }

  /** The commands of one task, in the order of their numbers. */
  ofOwner(owner: number, group: number = allGroups): ReadonlyArray<CommandRecord> {
    return [...(this.#records.get(owner)?.values() ?? [])]
      .filter((record) => group === allGroups || record.declaration.groupId === group)
      .sort((left, right) => left.oid - right.oid)
  }

  /** Judges a call: there, the owner's own, permitted, opened by its token, callable in that way. */
  permit(
    request: CommandRequest
  ): { readonly status: 0; readonly record: CommandRecord } | { readonly status: number } {
    const { oid, caller, owner, level, token, isAsync } = request
    const record = owner === undefined ? this.find(caller, oid) : this.#records.get(owner)?.get(oid)
    if (record === undefined) return { status: registryStatus.notFound }
    if (caller !== undefined && caller !== record.owner) return { status: registryStatus.notPermitted }
    if (level < record.declaration.authLevel) return { status: registryStatus.notPermitted }
    const { flags } = record.declaration
    if ((flags & commandFlags.pin) !== 0) {
      const isOpened = token !== undefined && this.#options.isTokenValid?.(oid, token) === true
      if (!isOpened) return { status: registryStatus.notPermitted }
    }
    if (isAsync && (flags & commandFlags.async) === 0) return { status: registryStatus.notAsync }
    return { status: registryStatus.ok, record }
  }

  removeTask(pid: number): void {
    const own = this.#records.get(pid)
    if (own === undefined) return
    for (const record of own.values()) this.#options.strings.give(record.stringBytes)
    this.#count -= own.size
    this.#records.delete(pid)
    this.#occupancy.update(this.#count)
  }
}
