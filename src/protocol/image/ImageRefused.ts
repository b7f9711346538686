/** Why an image, its manifest or its signature is refused. */

/** A plain value, as a board sends it: a number of `codes` and what is the matter. */
export interface ImageRefused {
  /** A number of `codes`. */
  readonly code: number
  readonly detail: string
}
