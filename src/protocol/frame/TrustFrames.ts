/** Frames by which a board gets an identity, proves it, and seals what it says. */
import type { Down, Up } from "./Head.ts"

/** Numbers of the proof algorithms. */
export const algs = { ed25519: 1, secret: 2, secretEncrypted: 3 } as const

/** Asks a board to prove its key. */
export interface Challenge extends Down {
  readonly type: "challenge"
  /** 16 bytes. */
  readonly nonce: Uint8Array
  /** Numbers of `algs` the gateway accepts. */
  readonly algs: ReadonlyArray<number>
}

/** Answer to a challenge. */
export interface Proof extends Up {
  readonly type: "proof"
  readonly alg: number
  /** MAC or signature. */
  readonly proof: Uint8Array
}

/** Asks for an identity, or for its renewal. */
export interface Enrol extends Up {
  readonly type: "enrol"
  readonly token?: string
  /** PKCS#10, DER. */
  readonly csr?: Uint8Array
  /** Ed25519 public key, raw. */
  readonly key?: Uint8Array
  /** 16 bytes. */
  readonly nonce: Uint8Array
  readonly profile: string
  /** The id the board wishes for. */
  readonly id?: string
  /** Signature or MAC. */
  readonly proof?: Uint8Array
  readonly serial?: string
  readonly renew?: boolean
}

/** The identity granted to a board. */
export interface Enrolled extends Down {
  readonly type: "enrolled"
  readonly id: string
  /** DER, leaf first. */
  readonly certs?: ReadonlyArray<Uint8Array>
  /** DER. */
  readonly ca?: ReadonlyArray<Uint8Array>
  /** 16 bytes. */
  readonly nonce: Uint8Array
  readonly wall: number
  /** 16 bytes. */
  readonly kid: Uint8Array
  readonly urls?: ReadonlyArray<string>
  readonly trust?: ReadonlyArray<ImageSigner>
  readonly proof?: Uint8Array
}

/** A key that may sign images; `kinds` has one bit per image kind. */
export interface ImageSigner {
  readonly kid?: Uint8Array
  readonly key?: Uint8Array
  readonly kinds?: number
}

interface SealedFields {
  readonly type: "sealed"
  /** Grows with each frame of one direction, from 1 in each attach. */
  readonly counter: number
  /** First 8 bytes of the MAC; absent when encrypted. */
  readonly mac?: Uint8Array
  /** The inner frame's bytes, or their ciphertext. */
  readonly frame: Uint8Array
}

/** Carries an authenticated frame of a board without TLS. `seq` is 0: the inner frame has the number. */
export interface SealedUp extends Up, SealedFields {}

/** Carries an authenticated frame to a board without TLS. `epoch` is 0: the inner frame has the attach. */
export interface SealedDown extends Down, SealedFields {}
