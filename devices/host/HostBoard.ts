/** The host board: the machine this process runs on, attached as a board. */
import { mkdirSync, writeFileSync } from "node:fs"
import { platform } from "node:os"
import { join } from "node:path"
import { Clock, Effect, Result, type Scope } from "effect"
import { Agent, type LinkStep } from "../agent/Agent.ts"
import { type NoTransport, running, telling, transportOf } from "../agent/Board.ts"
import { countedBoot, drawnBoot } from "../agent/BootNumber.ts"
import type { Access } from "../agent/Connect.ts"
import { type FileJournal, fileJournal } from "../agent/FileJournal.ts"
import { realClock } from "../agent/RealTime.ts"
import { simulatedFiles } from "../hal/BoardFiles.ts"
import { fileStore } from "../hal/FileStore.ts"
import { folderFiles } from "../hal/FolderFiles.ts"
import type { Hal, Store } from "../hal/Hal.ts"
import { type PinHal, programPins } from "../hal/ProgramPins.ts"
import { FileNvDevice } from "../nv/FileNvDevice.ts"
import type { MemoryShape } from "../nv/MemoryNvDevice.ts"
import { hostMap, hostShape } from "../nv/NvMap.ts"
import { NvStore } from "../nv/NvStore.ts"
import { profileOf } from "../profiles/Profiles.ts"
import { memoriesOf, programsOn, simulatedMemories } from "../programs/BoardPrograms.ts"
import { signersIn, trustOf } from "../programs/BoardTrust.ts"
import { hostApplication } from "./HostApplication.ts"
import { hostFirmware, hostHal } from "./HostHal.ts"
import { linuxMachine } from "./LinuxMachine.ts"
import { type Machine, steady } from "./Machine.ts"
import { osMachine } from "./OsMachine.ts"

/** How a host board is run. */
export interface HostBoardOptions extends Access {
  readonly id: string
  /**
   * Where the board keeps its boot number, its commands, its lamp (the file `led`), its programs and their folder `files`; the public keys in its
   * folder `trust` are those that may sign them. Without it nothing survives a restart.
   */
  readonly folder?: string
  /** Empties the memories of its programs first, whatever they hold. */
  readonly formats?: boolean
  /** Shows the lamp to people: called with its new state after each change. */
  readonly showLed?: (on: boolean) => void
  /** Between reports, ms; 2000 when absent. */
  readonly intervalMillis?: number
  /** What it says of its zone; absent is nothing. */
  readonly zone?: string
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

interface Memories {
  readonly nvm: FileNvDevice
  readonly flash: FileNvDevice
}

type ReportFault = (what: string, cause: unknown) => void

const openMemories = (folder: string, formats: boolean, report: ReportFault): Memories | undefined => {
  const opened: Array<FileNvDevice> = []
  const open = (name: string, shape: MemoryShape): FileNvDevice => {
    const device = new FileNvDevice(join(folder, name), shape)
    opened.push(device)
    return device
  }
  try {
    const devices = { nvm: open("nvm.bin", hostShape.nvm), flash: open("flash.bin", hostShape.flash) }
    const formatted = formats ? NvStore.format({ devices }, hostMap) : Result.succeed(undefined)
    if (Result.isFailure(formatted)) report(`the memories in ${folder} cannot be formatted`, formatted.failure)
    return devices
  } catch (cause) {
    for (const device of opened) device.close()
    report(`the host board takes no programs, its memories in ${folder} cannot be used`, cause)
    return undefined
  }
}

interface Kept {
  readonly folder: string
  /** None where they cannot be had: then the board takes no programs. */
  readonly memories: Memories | undefined
  readonly store: Store
  readonly journal: FileJournal
  readonly showLed: (on: boolean) => boolean
}

const openFolder = (folder: string, formats: boolean, report: ReportFault): Kept => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return {
    folder,
    memories: openMemories(folder, formats, report),
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
const keptIn = (
  folder: string,
  formats: boolean,
  report: ReportFault
): Effect.Effect<Kept | undefined, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({ try: () => openFolder(folder, formats, report), catch: (cause) => cause }).pipe(
      Effect.catch((cause) =>
        Effect.logWarning(`the host board keeps nothing, ${folder} cannot be used: ${String(cause)}`).pipe(
          Effect.as(undefined)
        )
      )
    ),
    (kept) =>
      kept === undefined
        ? Effect.void
        : Effect.callback<void>((resume) =>
            kept.journal.close(() => {
              kept.memories?.nvm.close()
              kept.memories?.flash.close()
              resume(Effect.void)
            })
          )
  )

/** The same hardware; `switched` is called when its lamp was switched through this one. */
const heard = (hal: Hal, switched: () => void): PinHal => {
  const { leds } = hal
  if (leds === undefined) return hal
  const set = (index: number, on: boolean) => {
    const result = leds.set(index, on)
    switched()
    return result
  }
  return { ...hal, leds: { ...leds, set } }
}

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
    const told = yield* telling(options.id, options.observe)
    const kept =
      options.folder === undefined ? undefined : yield* keptIn(options.folder, options.formats === true, told.report)
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
    const stored = kept?.memories
    const memories = kept === undefined ? simulatedMemories() : stored === undefined ? undefined : memoriesOf(stored)
    const signers = kept === undefined ? [] : signersIn(join(kept.folder, "trust"), told.report)
    const trust = trustOf(options.url, signers)
    const { report } = told
    const files = kept === undefined ? simulatedFiles() : folderFiles(join(kept.folder, "files"), report)
    let switched = (): void => {}
    const pins = heard(hal, () => switched())
    const gpio = programPins(pins, profile, clock.board)
    const programs =
      memories === undefined
        ? undefined
        : programsOn({ memories, trust, files }, { profile, clock, report, hal: { gpio } })
    const agent = new Agent(
      {
        id: options.id,
        profile: profile.id,
        firmware: hostFirmware,
        rx: profile.link.frameBytesMax,
        requests: profile.link.requests,
        ...(options.zone === undefined ? {} : { zone: options.zone })
      },
      {
        clock,
        transport,
        nextBoot: kept === undefined ? drawnBoot(clock.random) : countedBoot(bootCell(kept.store), clock.random),
        ...told,
        ...(kept === undefined ? {} : { journal: kept.journal }),
        ...(programs === undefined ? {} : { programs })
      },
      hostApplication({
        machine,
        hal,
        clock,
        whenSwitched: (report) => {
          switched = report
        },
        ...(options.intervalMillis === undefined ? {} : { intervalMillis: options.intervalMillis })
      })
    )
    return yield* running(agent)
  })
