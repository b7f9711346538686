/** What every store of the actor layer must do, as one suite over any of them. */
import { assert, beforeAll, describe, it } from "@effect/vitest"
import type { Address } from "../../src/actors/Host.ts"
import type {
  Claimed,
  ClaimRequest,
  CommitRow,
  Committed,
  DeadLetter,
  Due,
  Outage,
  QuarantineEntry,
  Store
} from "../../src/actors/Store.ts"

/** One row of the journal, in the order in which a reader gets it. */
export interface Journalled extends Address {
  readonly version: number
  readonly body: Uint8Array
}

/** A store and a look behind it. */
export interface StoreUnderTest {
  readonly store: Store
  /** Starts a call and waits for its only answer. */
  readonly answer: <A>(start: (done: (outcome: A) => void) => void) => Promise<A>
  readonly journal: () => Promise<ReadonlyArray<Journalled>>
  readonly deadLetters: () => Promise<ReadonlyArray<DeadLetter & Address>>
  readonly row: (address: Address) => Promise<{ readonly version: number; readonly owner: string } | undefined>
  readonly release: (address: Address) => Promise<void>
}

const bytes = (...values: ReadonlyArray<number>): Uint8Array => new Uint8Array(values)

/** An actor per test: the suite shares one database. */
let actors = 0
const newId = (): string => `actor-${String(++actors).padStart(3, "0")}`

const isOutage = (outcome: object): outcome is Outage => "_tag" in outcome && outcome._tag === "Outage"

const right = <A extends object>(outcome: A | Outage): A => {
  if (isOutage(outcome)) throw new Error(`outage: ${String(outcome.cause)}`)
  return outcome
}

/** The calls of a store as promises. */
export const callsOf = ({ store, answer }: StoreUnderTest) => ({
  claim: async (owner: string, ...requests: ReadonlyArray<ClaimRequest>): Promise<ReadonlyArray<Claimed>> =>
    right(await answer<ReadonlyArray<Claimed> | Outage>((done) => store.claim(requests, owner, done))),
  commit: (owner: string, ...rows: ReadonlyArray<CommitRow>): Promise<Committed> =>
    answer<Committed>((done) => store.commit(0, owner, rows, done)),
  due: async (shards: ReadonlyArray<number>, now: number, takeover: boolean, limit = 100): Promise<Due> =>
    right(await answer<Due | Outage>((done) => store.due(shards, now, takeover, limit, done))),
  quarantine: (entry: QuarantineEntry): Promise<boolean | Outage> =>
    answer<boolean | Outage>((done) => store.quarantine(entry, done)),
  told: (address: Address, since: number): Promise<unknown> =>
    answer<unknown>((done) => store.told(address, since, (outcome) => done(outcome)))
})

export const requestOf = (id: string, creates = true, shard = 1): ClaimRequest => ({
  kind: "device",
  id,
  shard,
  creates
})

export const rowOf = (id: string, expected: number, changes: Partial<CommitRow> = {}): CommitRow => ({
  kind: "device",
  id,
  expected,
  shard: 1,
  format: 1,
  head: bytes(1),
  wakeAt: null,
  atTakeover: false,
  put: [],
  remove: [],
  journal: null,
  at: 1000,
  dead: [],
  ...changes
})

const letter: DeadLetter = { letter: "q-1", message: "SetDesired", payload: bytes(7), cause: "defect", traceId: "t-1" }

const written = (fenced: ReadonlyArray<number> = []): Committed => ({ _tag: "Written", fenced: new Set(fenced) })

