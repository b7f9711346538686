/** The golden image with its signature, laid by hand, and the key that made it: the first of RFC 8032, section 7.1. */
import { createPrivateKey, type KeyObject } from "node:crypto"
import { bytesOf, full } from "./Golden.ts"
import { edited, u32 } from "./RawImage.ts"

export const publicKeyBytes = bytesOf("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
export const keyId = "21fe31dfa154a261"

const seed = bytesOf("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")

/** PKCS #8 of an Ed25519 seed: RFC 8410, section 7. */
export const privateKeyOf = (seed: Uint8Array): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([bytesOf("302e020100300506032b657004220420"), seed]),
    format: "der",
    type: "pkcs8"
  })

export const privateKey = privateKeyOf(seed)

/** SHA-256 of the image with CRC and signature taken as zero. */
export const signedDigest = "02408019f10f76152affa25c07abad1ce5de11dbc63f2d3a2d21d08e8fb4983c"
export const signedSha256 = "84d12a8aeb7bc006c1b10494018ecbcc3d019c534edadda90c0cb11535ed733f"

export const signature = bytesOf(`
  d957985230b730949e139dbc5d7b70f4741755a806e442336afd34079c5b7073
  03e2d52b130480e386a9d52d3a26b94496c5e9dad0b7ac711f9f09af800cec0d`)

/** Where head and signature begin. */
export const sectionOffset = 0x188

const rows = [
  [1, 0xcb, 55, 2],
  [2, 0x102, 39, 1],
  [3, 0x129, 95, 1],
  [0xf0, sectionOffset, 80, 1]
].flat()

export const signed = edited(
  Uint8Array.from([
    ...full.subarray(0, 0x8b),
    ...rows.flatMap(u32),
    ...full.subarray(0xbb),
    ...bytesOf("01 01 00 40 21 FE 31 DF A1 54 A2 61 00 00 00 01"),
    ...signature
  ]),
  [0x1c, bytesOf("3B 00 C3 4B")],
  [0x44, u32(4)]
)
