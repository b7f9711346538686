/** Simulated boards as a fleet: seeded, numbered, attached to one URL. */
import { Effect, type Scope } from "effect"
import type { TrustedSigner } from "../../src/protocol/image/Trust.ts"
import type { LinkStep } from "../agent/Agent.ts"
import { type NoTransport, stopped, telling, transportOf } from "../agent/Board.ts"
import { drawnBoot } from "../agent/BootNumber.ts"
import type { Access } from "../agent/Connect.ts"
import { memoryJournal } from "../agent/MemoryJournal.ts"
import { realClock } from "../agent/RealTime.ts"
import { simulatedFiles } from "../hal/BoardFiles.ts"
import { simulatedMemories } from "../programs/BoardPrograms.ts"
import { trustOf } from "../programs/BoardTrust.ts"
import { heaterBody, ovenBody } from "./HeaterBoard.ts"
import { plainBody } from "./PlainBoard.ts"
import { pressBody } from "./PressBoard.ts"
import { sensorBody } from "./SensorBoard.ts"
import { SimulatedBoard } from "./SimulatedBoard.ts"
import { tankBody } from "./TankBoard.ts"

/** Kinds of simulated boards. */
export type SimulatedKind = "heater" | "oven" | "sensor" | "press" | "tank" | "board"

/** How a fleet of simulated boards is run. */
export interface SimulatedBoardsOptions extends Access {
  readonly count: number
  /** Ids are the prefix and a number from 1: `heater-1`, …; `heater-` when absent. */
  readonly prefix?: string
  /** The first number; 1 when absent. */
  readonly from?: number
  /** Same seed, same noise and jitter; 1 when absent. */
  readonly seed?: number
  /** `heater` when absent. */
  readonly kind?: SimulatedKind
  /** Between reports, ms; 2000 when absent. */
  readonly intervalMillis?: number
  /** The boards start spread over this long, ms; 10 ms a board up to 2 s when absent. */
  readonly spreadMillis?: number
  /** Keeps a journal of commands over simulated restarts; true when absent. */
  readonly journal?: boolean
  /** Takes programs, kept over simulated restarts; true when absent. */
  readonly programs?: boolean
  /** Who may sign those; without any, unsigned ones are taken from a cluster on this machine alone. */
  readonly signers?: ReadonlyArray<TrustedSigner>
  /** What the boards say of their zone; absent is nothing. */
  readonly zone?: string
  /** Each step of a board's link. */
  readonly observe?: (id: string, step: LinkStep) => void
}

/** Attaches the boards and keeps them attached until interrupted. Fails with `NoTransport`, at once. */
export const simulatedBoards = (options: SimulatedBoardsOptions): Effect.Effect<never, NoTransport> =>
  Effect.scoped(startSimulatedBoards(options).pipe(Effect.andThen(Effect.never)))

/** Attaches the boards for as long as the scope is open; they stop all at once. Fails with `NoTransport`. */
export const startSimulatedBoards = (
  options: SimulatedBoardsOptions
): Effect.Effect<ReadonlyArray<SimulatedBoard>, NoTransport, Scope.Scope> =>
  Effect.gen(function* () {
    const spread = options.spreadMillis ?? Math.min(2000, 10 * options.count)
    const boards = yield* Effect.forEach(
      Array.from({ length: options.count }, (_, index) => index),
      (index) => makeBoard(options, index)
    )
    let pause = (): void => {}
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        const startFrom = (index: number): void => {
          const board = boards[index]
          if (board === undefined) return
          board.board.start()
          pause = board.schedule(spread / options.count, () => startFrom(index + 1))
        }
        startFrom(0)
      }),
      () => {
        pause()
        return Effect.forEach(boards, ({ board }) => stopped(board), { concurrency: "unbounded", discard: true })
      }
    )
    return boards.map(({ board }) => board)
  })

const makeBoard = (options: SimulatedBoardsOptions, index: number) =>
  Effect.gen(function* () {
    const id = `${options.prefix ?? "heater-"}${(options.from ?? 1) + index}`
    const seed = options.seed ?? 1
    const clock = yield* realClock
    const interval = options.intervalMillis === undefined ? {} : { intervalMillis: options.intervalMillis }
    const bodies = {
      heater: () => heaterBody({ id, seed, now: clock.board, ...interval }),
      oven: () => ovenBody({ id, seed, now: clock.board, ...interval }),
      sensor: () => sensorBody({ id, seed, ...interval }),
      press: () => pressBody({ id, seed }),
      tank: () => tankBody({ now: clock.board, ...interval }),
      board: () => plainBody()
    }
    const body = bodies[options.kind ?? "heater"]()
    const transport = yield* transportOf(options, body.profile)
    const { observe } = options
    const told = yield* telling(id, observe === undefined ? undefined : (step) => observe(id, step))
    const board = new SimulatedBoard(
      {
        id,
        seed,
        body,
        // Drawn from the process, not the seed: another run with this seed is another boot.
        nextBoot: drawnBoot(clock.random),
        ...(options.zone === undefined ? {} : { zone: options.zone }),
        ...(options.journal === false ? {} : { journal: memoryJournal() }),
        ...(options.programs === false
          ? {}
          : {
              programs: {
                memories: simulatedMemories(),
                trust: trustOf(options.url, options.signers ?? []),
                files: simulatedFiles()
              }
            })
      },
      { clock, transport, ...told }
    )
    return { board, schedule: clock.schedule }
  })
