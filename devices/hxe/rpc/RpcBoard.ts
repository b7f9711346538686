/** What the board gives to those who talk to it directly. */
import type { Result } from "effect"
import type { Wear } from "../../nv/Wear.ts"
import type { AccessLevel } from "../../provisioning/Access.ts"
import type { ServiceClock } from "../../provisioning/EventHub.ts"
import type { Loader } from "../../provisioning/Loader.ts"
import type { Source } from "../../provisioning/Source.ts"
import type { Refused } from "../../Refused.ts"
import type { Executive } from "../executive/Executive.ts"
import type { RunControl } from "./RunControl.ts"

/** A board, as its own line sees it. */
export interface RpcBoard {
  /** Number on its bus. */
  readonly node: number
  readonly clock: ServiceClock
  readonly executive: Executive
  readonly loader: Loader
  readonly control: RunControl
  /** Something may have become able to run. */
  readonly look: () => void
  /** Folder of the images that may be named by path; none on a board without files. */
  readonly folder: string | undefined
  /** How much of the life of its memories is used up. */
  readonly wear: () => ReadonlyArray<Wear>
  /** The image that is kept under a name; ENOENT. */
  readonly keptImage: (name: string) => Result.Result<{ readonly bytes: Uint8Array; readonly source: Source }, Refused>
}

/** Who may ask for what, over this line. */
export interface RpcRights {
  /** Level of a client that has proved nothing. */
  readonly level: AccessLevel
  /** Keys of the roles, by their level; a role without one cannot be had. */
  readonly roleKeys: ReadonlyMap<number, Uint8Array>
  /** So many bytes that nobody can foresee. */
  readonly randomBytes: (count: number) => Uint8Array
}
