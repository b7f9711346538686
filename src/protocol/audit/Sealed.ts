/** What is signed of an audit chain, and under which name: a signature of one kind is none of another. */
import type { Sign1Context } from "../image/Cose.ts"

/** Heads of segments. */
export const headContext: Sign1Context = {
  contentType: "application/holon-audit-head+cbor",
  externalData: "holon-audit/1"
}
/** Records that are signed one by one. */
export const recordContext: Sign1Context = {
  contentType: "application/holon-audit-record+cbor",
  externalData: "holon-audit/1"
}
/** Keys, by the keys before them. */
export const keyContext: Sign1Context = {
  contentType: "application/holon-audit-key+cbor",
  externalData: "holon-audit/1"
}

/** A signature as it rests: that of a COSE_Sign1 whose payload and headers follow from what it stands beside. */
export interface Seal {
  /** 64 bytes. */
  readonly signature: Uint8Array
  /** Id of the key, 16 bytes. */
  readonly keyId: Uint8Array
}
