/** The host board: the machine this process runs on, attached as a board. */
import { mkdirSync, writeFileSync } from "node:fs"
import { platform } from "node:os"
import { join } from "node:path"
import { Clock, Effect, type Scope } from "effect"
import { Agent, type LinkStep } from "../agent/Agent.ts"
import { type NoTransport, running, telling, transportOf } from "../agent/Board.ts"
import { countedBoot, drawnBoot } from "../agent/BootNumber.ts"
import type { Access } from "../agent/Connect.ts"
import { type FileJournal, fileJournal } from "../agent/FileJournal.ts"
import { realClock } from "../agent/RealTime.ts"
import { fileStore } from "../hal/FileStore.ts"
import type { Store } from "../hal/Hal.ts"
import { profileOf } from "../profiles/Profiles.ts"
import { hostApplication } from "./HostApplication.ts"
import { hostFirmware, hostHal } from "./HostHal.ts"
import { linuxMachine } from "./LinuxMachine.ts"
import { type Machine, steady } from "./Machine.ts"
import { osMachine } from "./OsMachine.ts"

/** How a host board is run. */
export interface HostBoardOptions extends Access {
  readonly id: string
  /** Where the board keeps its boot number, its commands and its lamp (the file `led`). Without it nothing survives a restart. */
  readonly folder?: string
  /** Shows the lamp to people: called with its new state after each change. */
  readonly showLed?: (on: boolean) => void
  /** Between reports, ms; 2000 when absent. */
  readonly intervalMillis?: number
  /** Each step of the link. */
  readonly observe?: (step: LinkStep) => void
  /** Environment variables, in which a build service shows itself. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** The machine to report; this one when absent. */
  readonly machine?: Machine
}

/** Figures that are younger than this are not read again, ms. */
const figuresMillis = 400

/** Key of the boot number. */
const bootKey = "boot"

const bootCell = (store: Store) => ({
  read: () => {
    const kept = store.get(bootKey)
    return "value" in kept && kept.value !== undefined ? Buffer.from(kept.value).toString("utf8") : undefined
  },
  write: (text: string) => "value" in store.put(bootKey, Buffer.from(text, "utf8"))
})

interface Kept {
  readonly store: Store
  readonly journal: FileJournal
  readonly showLed: (on: boolean) => boolean
}

const openFolder = (folder: string): Kept => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return {
    store: fileStore(join(folder, "store")),
    journal: fileJournal(join(folder, "commands.jsonl")),
    showLed: (on) => {
      try {
        writeFileSync(join(folder, "led"), on ? "on\n" : "off\n")
        return true
      } catch {
        return false
      }
    }
  }
}

/** A board whose folder cannot be used runs without, and tells the cluster that it keeps nothing. */
const keptIn = (folder: string): Effect.Effect<Kept | undefined, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({ try: () => openFolder(folder), catch: (cause) => cause }).pipe(
      Effect.catch((cause) =>
        Effect.logWarning(`the host board keeps nothing, ${folder} cannot be used: ${String(cause)}`).pipe(
          Effect.as(undefined)
        )
      )
    ),
    (kept) =>
      kept === undefined
        ? Effect.void
        : Effect.callback<void>((resume) => kept.journal.close(() => resume(Effect.void)))
  )

/** Attaches this machine as a board and keeps it attached until interrupted. Fails with `NoTransport`, at once. */
export const hostBoard = (options: HostBoardOptions): Effect.Effect<never, NoTransport> =>
  Effect.scoped(startHostBoard(options).pipe(Effect.andThen(Effect.never)))

/** Attaches this machine as a board for as long as the scope is open. Fails with `NoTransport`. */
const startHostBoard = (options: HostBoardOptions): Effect.Effect<Agent, NoTransport, Scope.Scope> =>
  Effect.gen(function* () {
    const environment = options.environment ?? {}
    const startedAt = yield* Clock.currentTimeMillis
    const clock = yield* realClock
    const machine = steady(
      options.machine ?? (platform() === "linux" ? linuxMachine(environment) : osMachine(environment)),
      clock.board,
      figuresMillis
    )
    const profile = profileOf(machine.profile)
    const transport = yield* transportOf(options, profile.id)
    const kept = options.folder === undefined ? undefined : yield* keptIn(options.folder)
    const told = yield* telling(options.id, options.observe)
    const hal = hostHal({
      id: options.id,
      machine,
      up: clock.board,
      startedAt,
      show: (on) => {
        options.showLed?.(on)
        return kept === undefined || kept.showLed(on)
      },
      ...(kept === undefined ? {} : { store: kept.store })
    })
    const agent = new Agent(
      {
        id: options.id,
        profile: profile.id,
        firmware: hostFirmware,
        rx: profile.link.frameBytesMax,
        requests: profile.link.requests
      },
      {
        clock,
        transport,
        nextBoot: kept === undefined ? drawnBoot(clock.random) : countedBoot(bootCell(kept.store), clock.random),
        ...told,
        ...(kept === undefined ? {} : { journal: kept.journal })
      },
      hostApplication({
        machine,
        hal,
        clock,
        ...(options.intervalMillis === undefined ? {} : { intervalMillis: options.intervalMillis })
      })
    )
    return yield* running(agent)
  })
