import { assert, describe, it } from "@effect/vitest"
import { Publications } from "../../../src/gateways/link/Publications.ts"

const hot = { id: "m-1", topic: "alarms/hot", payload: Buffer.from("{}") }

/** The messages of a node between two others, of which some cannot be reached. */
const between = (isReached: (node: string) => boolean) => {
  const publications = new Publications()
  const heard: Array<string> = []
  const carried: Array<string> = []
  publications.watch((topic) => heard.push(topic))
  publications.carryBy(({ id }, reached, done) => {
    const missing: Array<string> = []
    for (const node of ["b", "c"]) {
      if (reached.has(node)) continue
      if (isReached(node)) {
        reached.add(node)
        carried.push(`${id} ${node}`)
      } else missing.push(node)
    }
    done(missing)
  })
  const published = (publication = hot): ReadonlyArray<string> => {
    let answer: ReadonlyArray<string> = ["no answer"]
    publications.publish(publication, (missing) => {
      answer = missing
    })
    return answer
  }
  return { publications, heard, carried, published }
}

describe("messages to the clients of all nodes", () => {
  it("go again to those nodes alone that were not reached, until all have them", () => {
    let isUp = false
    const { heard, carried, published } = between((node) => node === "b" || isUp)
    assert.deepStrictEqual(published(), ["c"])
    assert.deepStrictEqual(published(), ["c"])
    isUp = true
    assert.deepStrictEqual(published(), [])
    assert.deepStrictEqual(heard, ["alarms/hot"], "here too only once")
    assert.deepStrictEqual(carried, ["m-1 b", "m-1 c"])
  })

  it("are new again under another id, and once all have them", () => {
    const { heard, carried, published } = between(() => true)
    published()
    published({ ...hot, id: "m-2" })
    published()
    assert.strictEqual(heard.length, 3)
    assert.strictEqual(carried.length, 6)
  })

  it("are remembered in a bounded number: who repeats one that is forgotten reaches everybody again", () => {
    const { heard, published } = between((node) => node === "b")
    for (let number = 0; number < 2000; number++) published({ ...hot, id: `m-${number}` })
    heard.length = 0
    published({ ...hot, id: "m-1999" })
    assert.deepStrictEqual(heard, [])
    published({ ...hot, id: "m-0" })
    assert.deepStrictEqual(heard, ["alarms/hot"])
  })

  it("stay on this node until it is known how others are reached", () => {
    const publications = new Publications()
    const answers: Array<ReadonlyArray<string>> = []
    publications.publish(hot, (missing) => answers.push(missing))
    assert.deepStrictEqual(answers, [[]])
  })
})
