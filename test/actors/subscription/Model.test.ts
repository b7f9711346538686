import { assert, describe, it } from "@effect/vitest"
import { SubscriptionRig } from "./SubscriptionRig.ts"

describe("a subscription", () => {
  it("gives every event to somebody who acknowledges it, in order per source, through any run of pulls, lost answers, returns, deaths and replays, moves and silence", () => {
    let deaths = 0
    for (let seed = 1; seed <= 12; seed++) {
      let random = seed
      const draw = (most: number): number => {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0
        return Math.floor((random / 2 ** 32) * most)
      }
      const rig = new SubscriptionRig()
      rig.ask("Create", { ackWithinMillis: 1000, maxInFlight: 8, attemptsMax: 1 + (seed % 5) })
      const hands = new Map<string, Array<{ readonly cursor: string; readonly until: number }>>()
      const done: Array<string> = []
      /** In the order in which they were first lent, also where the answer was lost. */
      const heard: Array<string> = []
      const consumers = ["a", "b", "c"]
      let dead = 0
      const step = (isEnding: boolean): void => {
        const consumer = consumers[draw(consumers.length)] ?? "a"
        const hand = hands.get(consumer) ?? []
        hands.set(consumer, hand)
        const what = draw(10)
        if (what < 3 && !isEnding) rig.emit(`device/${draw(4)}`)
        else if (what < 6) {
          const until = rig.now + 1000
          const got = rig.pull(consumer, 1 + draw(4))
          const isLost = draw(4) === 0
          for (const cursor of got) if (!heard.includes(cursor)) heard.push(cursor)
          for (const cursor of isLost ? [] : got) {
            for (const [name, other] of hands)
              assert.isFalse(
                name !== consumer && other.some((held) => held.cursor === cursor && held.until > rig.now),
                `seed ${seed}: ${cursor} is with ${name}`
              )
            hand.push({ cursor, until })
          }
        } else if (what < 8) {
          const first = hand.shift()
          if (first === undefined) return
          if (!isEnding && draw(4) === 0) {
            const { source } = rig.stream.find((each) => each.cursor === first.cursor)?.event ?? {}
            rig.ask("Nack", { consumer, cursors: [first.cursor], delayMillis: draw(3) * 300 })
            const isOfSource = ({ cursor }: { readonly cursor: string }) =>
              rig.stream.find((each) => each.cursor === cursor)?.event.source.id === source?.id
            hands.set(
              consumer,
              hand.filter((held) => !isOfSource(held))
            )
            return
          }
          const reply = rig.ack(consumer, first.cursor)
          if (Object(reply).acknowledged === 1) done.push(first.cursor)
        } else if (what === 8) {
          rig.now += 400
          for (const [name, each] of hands)
            hands.set(
              name,
              each.filter((held) => held.until > rig.now)
            )
        } else if (draw(2) === 0) rig.move()
        else {
          dead += rig.view().dead
          if (isEnding) rig.ask("Replay")
        }
      }
      for (let at = 0; at < 200; at++) step(false)
      for (let at = 0; at < 5000 && done.length < rig.stream.length; at++) step(true)
      assert.strictEqual(new Set(done).size, rig.stream.length, `seed ${seed}: each once`)
      assert.strictEqual(done.length, rig.stream.length, `seed ${seed}: none twice`)
      assert.deepInclude(rig.view(), { dead: 0, state: "active" })
      deaths += dead
      const bySource = new Map<string, Array<number>>()
      for (const cursor of heard) {
        const source = rig.stream.find((each) => each.cursor === cursor)?.event.source.id ?? ""
        bySource.set(source, [...(bySource.get(source) ?? []), Number(cursor.split(".")[1])])
      }
      for (const [source, positions] of bySource)
        assert.deepStrictEqual(
          positions,
          [...positions].sort((one, other) => one - other),
          `seed ${seed}, source ${source}`
        )
    }
    assert.isAbove(deaths, 0)
  }, 60_000)
})
