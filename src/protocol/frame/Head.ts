/** What every frame carries beside its fields. */

/** Of a frame from a board. */
export interface Up {
  /** 0 when unnumbered, else the number its acknowledgement names. */
  readonly seq: number
}

/** Of a frame to a board. */
export interface Down {
  /** The attach that sent it, 0 before there is one. */
  readonly epoch: number
}
