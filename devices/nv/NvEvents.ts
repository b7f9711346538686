/** What a store tells whoever runs the board. */
import type { Wear } from "./Wear.ts"

/** Why a configuration was left. */
export type RollbackReason = "manual" | "boot_failure" | "crc" | "verify"

/** Told after it is durable, in order. */
export type NvEvent =
  | {
      /** An image is kept, and the configuration that names it rules. */
      readonly type: "persisted"
      readonly name: string
      readonly slot: number
      readonly generation: number
      readonly imageCrc: number
      readonly bytes: number
    }
  | {
      readonly type: "rollback"
      readonly fromGeneration: number
      readonly toGeneration: number
      readonly reason: RollbackReason
    }
  /** A slot passed 80 % of its life, or all of it. Once per slot, level and mount. */
  | { readonly type: "wear"; readonly wear: Wear }
