import { assert, describe, it } from "@effect/vitest"
import { makeSuspicions } from "../../src/actors/Suspicions.ts"
import { makeDoors } from "../../src/gateways/Doors.ts"
import { peerOf } from "../../src/gateways/PeerAddress.ts"

const here = "address/10.0.0.7"

const doorsAt = () => {
  const time = { now: 1000 }
  const suspicions = makeSuspicions()
  return { time, suspicions, doors: makeDoors(() => time.now, suspicions) }
}

describe("the doors of a node", () => {
  it("are open until somebody is barred, and open again when that is over", () => {
    const { time, doors } = doorsAt()
    assert.isFalse(doors.isShut(here))
    doors.bar([{ subject: here, until: 2000, mitigation: "root.1" }])
    assert.isTrue(doors.isShut(here))
    assert.isFalse(doors.isShut("address/10.0.0.8"))
    assert.isFalse(doors.isShut(undefined))
    time.now = 2000
    assert.isFalse(doors.isShut(here))
  })

  it("let those in from a barred address who came from there before, and nobody else", () => {
    const { doors } = doorsAt()
    assert.isTrue(doors.admit(here, "device/press-1"))
    doors.bar([{ subject: here, until: 2000, mitigation: "root.1" }])
    assert.isFalse(doors.isShut(here))
    assert.isTrue(doors.admit(here, "device/press-1"))
    assert.isFalse(doors.admit(here, "user/eve"))
    assert.isFalse(doors.admit(here, "user/eve"))
  })

  it("count what wrong tokens are shown, with how many others come from there", () => {
    const { doors, suspicions } = doorsAt()
    doors.admit(here, "device/press-1")
    for (let number = 0; number < 1000; number++) doors.wrong(here)
    doors.garbled(here)
    assert.deepStrictEqual(suspicions.take(), [
      { kind: "wrong-token", subject: here, count: 1000, others: 1 },
      { kind: "bad-input", subject: here, count: 1, others: 1 }
    ])
    assert.deepStrictEqual(suspicions.take(), [])
  })

  it("do not accept the token of an account that is revoked", () => {
    const { time, doors } = doorsAt()
    doors.bar([{ subject: "user/eve", until: 2000, mitigation: "root.1" }])
    assert.deepStrictEqual([doors.isAccepted("eve"), doors.isAccepted("ada")], [false, true])
    time.now = 2000
    assert.isTrue(doors.isAccepted("eve"))
  })

  it("keep a bounded memory of a flood of addresses", () => {
    const { doors, suspicions } = doorsAt()
    for (let number = 0; number < 20_000; number++) {
      doors.admit(`address/10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`, "user/ada")
      doors.wrong(`address/10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`)
    }
    assert.lengthOf(suspicions.take(), 64)
    // The first ones are forgotten, the last ones are not.
    doors.bar([
      { subject: "address/10.0.0.0", until: 2000, mitigation: "root.1" },
      { subject: "address/10.0.78.31", until: 2000, mitigation: "root.2" }
    ])
    assert.deepStrictEqual(
      ["address/10.0.0.0", "address/10.0.78.31"].map((address) => doors.isShut(address)),
      [true, false]
    )
  })
})

describe("the address of a client", () => {
  it.each([
    ["10.0.0.7", "address/10.0.0.7"],
    ["::ffff:10.0.0.7", "address/10.0.0.7"],
    ["2001:DB8:0:1:2:3:4:5", "address/2001:db8:0:1"],
    ["2001:db8::1", "address/2001:db8:0:0"],
    ["fe80::1%eth0", "address/fe80:0:0:0"],
    ["::1", "address/0:0:0:0"]
  ])("%s is that of %s", (address, subject) => {
    assert.strictEqual(peerOf(address), subject)
  })
})
