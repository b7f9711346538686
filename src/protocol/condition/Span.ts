/** Where something stands in the text of a condition or a pattern, in UTF-16 units. */
export interface Span {
  readonly start: number
  readonly end: number
}
