/** What of a request can be kept and shown as JSON: bytes and numbers that are none are left out, and what is large is cut off. */
import type { Schema } from "effect"

/** Values that are kept of one request; a patch may have a thousand. */
const valuesMax = 64
const textMax = 256
const depthMax = 8

class Copy {
  #left = valuesMax

  value(value: unknown, depth: number): Schema.Json | undefined {
    if (this.#left-- <= 0 || depth > depthMax) return undefined
    switch (typeof value) {
      case "string":
        return value.length > textMax ? `${value.slice(0, textMax).toWellFormed()}…` : value
      case "boolean":
        return value
      case "number":
        return Number.isFinite(value) ? value : undefined
      case "object":
        if (value === null) return null
        if (Array.isArray(value)) return value.flatMap((each) => this.value(each, depth + 1) ?? [])
        if (Object.getPrototypeOf(value) !== Object.prototype) return undefined
        return this.record(value, depth)
    }
    return undefined
  }

  record(value: object, depth: number): Readonly<Record<string, Schema.Json>> {
    const kept: Array<readonly [string, Schema.Json]> = []
    for (const [key, inner] of Object.entries(value)) {
      const copied = this.value(inner, depth + 1)
      if (copied !== undefined) kept.push([key.slice(0, textMax).toWellFormed(), copied])
    }
    return Object.fromEntries(kept)
  }
}

/** A copy of a record. */
export const jsonOf = (value: object): Readonly<Record<string, Schema.Json>> => new Copy().record(value, 0)
