import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { SimulatedBoard } from "../../../devices/simulated/SimulatedBoard.ts"
import { tankBody } from "../../../devices/simulated/TankBoard.ts"
import { errorOf, type Moment, reversalsOf } from "../../../scripts/valve-plot.ts"
import { SetpointVerdict } from "../../../src/protocol/vsm/Knob.ts"
import { WillingPeer } from "../../devices/simulated/WillingPeer.ts"
import { VirtualTime } from "../../devices/VirtualTime.ts"
import { operator } from "../../support/ActorRig.ts"
import { Floor } from "./Floor.ts"

const seconds = 240
const stepMillis = 100
const lookMillis = 1000
const band = 0.03
const controllers = [
  { by: "heat", rank: 2, target: 0.6, offset: 0 },
  { by: "save", rank: 1, target: 0.4, offset: 500 }
]
const isVerdict = Schema.is(SetpointVerdict)

/** Two two-point controllers on the valve of a simulated tank, each alone or through a coordinator; answers what the board reported. */
const fight = (isCoordinated: boolean): { readonly moments: ReadonlyArray<Moment>; readonly floor: Floor } => {
  const floor = new Floor()
  const time = new VirtualTime()
  const peer = new WillingPeer(time)
  const body = tankBody({ now: () => time.now, intervalMillis: stepMillis })
  const report = (what: string, cause: unknown) => {
    throw new Error(what, { cause })
  }
  const board = new SimulatedBoard(
    { id: "tank-1", seed: 1, body, nextBoot: () => 1 },
    { clock: time.clock(), transport: peer, report }
  )
  board.start()
  let version = 1
  const turn = (valve: number) => peer.desire(++version, { valve })
  const moments: Array<Moment> = []
  for (let at = 0; at < seconds * 1000; at += stepMillis) {
    time.advance(stepMillis)
    floor.rig.advance(stepMillis)
    const { level, valve } = peer.reported
    if (typeof level !== "number" || typeof valve !== "number") continue
    moments.push({ at: at / 1000, level, valve })
    for (const { by, rank, target, offset } of controllers) {
      if (at % lookMillis !== offset || Math.abs(level - target) <= band) continue
      const value = level < target ? 1 : 0
      if (!isCoordinated) {
        turn(value)
        continue
      }
      const proposal = { unit: "tank-1", knob: "valve", value, min: 0, max: 1, by, rank }
      const replies = floor.rig.send(floor.place, "ProposeSetpoint", proposal, { asker: operator })
      floor.rig.advance(0)
      const [reply] = replies
      if (reply?._tag === "Success" && isVerdict(reply.value)) turn(reply.value.value)
    }
  }
  return { moments, floor }
}

describe("two two-point controllers that want different levels of one simulated tank", () => {
  const alone = fight(false).moments
  const { moments: coordinated, floor } = fight(true)

  it("turn its valve back and forth for ever when nobody coordinates them", () => {
    assert.isAbove(reversalsOf(alone), 100)
    const late = alone.filter(({ at }) => at >= seconds / 2)
    assert.isAbove(reversalsOf(late), reversalsOf(alone) / 3)
    assert.isAbove(errorOf(alone, 0.6, 120), 0.08)
  })

  it("turn it back a fifth as often at most through their coordinator", () => {
    assert.isAtMost(reversalsOf(coordinated), 0.2 * reversalsOf(alone))
    assert.isAbove(floor.events("knob.damped").length, 0)
  })

  it("settle within two minutes where the one of the higher rank wants it", () => {
    assert.isAtMost(errorOf(coordinated, 0.6, 120), 0.05)
  })
})
