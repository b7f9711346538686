/** Decisions a second of one core by the compiled policies, against the interpreter and other numbers of policies, and their cost in a cell. */
import { Result } from "effect"
import { device } from "../../src/actors/device/Device.ts"
import type { Judge } from "../../src/actors/Judge.ts"
import type { BoundPolicy } from "../../src/protocol/policy/BoundPolicy.ts"
import { interpretPolicies } from "../../src/protocol/policy/Interpret.ts"
import { checkPolicyText } from "../../src/protocol/policy/PolicyCheck.ts"
import type { PolicyRequest } from "../../src/protocol/policy/Request.ts"
import { EpochPolicies, type InForce } from "../../src/systems/policy/engine/EpochPolicies.ts"
import { Limits } from "../../src/systems/policy/engine/Limits.ts"
import { PolicyCache } from "../../src/systems/policy/engine/PolicyCache.ts"
import { PolicySet } from "../../src/systems/policy/engine/PolicySet.ts"
import { PolicyJudge } from "../../src/systems/policy/rule/PolicyJudge.ts"
import { hello } from "../actors/device/Bench.ts"
import { ActorRig, operator } from "../support/ActorRig.ts"
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

/** Devices that are set, one after another, in one process without a database. */
const devicesSet = 500

/** Messages a second of one core that devices are set with, under a judge. */
class Fleet {
  readonly #rig: ActorRig
  #value = 0

  constructor(judge?: Judge) {
    this.#rig = new ActorRig([device], judge)
    for (const place of this.#places())
      this.#rig.send(place, "Attach", hello, { asker: { kind: "device", id: place.id, role: "board" } })
    this.#rig.advance(1)
  }
  *#places() {
    for (let index = 0; index < devicesSet; index++) yield { kind: "device", id: `press-${index}` }
  }
  rate(): number {
    // What was answered is kept for a while: a repeat must not be done twice.
    this.#rig.advance(720_000)
    const patch = { duty: this.#value++ % 7 }
    let done = 0
    const rate = cpuRate(devicesSet, () => {
      for (const place of this.#places())
        this.#rig.residency.deliver(
          place,
          { message: "SetDesired", payload: { patch }, requestId: this.#rig.requestId(), asker: operator },
          ({ _tag }) => {
            if (_tag === "Success") done++
          }
        )
      this.#rig.advance(1)
    })
    if (done !== devicesSet) throw new Error(`${done} of ${devicesSet} were set`)
    return rate
  }
}

const judgeOf = (inForce: ReadonlyArray<InForce>): Judge => {
  const cache = new PolicyCache(new EpochPolicies(1, inForce, new Limits()))
  return new PolicyJudge(cache, { node: "bench", now: () => 0, newId: () => "" })
}

const judging = async (all: ReadonlyArray<BoundPolicy>, rounds: number): Promise<void> => {
  const forced = (bound: BoundPolicy): InForce => ({ vsm: "root", version: 1, bound })
  const open = forced(Result.getOrThrow(checkPolicyText("policy open { when true { allow } }")))
  const fleets = [
    { name: "rights alone", fleet: new Fleet() },
    { name: "the founding policy", fleet: new Fleet(judgeOf([open])) },
    { name: "1,000 policies", fleet: new Fleet(judgeOf([open, ...all.slice(0, 1000).map(forced)])) }
  ]
  for (const { fleet } of fleets) fleet.rate()
  await compare(
    "SetDesired a second of one core, in memory: what the judge of the cell costs",
    fleets.map(({ name, fleet }) => ({ name, unit: "/s", run: async () => fleet.rate() })),
    rounds
  )
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
  await judging(all, rounds)
}
