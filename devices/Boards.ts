/** One host board and a fleet of simulated ones against one URL: what a fresh installation shows. */
import { Effect } from "effect"
import type { NoTransport } from "./agent/Board.ts"
import { type HostBoardOptions, hostBoard } from "./host/HostBoard.ts"
import { type SimulatedBoardsOptions, simulatedBoards } from "./simulated/SimulatedBoards.ts"

/** Which boards run. */
export interface BoardsOptions {
  /** Absent is no host board. */
  readonly host?: HostBoardOptions
  /** Absent is no simulated board. */
  readonly simulated?: SimulatedBoardsOptions
}

/** Runs the boards until interrupted; each stops in order then. Fails with `NoTransport` when a URL is none of a link. */
export const runBoards = (options: BoardsOptions): Effect.Effect<never, NoTransport> =>
  Effect.all(
    [
      options.host === undefined ? Effect.never : hostBoard(options.host),
      options.simulated === undefined ? Effect.never : simulatedBoards(options.simulated)
    ],
    { concurrency: "unbounded" }
  ).pipe(Effect.andThen(Effect.never))
