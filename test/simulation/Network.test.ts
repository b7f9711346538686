import { assert, describe, it } from "@effect/vitest"
import { Network, type Peer } from "../../src/simulation/Network.ts"
import { randomOf } from "../../src/simulation/Random.ts"
import { VirtualHost, VirtualTime } from "../../src/simulation/VirtualTime.ts"

const worldOf = () => {
  const time = new VirtualTime()
  const network = new Network(time, randomOf(3, "network"))
  const peerOf = (slot: number): Peer => {
    const host = new VirtualHost(time, randomOf(slot, "peer"), { clockSkewMillis: 0, report: () => {} })
    return { slot, name: `node-${slot}`, host }
  }
  const [near, far] = [peerOf(0), peerOf(1)]
  network.listen(near)
  network.listen(far)
  const wire = network.connect(near, far)
  const heard: Array<string> = []
  const send = (text: string) => wire.send(near, () => heard.push(text))
  const breaks: Array<string> = []
  wire.onBreak(near, () => breaks.push("near"))
  wire.onBreak(far, () => breaks.push("far"))
  return { time, network, near, far, heard, send, breaks }
}

describe("a connection between two nodes", () => {
  it("keeps order, also over a cut that is too short to be noticed", () => {
    const { time, network, heard, send, breaks } = worldOf()
    for (let index = 0; index < 20; index++) send(`${index}`)
    time.runUntil(10)
    network.cut(0, 1, time.now + 700)
    for (let index = 20; index < 40; index++) send(`${index}`)
    time.runUntil(600)
    assert.strictEqual(heard.length, 20)
    time.runUntil(3000)
    assert.deepStrictEqual(
      heard,
      Array.from({ length: 40 }, (_, index) => `${index}`)
    )
    assert.deepStrictEqual(breaks, [])
  })

  it("is found broken after 1.2 s of a cut, and what was sent into the cut is lost", () => {
    const { time, network, heard, send, breaks } = worldOf()
    network.cut(0, 1, 5000)
    send("lost")
    time.runUntil(1200)
    assert.deepStrictEqual(breaks, [])
    time.runUntil(2200)
    assert.deepStrictEqual(breaks.sort(), ["far", "near"])
    time.runUntil(10_000)
    assert.deepStrictEqual(heard, [])
  })

  it("breaks at once when the other process is killed, and only after a while when its machine dies", () => {
    const killed = worldOf()
    killed.far.host.kill()
    killed.network.died(killed.far, false)
    killed.time.runUntil(10)
    assert.deepStrictEqual(killed.breaks, ["near"])
    const dead = worldOf()
    dead.far.host.kill()
    dead.network.died(dead.far, true)
    dead.time.runUntil(1000)
    assert.deepStrictEqual(dead.breaks, [])
    dead.time.runUntil(2500)
    assert.deepStrictEqual(dead.breaks, ["near"])
  })

  it("still brings what lies in the buffer of a frozen process, though the sender has given it up", () => {
    const { time, far, heard, send, breaks } = worldOf()
    far.host.freeze()
    send("late")
    time.runUntil(3000)
    assert.deepStrictEqual(breaks, ["near"])
    assert.deepStrictEqual(heard, [])
    time.at(0, () => far.host.thaw())
    time.runUntil(3100)
    assert.deepStrictEqual(heard, ["late"])
    assert.deepStrictEqual(breaks, ["near", "far"])
  })
})
