import { assert, describe, it } from "@effect/vitest"
import { type ClaimMode, type ClaimView, overlaps } from "../../../src/protocol/vsm/Claim.ts"
import { randomOf } from "../../support/Random.ts"
import { Floor } from "./Floor.ts"

const seeds = 150
const acts = 70
const boards = ["press-1", "press-2"]
const resources = ["device/press-1", "device/press-1/motor", "device/press-2", "zone/hall"]
const modes: ReadonlyArray<ClaimMode> = ["read", "write", "exclusive"]

/** What a worker believes to have: it is told late, or never, that it has lost it. */
interface Worker {
  readonly lease: string
  readonly resource: string
  readonly fence: number
}

const collide = (one: ClaimView, other: ClaimView): boolean =>
  one.op !== other.op &&
  one.claims.some((mine) =>
    other.claims.some(
      (yours) => overlaps(mine.resource, yours.resource) && (mine.mode !== "read" || yours.mode !== "read")
    )
  )

const check = (floor: Floor, seed: number): void => {
  const reply = floor.ask("GetClaims")
  const claims: ReadonlyArray<ClaimView> = Object(reply).claims ?? []
  const fences = claims.flatMap(({ fence }) => (fence === undefined ? [] : [fence]))
  assert.strictEqual(new Set(fences).size, fences.length, `seed ${seed}: no fence is given twice`)
  const held = claims.filter(({ state }) => state === "held")
  for (const one of held)
    for (const other of held)
      assert.isFalse(
        one !== other && collide(one, other),
        `seed ${seed}: ${one.lease} and ${other.lease} are both held`
      )
  for (const waiting of claims.filter(({ state }) => state === "waiting"))
    assert.isTrue(
      claims.some(
        (other) => other !== waiting && (other.state === "held" || other.state === "waiting") && collide(waiting, other)
      ),
      `seed ${seed}: ${waiting.lease} waits for somebody`
    )
}

describe("a coordinator and its devices", () => {
  it(`let nobody act after somebody newer has, through any run of claims, deaths, outages and late commands, in ${seeds} runs`, () => {
    let late = 0
    let lost = 0
    for (let seed = 1; seed <= seeds; seed++) {
      const random = randomOf(seed)
      const any = <A>(from: ReadonlyArray<A>): A => {
        const found = from[random(from.length)]
        if (found === undefined) throw new Error("nothing to choose from")
        return found
      }
      const floor = new Floor()
      for (const board of boards) floor.attach(board)
      let isFlaky = true
      Object.defineProperty(floor.rig, "canPost", { get: () => !isFlaky || random(2) === 0 })
      const workers: Array<Worker> = []
      /** By resource, the newest fence that a device took a command under. */
      const newest = new Map<string, number>()
      const leases: Array<string> = []
      const believe = (view: unknown): void => {
        const { lease, state, fence, claims } = Object(view)
        if (state === "held" && typeof fence === "number" && claims[0].mode !== "read")
          workers.push({ lease, resource: claims[0].resource, fence })
      }
      const command = ({ resource, fence }: Worker): void => {
        const [kind, id = ""] = resource.split("/")
        if (kind !== "device") return
        const reply = floor.invoke(id, "step", { vsm: "root", resource, fence })
        if (Object(reply)._tag === "Conflict") late++
        if (Object(reply).name !== "step") return
        for (const [other, seen] of newest)
          if (overlaps(other, resource)) assert.isAtLeast(fence, seen, `seed ${seed}: ${resource} after ${other}`)
        newest.set(resource, Math.max(fence, newest.get(resource) ?? 0))
      }
      for (let count = 0; count < acts; count++) {
        const what = random(12)
        if (what < 4) {
          const claims = [{ resource: any(resources), mode: any(modes) }]
          const priority = random(4) === 0 ? { priority: "high" } : {}
          const reply = floor.ask("Claim", {
            claims,
            ...priority,
            holdMillis: 500 + random(20_000),
            waitMillis: random(2) * 20_000
          })
          if (typeof Object(reply).lease === "string") leases.push(Object(reply).lease)
          believe(reply)
        } else if (what < 6 && leases.length > 0) {
          const reply = floor.ask(any(["Release", "Renew", "WatchClaim"]), { lease: any(leases) })
          believe(reply)
        } else if (what < 9 && workers.length > 0) command(any(workers))
        else if (what === 9) floor.rig.nextCommits.push(any(["Outage", "lost after writing", "Written"]))
        else if (what === 10) floor.kill()
        else floor.rig.advance(random(8000))
        floor.rig.advance(random(3))
        if (floor.rig.nextCommits.length === 0) check(floor, seed)
      }
      lost += floor.events("claim.expired").length + floor.events("claim.wounded").length
      // Whatever was open, and nobody renews it, comes to its end; the row forgets it all.
      isFlaky = false
      floor.rig.nextCommits.splice(0)
      floor.kill()
      floor.settle(200_000)
      assert.deepStrictEqual(Object(floor.ask("GetClaims")).claims, [], `seed ${seed}`)
      const parts = [...(floor.rig.rows.get("coordinator/root")?.parts.keys() ?? [])]
      assert.isEmpty(
        parts.filter((part) => part.startsWith("claim/")),
        `seed ${seed}`
      )
    }
    assert.isAbove(late, seeds / 3)
    assert.isAbove(lost, seeds)
  }, 120_000)
})
