/** The hardware of a board as its programs see it: groups of calls, of which a profile says which exist. */

/** What a call gave, or the code of its refusal. */
export type HalResult<A> = { readonly value: A } | { readonly code: number }

/** Who the board is. */
export interface DeviceInfo {
  readonly device_id: string
  readonly platform: string
  readonly version: string
  readonly firmware_version: string
  readonly hardware_revision?: string
  readonly serial_number?: string
}

/** Memory in bytes; total = free + used. */
export interface MemoryInfo {
  readonly total_bytes: number
  readonly free_bytes: number
  readonly used_bytes: number
}

/** Time since the start in ms, and the start in UTC ms since 1970. */
export interface UptimeInfo {
  readonly uptime: number
  readonly boot_time: number
}

/** The board itself. */
export interface Core {
  readonly info: () => DeviceInfo
  readonly memory: () => HalResult<MemoryInfo>
  readonly uptime: () => HalResult<UptimeInfo>
}

/** Lamps, by number. One that does not exist is refused with 2. */
export interface Leds {
  readonly count: number
  readonly set: (index: number, on: boolean) => HalResult<boolean>
  readonly get: (index: number) => HalResult<boolean>
}

/** Small values that survive a restart. Keys of 1…256 bytes, values up to 64 KiB; absent is none, no refusal. */
export interface Store {
  readonly get: (key: string) => HalResult<Uint8Array | undefined>
  /** Durable when it returns. */
  readonly put: (key: string, value: Uint8Array) => HalResult<void>
  /** Answers whether it existed. */
  readonly delete: (key: string) => HalResult<boolean>
  readonly list: (prefix: string) => HalResult<ReadonlyArray<string>>
}

/** Relays, fans and valves by name, on or off. One that does not exist is refused with 2. */
export interface Outputs {
  readonly list: () => ReadonlyArray<string>
  readonly set: (name: string, on: boolean) => HalResult<boolean>
  readonly get: (name: string) => HalResult<boolean>
}

/** Sensors by name. One that does not exist is refused with 2, one that cannot be read with 5. */
export interface Sensors {
  readonly list: () => ReadonlyArray<string>
  readonly read: (name: string) => HalResult<number>
}

/** A board's hardware. An absent group answers 95 where it is asked for. */
export interface Hal {
  readonly core: Core
  readonly leds?: Leds
  readonly outputs?: Outputs
  readonly store?: Store
  readonly sensors?: Sensors
}
