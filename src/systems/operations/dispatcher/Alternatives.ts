/** What may work where a capability failed: others for the same thing that the asker may use, those first that succeed most often. */
import type { Asker } from "../../../protocol/Asker.ts"
import { covers } from "../../../protocol/Capability.ts"
import { type CapabilityName, capabilities, capabilityNames } from "../../../protocol/intent/Capabilities.ts"
import type { DispatcherState, Tally } from "../../../protocol/vsm/Dispatcher.ts"
import type { ActEnd, Op } from "../../../protocol/vsm/Op.ts"

const alternativesMax = 3

/** `device.output` of `device.output.switch@1`. */
const nounOf = (name: string): string => name.slice(0, name.lastIndexOf("."))

/** Share of good ends; one that was never used is taken for as good as not. */
const successOf = ({ done, failed }: Tally = { done: 0, failed: 0 }): number => (done + 1) / (done + failed + 2)

/** At most three. */
export const alternativesTo = (
  failed: CapabilityName,
  { may }: Asker,
  tallies: DispatcherState["tallies"]
): ReadonlyArray<CapabilityName> =>
  capabilityNames
    .filter((name) => name !== failed && nounOf(name) === nounOf(failed))
    .filter((name) => may === undefined || covers(may, capabilities[name].right))
    .sort((one, other) => successOf(tallies.get(other)) - successOf(tallies.get(one)))
    .slice(0, alternativesMax)

/** The end with what may be tried instead, where the board or program failed. */
export const withAlternatives = <End extends ActEnd>(
  end: End,
  { intent, asker }: Pick<Op, "intent" | "asker">,
  tallies: DispatcherState["tallies"]
): End =>
  end.refusal?._tag !== "CapabilityFailed" || intent === undefined
    ? end
    : { ...end, refusal: { ...end.refusal, alternatives: [...alternativesTo(intent.capability, asker, tallies)] } }
