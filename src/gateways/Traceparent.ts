/** The trace that a request is part of, as its sender says in the header `traceparent`. */
import type { Asker } from "../protocol/Asker.ts"

/** W3C Trace Context, level 1, 3.2: version, trace id, parent id, flags; ids are not all zero. */
const form = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The asker in the trace of its request. A header that is none is left alone, as its standard says. */
export const tracedBy = (asker: Asker, header: string | undefined): Asker =>
  header !== undefined && form.test(header) ? { ...asker, traceparent: header } : asker
