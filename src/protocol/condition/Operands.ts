/** What stands between two operators of a condition: a value, or what holds or does not. */
import type { ConditionTree, Term } from "./Condition.ts"
import type { Span } from "./Span.ts"
import type { Steps } from "./Steps.ts"

/** Only later tokens tell which of the two was wanted. */
export type Operand =
  | { readonly is: "term"; readonly node: Term; readonly span: Span }
  | { readonly is: "condition"; readonly node: ConditionTree; readonly span: Span }

/** Makes operands with their places, and turns them into what is wanted. */
export class Operands {
  private readonly steps: Steps
  private readonly spans: Map<object, Span>

  constructor(steps: Steps, spans: Map<object, Span>) {
    this.steps = steps
    this.spans = spans
  }

  term(node: Term, span: Span): Operand {
    this.spans.set(node, span)
    return { is: "term", node, span }
  }

  condition(node: ConditionTree, span: Span): Operand {
    this.spans.set(node, span)
    return { is: "condition", node, span }
  }

  /** The zero that a minus before a value subtracts from. */
  zero(span: Span): Term {
    const zero: Term = { _tag: "Number", value: 0 }
    this.spans.set(zero, span)
    return zero
  }

  /** Refuses a condition. */
  termOf(operand: Operand): Term {
    if (operand.is === "term") return operand.node
    return this.steps.refuse.at(operand.span.start, "a value should stand here, not a condition", [], "WrongType")
  }

  /** Refuses a value, but for `true` and `false`. */
  conditionOf({ is, node, span }: Operand): ConditionTree {
    if (is === "condition") return node
    if (node._tag === "Boolean") {
      const always: ConditionTree = { _tag: "Always", value: node.value }
      this.spans.set(always, span)
      return always
    }
    const { next, refuse, text } = this.steps
    const goesOn = next.kind === "word" ? next.word === "and" || next.word === "or" : next.kind === "symbol"
    if (!goesOn && !this.steps.isAtEnd) return refuse.rest(next)
    const written = text.slice(span.start, span.end)
    const example = written.length > 40 ? "" : `, as in \`${written} ${node._tag === "Field" ? "== true" : "== 1"}\``
    const sentence = `a condition should stand here, not a value; compare it${example}`
    return refuse.at(span.start, sentence, [], "WrongType")
  }
}
