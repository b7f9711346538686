/** The shapes that fields of requests have. */
import { Result, Schema } from "effect"
import { type Refusal, wrongField } from "./Answer.ts"

const within = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** A whole number that is not negative. */
export const count = within(0, Number.MAX_SAFE_INTEGER)
/** A number of 8, 16 and 32 bits. */
export const u8 = within(0, 0xff)
/** A number of 16 bits. */
export const u16 = within(0, 0xffff)
/** A number of 32 bits. */
export const u32 = within(0, 0xffff_ffff)
/** The number of a program. */
export const pid = u32
/** A whole number from 1. */
export const positive = within(1, 0xffff_ffff)
/** A short text: a name, a label, a path. */
export const text = Schema.String.check(Schema.isMaxLength(255))
/** A field that may be missing. */
export const maybe = Schema.optionalKey

const hexPattern = /^(?:[0-9a-fA-F]{2})*$/
const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Bytes written in hexadecimal, two characters each. */
export const hexBytes = (field: string, hex: string): Result.Result<Uint8Array, Refusal> =>
  hexPattern.test(hex)
    ? Result.succeed(new Uint8Array(Buffer.from(hex, "hex")))
    : Result.fail(wrongField(field, "bytes in hexadecimal are expected"))

/** Bytes written in base64, with padding. */
export const base64Bytes = (field: string, base64: string): Result.Result<Uint8Array, Refusal> =>
  base64Pattern.test(base64)
    ? Result.succeed(new Uint8Array(Buffer.from(base64, "base64")))
    : Result.fail(wrongField(field, "bytes in base64 are expected"))

/** Hexadecimal of bytes. */
export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
