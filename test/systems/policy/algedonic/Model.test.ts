import { assert, describe, it } from "@effect/vitest"
import { runtimeAsker } from "../../../../src/protocol/Asker.ts"
import { agony, type Signal } from "../../../../src/protocol/vsm/Signal.ts"
import { randomOf } from "../../../support/Random.ts"
import { Channels } from "./Channels.ts"

const seeds = 150
const acts = 80
const line = ["root", "hall", "line-1", "cell"]
const sources = ["device/a", "device/b", "device/c"]
const metrics = ["heat", "noise"]

const picked = <A>(from: ReadonlyArray<A>, random: (below: number) => number): A => {
  const found = from[random(from.length)]
  if (found === undefined) throw new Error("nothing to choose from")
  return found
}

/** Does something, and does not wait for it. */
const act = (channels: Channels, random: (below: number) => number): void => {
  const { rig } = channels
  const send = (message: string, payload: object, asker = runtimeAsker) =>
    void rig.send({ kind: "algedonic", id: picked(line, random) }, message, payload, { asker })
  const named = () => ({ source: picked(sources, random), metric: picked(metrics, random) })
  const signal = `${picked(line, random)}.${random(12) + 1}`
  switch (random(9)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return send("Feel", { ...named(), intensity: random(101) / 100 })
    case 4:
      return send("Feel", { ...named(), isOver: true })
    case 5:
      return send("Ack", { signal, action: "looks" })
    case 6:
      return send("Resolve", { signal })
    case 7:
      return void rig.nextCommits.push(picked(["Outage", "lost after writing", "Written", "Written"] as const, random))
    default:
      return channels.kill()
  }
}

/** What every channel keeps once nothing is under way. */
const check = (channels: Channels, seed: number): void => {
  const called = new Set(channels.said("algedonic.person-called").map(({ data }) => Object(data).signal))
  const all = new Map<string, Array<Signal & { readonly at: string }>>()
  for (const at of line)
    for (const signal of channels.signals(at)) {
      const known = all.get(signal.id) ?? []
      known.push({ ...signal, at })
      all.set(signal.id, known)
    }
  for (const [id, copies] of all) {
    const here = copies.find(({ from }) => from === undefined)
    const open = copies.filter(({ ack }) => ack === undefined)
    assert.isDefined(here, `seed ${seed}: ${id} is kept above, and nobody feels it`)
    if (here.ack === undefined && here.valence === "pain") {
      assert.isTrue(called.has(id), `seed ${seed}: nobody was called for ${id}`)
      const last = copies.find(({ at }) => at === "root")
      assert.isDefined(last, `seed ${seed}: ${id} has not come up`)
      assert.isAtLeast(last.intensity, agony <= here.intensity ? agony : 0, `seed ${seed}: ${id} is agony`)
    }
    if (here.ack !== undefined)
      assert.deepStrictEqual(open, [], `seed ${seed}: ${id} is taken care of, and not everywhere`)
  }
}

describe("a line of channels", () => {
  it(`forgets no pain, and nobody who takes care of it, in ${seeds} runs of messages, outages and deaths`, () => {
    let kept = 0
    for (let seed = 1; seed <= seeds; seed++) {
      const random = randomOf(seed)
      const channels = new Channels(...line)
      // Every other thing that is told waits, and leaves again later: all stand still between any two of their steps.
      let isFlaky = true
      Object.defineProperty(channels.rig, "canPost", { get: () => !isFlaky || random(2) === 0 })
      for (let count = 0; count < acts; count++) {
        act(channels, random)
        channels.rig.advance(random(20) === 0 ? random(40_000) : random(3) === 0 ? random(2000) : random(3))
      }
      channels.rig.nextCommits.splice(0)
      isFlaky = false
      channels.kill()
      for (let seconds = 0; seconds < 200; seconds++) channels.rig.advance(1000)
      check(channels, seed)
      kept += channels.signals("root").length
    }
    assert.isAbove(kept, seeds / 2)
  }, 60_000)
})
