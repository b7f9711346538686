/** From a pattern to the machine that looks for it. */
import type { Pattern } from "../../protocol/pattern/Pattern.ts"
import { Absence } from "./Absence.ts"
import { withAccumulator, withContents } from "./Aggregates.ts"
import { ClosingWindow } from "./ClosingWindow.ts"
import { CombinedMachine } from "./CombinedMachine.ts"
import type { When } from "./Hysteresis.ts"
import { Join } from "./Join.ts"
import { KeyedMachine } from "./KeyedMachine.ts"
import { LiveWindow } from "./LiveWindow.ts"
import type { MachineOptions, PatternMachine } from "./PatternMachine.ts"
import { Sequence } from "./Sequence.ts"
import { Silence } from "./Silence.ts"
import { SingleMachine } from "./SingleMachine.ts"

/** Why a pattern would need more and more room, or nothing when it would not. It is refused then. */
export const unboundedReason = ({ body }: Pattern): string | undefined => {
  if (body._tag !== "When" || body.over !== undefined) return undefined
  const { aggregate } = body
  if (aggregate._tag === "Distinct")
    return "the different values since the beginning are ever more; say over which window to count them, as in `over sliding 1h`"
  if (aggregate._tag === "Rate")
    return "a rate since the beginning says ever less; say over which window to take it, as in `over sliding 10s`"
  return undefined
}

/**
 * A machine without state. The pattern must have been checked: throws `ConditionInvalid` where a condition of it cannot be
 * bound, and `RangeError` where {@link unboundedReason} has one.
 */
export const makeMachine = (pattern: Pattern, options: MachineOptions): PatternMachine => {
  const { body, allowLateMillis: lateMillis = 0 } = pattern
  const reason = unboundedReason(pattern)
  if (reason !== undefined) throw new RangeError(`pattern ${pattern.name}: ${reason}`)
  switch (body._tag) {
    case "Where":
      return new SingleMachine(pattern, options)
    case "When":
      return windowed(pattern, body, lateMillis, options)
    case "Sequence": {
      const links = body.rest.map(({ link }) => link)
      return new KeyedMachine(pattern, new Sequence(links, body.withinMillis), options)
    }
    case "Absence":
      return new KeyedMachine(pattern, new Absence(body.withinMillis), options)
    case "Silence":
      return new KeyedMachine(pattern, new Silence(body.forMillis), options)
    case "Join":
      return new KeyedMachine(pattern, new Join(body, lateMillis), options)
    case "Combined":
      return new CombinedMachine(pattern, body, options)
  }
}

const windowed = (pattern: Pattern, when: When, lateMillis: number, options: MachineOptions): PatternMachine => {
  const { over, aggregate } = when
  if (over?._tag === "Tumbling" || over?._tag === "Session") {
    const framing =
      over._tag === "Tumbling" ? { millis: over.millis, isRegular: true } : { millis: over.gapMillis, isRegular: false }
    return withAccumulator<PatternMachine>(
      aggregate,
      over,
      (read, empty) => new KeyedMachine(pattern, new ClosingWindow(when, framing, read, empty, lateMillis), options)
    )
  }
  return withContents<PatternMachine>(
    aggregate,
    over,
    (read, begin) => new KeyedMachine(pattern, new LiveWindow(when, read, begin, lateMillis), options)
  )
}
