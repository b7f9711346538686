/** How a delivery rests: its head, and one part for each page of letters. */
import { Schema } from "effect"
import { type DeliveryRecord, LetterPage, DeliveryRecord as Record } from "../../protocol/Delivery.ts"
import type { Storage } from "../Behaviour.ts"

const prefix = "letters/"

const { pages: _, ...headFields } = Record.fields
const decodeHead = Schema.decodeUnknownSync(Schema.Struct(headFields))
const decodePage = Schema.decodeUnknownSync(LetterPage)

/** The keys of a map and what was decoded of it: a newer node may have written more. */
const keeping = <A extends object>(value: unknown, decoded: A): A => ({ ...Object(value), ...decoded })

/** Cuts a delivery into head and pages, and joins it again in their order. */
export const storage: Storage<DeliveryRecord> = {
  split: ({ pages, ...head }) => {
    const parts = new Map<string, unknown>()
    for (const page of pages) parts.set(`${prefix}${page.number}`, page)
    return { head, parts }
  },
  join: (head, parts) => {
    const pages: Array<LetterPage> = []
    for (const [key, part] of parts) if (key.startsWith(prefix)) pages.push(keeping(part, decodePage(part)))
    pages.sort((one, other) => one.number - other.number)
    return { ...keeping(head, decodeHead(head)), pages }
  }
}
