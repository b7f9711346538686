/** What a kind of board is: one record per profile, read by the agent, by session checks and by people. */
import type { ImageKind } from "../../src/protocol/image/ImageKind.ts"
import type { BudgetProfileName } from "../hxe/executive/BudgetProfile.ts"

/** Limits of the link, by class. Sizes in bytes. */
export interface LinkLimits {
  /** Largest frame the board receives. */
  readonly frameBytesMax: number
  /** Requests the board takes at a time. */
  readonly requests: number
  /** Numbered frames it can keep. */
  readonly window: number
  /** Largest chunk of an image. */
  readonly chunkBytesMax: number
}

/** Classes of link limits. */
export const linkClasses = {
  floor: { frameBytesMax: 512, requests: 1, window: 2, chunkBytesMax: 256 },
  small: { frameBytesMax: 1024, requests: 1, window: 4, chunkBytesMax: 512 },
  default: { frameBytesMax: 65_536, requests: 8, window: 16, chunkBytesMax: 16_384 },
  ceiling: { frameBytesMax: 262_144, requests: 64, window: 64, chunkBytesMax: 65_536 }
} as const satisfies Readonly<Record<string, LinkLimits>>

/** How boards of a profile reach the cluster. */
export type TransportName = "uart" | "mqtt" | "websocket" | "tcp" | "can"

/** Groups of the hardware abstraction a board has. */
export type HalGroup = "core" | "led" | "output" | "store" | "sensor"

/** A sensor of a profile. */
export interface SensorRecord {
  readonly name: string
  readonly unit: string
  readonly min: number
  readonly max: number
}

/** One profile. */
export interface Profile {
  /** At most 32 bytes; named in hello. */
  readonly id: string
  readonly linkClass: keyof typeof linkClasses
  readonly link: LinkLimits
  readonly arch: string
  readonly transports: ReadonlyArray<TransportName>
  /** How frames are protected where the transport does not. */
  readonly secure: "tls" | "mac" | "none"
  /** Names of the LEDs, by number. */
  readonly leds: ReadonlyArray<string>
  /** Names of what else can be switched, by number. */
  readonly outputs: ReadonlyArray<string>
  readonly sensors: ReadonlyArray<SensorRecord>
  readonly hal: ReadonlyArray<HalGroup>
  /** Images its boards take. */
  readonly kinds: ReadonlyArray<ImageKind>
  /** What HXE programs get of the board; absent where it runs none. */
  readonly hxe?: BudgetProfileName
  /** Limits of each twin section. */
  readonly twin: { readonly sectionBytesMax: number; readonly leavesMax: number }
  /** Nothing of it is hardware. */
  readonly simulated: boolean
}
