/** Why a board does not take an image or an order about a program. */

/** A number of the protocol's codes and, for people, what is the matter. */
export interface Refused {
  readonly code: number
  readonly detail?: string
}
