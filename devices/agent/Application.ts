/** What a board does, beside being linked: it executes commands, applies desired values and knows its state. */
import type { Sample } from "../../src/protocol/frame/TwinFrames.ts"
import type { TwinMap, TwinPatch, TwinValue } from "../../src/protocol/TwinValue.ts"

/** A command that may run now, once. */
export interface Command {
  readonly id: string
  readonly name: string
  readonly args: TwinValue | undefined
  /** Program it is meant for; absent is the board itself. */
  readonly program?: string
  readonly idempotent: boolean
  /** End of its life on the board's clock. */
  readonly deadline: number
}

/** How a command ended: code 0 is done. */
export interface Outcome {
  readonly code: number
  readonly value?: TwinValue
  readonly detail?: string
}

/** Hands over the end of a command, once; further calls do nothing. */
export interface Execution {
  readonly finish: (outcome: Outcome) => void
  /** Part of it is done, 0…1. */
  readonly progress: (done?: number, note?: string) => void
}

/** A running command that can be ended early. It still calls `finish`, with code 125 when it did end early. */
export interface Cancellable {
  readonly cancel: () => void
  /** Cancelled when its life ends; false when absent: a running command is finished. */
  readonly endsWithLife?: boolean
}

/** What became of desired values. */
export interface Applied {
  /** Values to report now, of every field that was looked at. */
  readonly reported?: TwinPatch
  /** JSON pointer to code, for each field that was not applied. */
  readonly refused?: Readonly<Record<string, number>>
}

/** Figures of a heartbeat, each where the board can tell. */
export interface Vitals {
  /** Bytes. */
  readonly free?: number
  /** 0…1. */
  readonly load?: number
  /** dBm. */
  readonly signal?: number
  /** 0…1. */
  readonly power?: number
}

/** The application of one board. Nothing here waits: what takes time ends in a callback. */
export interface Application {
  /** Starts a command. A throw ends it with code 240. */
  readonly execute: (command: Command, execution: Execution) => Cancellable | undefined
  /** Applies a delta field by field. Null means: forget this key. */
  readonly applyDesired: (delta: TwinPatch) => Applied
  /** All of what is reported, for a report that replaces the twin's. */
  readonly state: () => TwinMap
  readonly vitals?: () => Vitals
}

/** What an application may say, linked or not: what cannot go now waits. */
export interface Voice {
  /** Changes of reported state, and readings with their distance from now in ms. */
  readonly report: (state: TwinPatch | undefined, samples?: ReadonlyArray<Sample>) => void
  /** Something happened; `level` is a number of the protocol's levels, 2 when absent. */
  readonly event: (name: string, data?: TwinValue, level?: number) => void
  /** A line of text for whoever is looking; lost when nobody is linked. */
  readonly log: (level: number, text: string) => void
  /** Milliseconds since boot. */
  readonly now: () => number
  /** UTC by the cluster's clock, else by the board's own; none before either is known. */
  readonly wall: () => number | undefined
}
