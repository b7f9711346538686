/** In which zone a device is: who has said one, and what is told when another one comes into force. */
import type { ZoneView } from "../../protocol/Device.ts"
import type { DeviceState } from "../../protocol/DeviceState.ts"
import { type Zone, type ZoneSource, type ZoneWords, zoneIn, zoneSourceOf, zoneSources } from "../../protocol/Zone.ts"
import { emit, type Turn } from "./Turn.ts"
import { sayZone } from "./Unit.ts"

/** The zone in force and who says it. */
export const zoneView = ({ zone: words }: DeviceState): ZoneView => {
  const zone = zoneIn(words)
  const zoneBy = zoneSourceOf(words)
  return { ...(zone !== undefined && { zone }), ...(zoneBy !== undefined && { zoneBy }) }
}

/** Words of some of those who may say a zone; `undefined` is that of one who says none. */
type Said = { readonly [source in ZoneSource]?: Zone | undefined }

/** What everybody says now. The same object where nothing has changed: it is a part of the row, written when it is another. */
const withWords = (words: ZoneWords | undefined, said: Said): ZoneWords | undefined => {
  const isSame = zoneSources.every((source) => !(source in said) || words?.[source] === said[source])
  if (isSame) return words
  const all: Said = { ...words, ...said }
  const spoken = Object.entries(all).filter(([, zone]) => zone !== undefined)
  return spoken.length === 0 ? undefined : Object.fromEntries(spoken)
}

/** Somebody says in which zone the device is. Only another zone in force is an event. */
export const hearZone = (turn: Turn, said: Said): void => {
  const { state } = turn
  const words = withWords(state.zone, said)
  if (words === state.zone) return
  const before = zoneIn(state.zone)
  turn.state = { ...state, zone: words }
  const view = zoneView(turn.state)
  if (view.zone === before) return
  emit(turn, { type: "device.zone-changed", data: { ...view, ...(before !== undefined && { before }) } })
  sayZone(turn)
}
