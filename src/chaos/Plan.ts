/** What goes wrong, and when: a schedule made from one seed. */
import { type Random, randomOf } from "../simulation/Random.ts"

/** One fault. Nodes are counted from 0; times are ms from the start of the faults. */
export type Fault =
  | { readonly _tag: "Kill"; readonly node: number; readonly backAfter: number }
  | { readonly _tag: "Freeze"; readonly node: number; readonly millis: number }
  | { readonly _tag: "Stop"; readonly node: number; readonly backAfter: number }
  | { readonly _tag: "Join"; readonly stays: number }
  | { readonly _tag: "CutNodes"; readonly from: number; readonly to: number; readonly millis: number }
  | { readonly _tag: "CutDatabase"; readonly node: number; readonly millis: number }
  | { readonly _tag: "CutBoards"; readonly node: number; readonly passage: "drop" | "stall"; readonly millis: number }
  | { readonly _tag: "FreezeDatabase"; readonly millis: number }
  | { readonly _tag: "RestartDatabase" }
  | { readonly _tag: "RestartBoard"; readonly board: number }

export interface Planned {
  readonly at: number
  readonly fault: Fault
}

/** Each kind comes once in this order of chance before one comes twice, so that a short run has seen all. */
const kinds: ReadonlyArray<Fault["_tag"]> = [
  "Kill",
  "Freeze",
  "Stop",
  "CutNodes",
  "CutDatabase",
  "CutBoards",
  "FreezeDatabase",
  "Join",
  "RestartDatabase",
  "RestartBoard"
]

const between = (random: Random, least: number, most: number): number => Math.round(least + random() * (most - least))
const one = (random: Random, count: number): number => Math.min(count - 1, Math.floor(random() * count))

const shuffled = (random: Random): ReadonlyArray<Fault["_tag"]> => {
  const rest = [...kinds]
  const order: Array<Fault["_tag"]> = []
  while (rest.length > 0) order.push(...rest.splice(one(random, rest.length), 1))
  return order
}

const faultOf = (tag: Fault["_tag"], random: Random, nodes: number, boards: number): Fault => {
  const node = one(random, nodes)
  switch (tag) {
    case "Kill":
      return { _tag: tag, node, backAfter: between(random, 1000, 4000) }
    case "Freeze":
      // Past the lease (1.5 s) and past the verdict (2 s), then woken.
      return { _tag: tag, node, millis: between(random, 3000, 7000) }
    case "Stop":
      return { _tag: tag, node, backAfter: between(random, 500, 3000) }
    case "Join":
      return { _tag: tag, stays: between(random, 5000, 9000) }
    case "CutNodes":
      return { _tag: tag, from: node, to: (node + 1) % nodes, millis: between(random, 2000, 6000) }
    case "CutDatabase":
      return { _tag: tag, node, millis: between(random, 1000, 5000) }
    case "CutBoards":
      return { _tag: tag, node, passage: random() < 0.5 ? "drop" : "stall", millis: between(random, 1000, 5000) }
    case "FreezeDatabase":
      return { _tag: tag, millis: between(random, 500, 3000) }
    case "RestartDatabase":
      return { _tag: tag }
    case "RestartBoard":
      return { _tag: tag, board: one(random, boards) }
  }
}

/** How long a fault lasts, ms. */
const lastsOf = (fault: Fault): number => {
  switch (fault._tag) {
    case "Kill":
    case "Stop":
      return fault.backAfter
    case "Join":
      return fault.stays
    case "RestartDatabase":
    case "RestartBoard":
      return 0
    default:
      return fault.millis
  }
}

/** Faults for that long: one after another with little time between, sometimes one inside another. */
export const planOf = (seed: number, millis: number, nodes: number, boards: number): ReadonlyArray<Planned> => {
  const random = randomOf(seed, "faults")
  const plan: Array<Planned> = []
  let order: ReadonlyArray<Fault["_tag"]> = []
  for (let at = 1000; ; ) {
    if (order.length === 0) order = shuffled(random)
    const [tag, ...rest] = order
    if (tag === undefined) return plan
    order = rest
    const fault = faultOf(tag, random, nodes, boards)
    if (at + lastsOf(fault) > millis) return plan
    plan.push({ at, fault })
    at += random() < 0.25 ? between(random, 300, 1500) : lastsOf(fault) + between(random, 1500, 3500)
  }
}

/** A fault on one line. */
export const describeFault = (fault: Fault): string => {
  switch (fault._tag) {
    case "Kill":
      return `SIGKILL node ${fault.node + 1}, back after ${fault.backAfter} ms`
    case "Freeze":
      return `SIGSTOP node ${fault.node + 1} for ${fault.millis} ms`
    case "Stop":
      return `SIGTERM node ${fault.node + 1}, back after ${fault.backAfter} ms`
    case "Join":
      return `a fourth node joins for ${fault.stays} ms`
    case "CutNodes":
      return `cut between node ${fault.from + 1} and node ${fault.to + 1} for ${fault.millis} ms`
    case "CutDatabase":
      return `cut between node ${fault.node + 1} and PostgreSQL for ${fault.millis} ms`
    case "CutBoards":
      return `${fault.passage} between boards and node ${fault.node + 1} for ${fault.millis} ms`
    case "FreezeDatabase":
      return `PostgreSQL frozen for ${fault.millis} ms`
    case "RestartDatabase":
      return "PostgreSQL killed and started again"
    case "RestartBoard":
      return `board ${fault.board + 1} loses power and starts again`
  }
}
