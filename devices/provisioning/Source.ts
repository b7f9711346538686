/** Where an image came from: kept with the transfer and the task, and shown wherever either is shown. */
import { Schema } from "effect"

/** Ways an image comes to a board. */
export const SourceKind = Schema.Literals(["file", "can", "sd", "uart", "rpc", "stream", "nv"])
/** Ways an image comes to a board. */
export type SourceKind = typeof SourceKind.Type

/** A way, and where on it. The text form is `kind:uri`; CAN is written in capitals. */
export const Source = Schema.Struct({ kind: SourceKind, uri: Schema.String })
/** A way, and where on it. */
export type Source = typeof Source.Type

/** A source from the parts of its text form. */
export const source = {
  file: (path: string): Source => ({ kind: "file", uri: path }),
  can: (node: number, channel: string): Source => ({ kind: "can", uri: `${node}:${channel}` }),
  sd: (manifest: string, index: number, path: string): Source => ({ kind: "sd", uri: `${manifest}#${index}:${path}` }),
  uart: (port: string): Source => ({ kind: "uart", uri: port }),
  rpc: (client: string): Source => ({ kind: "rpc", uri: client }),
  stream: (label: string): Source => ({ kind: "stream", uri: label }),
  nv: (slot: number, generation: number): Source => ({ kind: "nv", uri: `${slot}@${generation}` })
}

/** For people and `ps`, e.g. `CAN:5:can0`. */
export const sourceText = ({ kind, uri }: Source): string => `${kind === "can" ? "CAN" : kind}:${uri}`
