/** Documents of which it is known what they carry, but not every value of it, and whether conditions hold of them. */
import { type BoundCondition, type BoundPath, pathsOf } from "../condition/Bound.ts"
import { interpret } from "../condition/Interpret.ts"
import { isKeyed, valueAt } from "../condition/Values.ts"

/** Stands for a value that is there, or may be, and is not known. */
class Some {}
export const some = new Some()

/** What is known of a field: nothing, that it is missing, or its value. */
const stateOf = (document: object, path: BoundPath): "open" | "missing" | "known" => {
  for (let length = 1; length <= path.length; length++) {
    const value = valueAt(document, path.slice(0, length))
    if (value === undefined) return "missing"
    if (value instanceof Some) return "open"
  }
  return isKeyed(valueAt(document, path)) ? "open" : "known"
}

/** Whether a document can have nothing there. */
export const lacks = (document: object, path: BoundPath): boolean => stateOf(document, path) === "missing"

/** Whether a condition holds; undefined where what is not known decides it. */
export const holds = (condition: BoundCondition, document: object): boolean | undefined => {
  switch (condition._tag) {
    case "Always":
      return condition.value
    case "Not": {
      const inner = holds(condition.of, document)
      return inner === undefined ? undefined : !inner
    }
    case "All":
    case "Any": {
      const decisive = condition._tag === "Any"
      const inner = condition.of.map((each) => holds(each, document))
      if (inner.includes(decisive)) return decisive
      return inner.includes(undefined) ? undefined : !decisive
    }
    default:
      return test(condition, document)
  }
}

const test = (condition: BoundCondition, document: object): boolean | undefined => {
  const states = pathsOf(condition).map((path) => stateOf(document, path))
  if (states.includes("open") && condition._tag !== "Among" && states.includes("missing")) return false
  return states.includes("open") ? undefined : interpret(condition, document)
}
