/** Which events are on a topic. */
import { Result } from "effect"
import { parseGlob } from "../../protocol/condition/Pattern.ts"
import type { HolonEvent } from "../../protocol/Event.ts"
import { topicOf } from "../../protocol/Topic.ts"
import { textTest } from "../condition/TextTest.ts"

/** Whether events have a topic of this glob, in a time that grows with the topic alone; without a glob all have. */
export const topicTest = (glob: string | undefined): ((event: HolonEvent) => boolean) => {
  if (glob === undefined) return () => true
  const fits = textTest({ operator: "glob", text: glob, pattern: Result.getOrThrow(parseGlob(glob)) })
  return (event) => fits(topicOf(event))
}