export const storeConformance = (name: string, acquire: () => Promise<StoreUnderTest>) =>
  describe(`${name} as a store`, () => {
    let around: StoreUnderTest
    let calls: ReturnType<typeof callsOf>
    beforeAll(async () => {
      around = await acquire()
      calls = callsOf(around)
    })

    const fresh = async (owner = "a", shard = 1): Promise<string> => {
      const id = newId()
      await calls.claim(owner, requestOf(id, true, shard))
      return id
    }
    const loaded = async (id: string): Promise<Extract<Claimed, { readonly _tag: "Row" }>> => {
      const [claimed] = await calls.claim("reader", requestOf(id, false))
      if (claimed?._tag !== "Row") throw new Error(`no row: ${claimed?._tag}`)
      return claimed
    }
    const journalOf = async (id: string) => (await around.journal()).filter((row) => row.id === id)

    it("creates a row at version 1 only for a message that creates", async () => {
      const [absent, present] = [newId(), newId()]
      assert.deepStrictEqual(await calls.claim("a", requestOf(absent, false), requestOf(present)), [
        { _tag: "Absent" },
        { _tag: "Row", version: 1, format: 0, head: null, parts: new Map() }
      ])
      assert.strictEqual(await around.row({ kind: "device", id: absent }), undefined)
    })

    it("steps the version and names the owner with every claim", async () => {
      const id = await fresh("a")
      const [claimed] = await calls.claim("b", requestOf(id))
      assert.strictEqual(claimed?._tag === "Row" ? claimed.version : undefined, 2)
      assert.deepStrictEqual(await around.row({ kind: "device", id }), { version: 2, owner: "b" })
    })

    it("answers claims in the order of the requests", async () => {
      const [low, high] = [newId(), newId()]
      await calls.claim("a", requestOf(low))
      await calls.claim("a", requestOf(low))
      const claimed = await calls.claim("b", requestOf(high), requestOf("nobody", false), requestOf(low))
      assert.deepStrictEqual(
        claimed.map((outcome) => (outcome._tag === "Row" ? outcome.version : outcome._tag)),
        [1, "Absent", 3]
      )
    })

    it("refuses the write that was prepared before another node's claim, and lets the claimer write", async () => {
      const id = await fresh("a")
      await calls.claim("b", requestOf(id))
      assert.deepStrictEqual(await calls.commit("a", rowOf(id, 1, { head: bytes(66) })), written([0]))
      assert.deepStrictEqual(await calls.commit("b", rowOf(id, 2, { head: bytes(77) })), written())
      assert.deepStrictEqual((await loaded(id)).head, bytes(77))
    })

    it("writes nothing of a fenced row and all of the others in the same statement", async () => {
      const [stale, current] = [await fresh("a"), await fresh("a")]
      await calls.commit("a", rowOf(stale, 1, { put: [["kept", bytes(1)]] }))
      await calls.claim("b", requestOf(stale))
      const everything = { put: [["desired", bytes(5)]] as const, remove: ["kept"], journal: bytes(9), dead: [letter] }
      const outcome = await calls.commit("a", rowOf(stale, 2, everything), rowOf(current, 1, everything))
      assert.deepStrictEqual(outcome, written([0]))
      assert.deepStrictEqual((await loaded(stale)).parts, new Map([["kept", bytes(1)]]))
      assert.deepStrictEqual((await loaded(current)).parts, new Map([["desired", bytes(5)]]))
      assert.strictEqual((await journalOf(stale)).length, 0)
      assert.strictEqual((await journalOf(current)).length, 1)
      const letters = (await around.deadLetters()).filter(({ id }) => id === stale || id === current)
      assert.deepStrictEqual(letters, [{ kind: "device", id: current, ...letter }])
    })

    it("makes no row by a commit", async () => {
      const id = newId()
      assert.deepStrictEqual(await calls.commit("a", rowOf(id, 0)), written([0]))
      assert.deepStrictEqual(await calls.commit("a", rowOf(id, 1)), written([0]))
      assert.strictEqual(await around.row({ kind: "device", id }), undefined)
    })

    it("replaces, adds and removes parts and leaves the others", async () => {
      const id = await fresh()
      await calls.commit(
        "a",
        rowOf(id, 1, {
          put: [
            ["a", bytes(1)],
            ["b", bytes(2)],
            ["c", bytes(3)]
          ]
        })
      )
      await calls.commit(
        "a",
        rowOf(id, 2, {
          put: [
            ["b", bytes(22)],
            ["d", bytes()]
          ],
          remove: ["a", "never"]
        })
      )
      assert.deepStrictEqual([...(await loaded(id)).parts].sort(), [
        ["b", bytes(22)],
        ["c", bytes(3)],
        ["d", bytes()]
      ])
    })

    it("keeps parts of one name apart by actor", async () => {
      const [one, other] = [await fresh(), await fresh()]
      await calls.commit("a", rowOf(one, 1, { put: [["x", bytes(1)]] }), rowOf(other, 1, { put: [["x", bytes(2)]] }))
      await calls.commit("a", rowOf(one, 2, { remove: ["x"] }))
      assert.deepStrictEqual((await loaded(one)).parts, new Map())
      assert.deepStrictEqual((await loaded(other)).parts, new Map([["x", bytes(2)]]))
    })

    it("returns head and format as they were written", async () => {
      const id = await fresh()
      await calls.commit("a", rowOf(id, 1, { head: bytes(0, 255, 3), format: 7 }))
      const { head, format, version } = await loaded(id)
      assert.deepStrictEqual({ head, format, version }, { head: bytes(0, 255, 3), format: 7, version: 3 })
    })

    it("journals at most one row a commit, in the order of an actor's versions", async () => {
      const id = await fresh()
      await calls.commit("a", rowOf(id, 1, { journal: bytes(1) }))
      await calls.commit("a", rowOf(id, 2))
      await calls.commit("a", rowOf(id, 3, { journal: bytes(2) }))
      assert.deepStrictEqual(await journalOf(id), [
        { kind: "device", id, version: 2, body: bytes(1) },
        { kind: "device", id, version: 4, body: bytes(2) }
      ])
    })

    it("finds who is due in these shards, and with a takeover also who is flagged", async () => {
      const [due, later, flagged, elsewhere] = [
        await fresh("a", 11),
        await fresh("a", 11),
        await fresh("a", 11),
        await fresh("a", 12)
      ]
      await calls.commit(
        "a",
        rowOf(due, 1, { shard: 11, wakeAt: 500 }),
        rowOf(later, 1, { shard: 11, wakeAt: 501 }),
        rowOf(flagged, 1, { shard: 11, atTakeover: true }),
        rowOf(elsewhere, 1, { shard: 12, wakeAt: 1, atTakeover: true })
      )
      const ids = async (takeover: boolean, limit?: number) =>
        (await calls.due([11], 500, takeover, limit)).actors.map(({ id }) => id).sort()
      assert.deepStrictEqual(await ids(false), [due])
      assert.deepStrictEqual(await ids(true), [due, flagged].sort())
      assert.strictEqual((await ids(true, 1)).length, 1)
      await calls.commit("a", rowOf(due, 2, { shard: 11 }), rowOf(flagged, 2, { shard: 11 }))
      assert.deepStrictEqual(await ids(true), [])
    })

    const entryOf = (id: string, expected: number, shard = 1): QuarantineEntry => ({
      kind: "device",
      id,
      shard,
      expected,
      since: 4000,
      cause: "TypeError: x",
      attempts: 5
    })

    it("takes a quarantine from the owner and none from a stale one", async () => {
      const id = await fresh("a")
      await calls.claim("b", requestOf(id))
      assert.strictEqual(await calls.quarantine(entryOf(id, 1)), false)
      assert.strictEqual(await calls.quarantine(entryOf(id, 2)), true)
    })

    it("neither steps nor loads nor wakes a quarantined row, and fences its last owner", async () => {
      const id = await fresh("a", 21)
      await calls.commit("a", rowOf(id, 1, { shard: 21, wakeAt: 1, atTakeover: true }))
      await calls.quarantine(entryOf(id, 2, 21))
      const before = await around.row({ kind: "device", id })
      assert.deepStrictEqual(await calls.claim("b", requestOf(id, true, 21)), [
        { _tag: "Quarantined", since: 4000, cause: "TypeError: x" }
      ])
      assert.deepStrictEqual(await around.row({ kind: "device", id }), before)
      assert.deepStrictEqual((await calls.due([21], 500, true)).actors, [])
      assert.deepStrictEqual(await calls.commit("a", rowOf(id, 2, { shard: 21 })), written([0]))
    })

    it("offers an escalation to the scan until it was told", async () => {
      const id = await fresh("a", 31)
      await calls.quarantine(entryOf(id, 1, 31))
      const untold = { kind: "device", id, since: 4000, cause: "TypeError: x" }
      assert.deepStrictEqual((await calls.due([31], 0, false)).untold, [untold])
      await calls.told({ kind: "device", id }, 3999)
      assert.deepStrictEqual((await calls.due([31], 0, false)).untold, [untold])
      await calls.told({ kind: "device", id }, 4000)
      assert.deepStrictEqual((await calls.due([31], 0, false)).untold, [])
    })

    it("offers with an escalation the part that says who supervises", async () => {
      const id = await fresh("a", 33)
      await calls.commit(
        "a",
        rowOf(id, 1, {
          shard: 33,
          put: [
            ["supervisor", bytes(1, 2)],
            ["other", bytes(3)]
          ]
        })
      )
      await calls.quarantine(entryOf(id, 2, 33))
      const [untold] = (await calls.due([33], 0, false)).untold
      assert.deepStrictEqual([...(untold?.supervisor ?? [])], [1, 2])
    })

    it("lets a released row be claimed, and quarantined once more", async () => {
      const id = await fresh("a", 41)
      await calls.quarantine(entryOf(id, 1, 41))
      await around.release({ kind: "device", id })
      assert.deepStrictEqual((await calls.due([41], 0, false)).untold, [])
      const [claimed] = await calls.claim("b", requestOf(id, false, 41))
      assert.strictEqual(claimed?._tag === "Row" ? claimed.version : undefined, 3)
      assert.strictEqual(await calls.quarantine({ ...entryOf(id, 3, 41), since: 5000 }), true)
      assert.strictEqual((await calls.claim("b", requestOf(id, false, 41)))[0]?._tag, "Quarantined")
      assert.strictEqual((await calls.due([41], 0, false)).untold[0]?.since, 5000)
    })
  })
