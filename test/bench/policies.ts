/** Decisions a second of one core by the compiled policies, against the interpreter and against other numbers of policies. */
import { Result } from "effect"
import type { BoundPolicy } from "../../src/protocol/policy/BoundPolicy.ts"
import { interpretPolicies } from "../../src/protocol/policy/Interpret.ts"
import { checkPolicyText } from "../../src/protocol/policy/PolicyCheck.ts"
import type { PolicyRequest } from "../../src/protocol/policy/Request.ts"
import { Limits } from "../../src/systems/policy/engine/Limits.ts"
import { PolicySet } from "../../src/systems/policy/engine/PolicySet.ts"
import { randomFrom } from "../support/Random.ts"
import { type BenchOptions, compare, figure } from "./Rounds.ts"

const counts = [10, 100, 1000, 10_000] as const
/** Decisions a second of one core with a thousand policies. */
const goal = 100_000
const lines = 50
const nouns = 20
const requestsMade = 4096
/** What all decide alike before any is measured. */
const agreed = 512

const capabilityOf = (noun: number): string => `unit${noun}.value.set`

/** One in ten speaks of all zones, the others of a line each: a denial by facts, a requirement, and who may. */
const textOf = (index: number): string => {
  const zone = index % 10 === 0 ? "" : ` zone site.line-${index % lines}`
  const capability = capabilityOf(index % nouns)
  return `policy p${index}${zone} class actuating priority ${index % 100} {
    when capability == "${capability}" and arg.value > ${0.5 + (index % 50) / 100} and fact.temp >= ${70 + (index % 30)} { deny "too hot" guidance "lower it" }
    when capability == "${capability}" and fact.mode == "service" { require clearance >= ${index % 3}; oblige audit "service" }
    when capability == "${capability}" and scope has "invoke:unit${index % nouns}" { allow }
  }`
}

const policiesOf = (count: number): ReadonlyArray<BoundPolicy> =>
  Array.from({ length: count }, (_, index) => Result.getOrThrow(checkPolicyText(textOf(index))))

const requestsOf = (seed: number): ReadonlyArray<PolicyRequest> => {
  const random = randomFrom(seed)
  const below = (count: number) => Math.floor(random() * count)
  return Array.from({ length: requestsMade }, () => {
    const noun = below(nouns)
    return {
      principal: {
        kind: "user",
        id: `person-${below(20)}`,
        zones: ["site"],
        clearance: below(4),
        scopes: random() < 0.8 ? ["read", `invoke:unit${noun}`] : ["read"]
      },
      capability: capabilityOf(noun),
      isActuating: true,
      zone: `site.line-${below(lines)}.cell-${below(4)}`,
      args: { value: random(), ramp: below(100) },
      facts: {
        device: `press-${below(1000)}`,
        mode: random() < 0.1 ? "service" : "auto",
        load: random(),
        ...(random() < 0.98 && { temp: 60 + 40 * random() })
      }
    }
  })
}

const cpuRate = (times: number, run: () => void): number => {
  const start = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(start)
  return (times / (user + system)) * 1_000_000
}

export const policies = async ({ isQuick }: BenchOptions): Promise<void> => {
  const requests = requestsOf(1)
  const all = policiesOf(counts.at(-1) ?? 0)
  const room = () => 0
  const path = ["root"]
  const interpreted = (count: number) => [{ vsm: "root", policies: all.slice(0, count) }]
  const sets = counts.map((count) => new PolicySet(interpreted(count), new Limits(), 1))
  let denied = 0
  for (const [place, set] of sets.entries())
    for (const request of requests.slice(0, agreed)) {
      const decided = set.decide(request, path, 0)
      const expected = interpretPolicies(interpreted(counts[place] ?? 0), request, room, 1)
      if (JSON.stringify(decided) !== JSON.stringify(expected)) throw new Error("the two decide differently")
      if (counts[place] === 1000 && decided.effect === "deny") denied++
    }
  const rounds = isQuick ? 3 : 9
  const times = isQuick ? 5 : 20
  await compare(
    `decisions a second of one core; with 1,000 policies ${Math.round((100 * denied) / agreed)} of 100 are denied`,
    [
      {
        name: "interpreter, 1,000 policies",
        unit: "/s",
        run: async () => {
          const some = requests.slice(0, 32)
          const levels = interpreted(1000)
          return cpuRate(some.length, () => {
            for (const request of some) interpretPolicies(levels, request, room, 1)
          })
        }
      },
      ...sets.map((set, place) => ({
        name: `compiled, ${(counts[place] ?? 0).toLocaleString("en")} policies`,
        unit: "/s",
        run: async () =>
          cpuRate(times * requests.length, () => {
            for (let time = 0; time < times; time++) for (const request of requests) set.decide(request, path, time)
          })
      }))
    ],
    rounds
  )
  const thousand = Array.from({ length: rounds }, () =>
    cpuRate(times * requests.length, () => {
      for (let time = 0; time < times; time++) for (const request of requests) sets[2]?.decide(request, path, time)
    })
  )
  figure("1,000 policies", "/s", thousand, { atLeast: goal })
  const compiling = Array.from({ length: rounds }, () => {
    const start = performance.now()
    new PolicySet(interpreted(1000), new Limits(), 1)
    return performance.now() - start
  })
  figure("1,000 policies are compiled", "ms", compiling)
}
