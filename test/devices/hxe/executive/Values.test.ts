import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { HostAccess } from "../../../../devices/hxe/executive/HostAccess.ts"
import type { StoredValue, ValueStore } from "../../../../devices/hxe/executive/ValueStore.ts"
import { f16Bits } from "../../../../src/protocol/hxe/F16.ts"
import { Bench, type ImageParts, imageOf } from "./Programs.ts"
import { busyLoop, ldi, ldi32, mov, program, ret, svc, texts } from "./Words.ts"

/** A store that remembers every save. */
class Store implements ValueStore {
  readonly saves: Array<readonly [number, number]> = []
  readonly kept = new Map<number, StoredValue>()
  load(key: number): StoredValue {
    return this.kept.get(key)
  }
  save(key: number, bits: number): void {
    this.saves.push([key, bits])
    this.kept.set(key, bits)
  }
}

const loaded = (
  parts: ImageParts,
  store?: ValueStore
): { readonly bench: Bench; readonly host: HostAccess; readonly pid: number } => {
  const bench = new Bench(store === undefined ? {} : { store })
  const { pid } = bench.load(imageOf(busyLoop, parts))
  return { bench, host: new HostAccess(bench.executive), pid }
}

const status = (outcome: { readonly code: number } | undefined): number => outcome?.code ?? 0

/** Sleeps for 250 ms, and ends long after the test. */
const rest = program(ldi(0, 250), svc(6, 0), ret)

/** Registers 9:1 with the description at this address, none for 0, and keeps the status in R8. */
const register = (flags: number, description = 0x4000): ReadonlyArray<string> => [
  ldi(1, 9),
  ldi(2, 1),
  ldi(3, flags),
  ldi32(4, description),
  svc(7, 0),
  mov(8, 0)
]

/** A chain: name at 0x4040, unit "rpm" with epsilon 0.5 and 20 ms, range 0 to 100, key 17. */
const chain = (): Uint8Array => {
  const bytes = texts(0x60, { 64: "speed" })
  const view = new DataView(bytes.buffer)
  const half = (at: number, ...values: ReadonlyArray<number>): void => {
    for (const [index, value] of values.entries()) view.setUint16(at + 2 * index, value, true)
  }
  half(0x00, 0x0002, 0x4010, 0x4040)
  half(0x10, 0x0003, 0x4020)
  bytes.set(new TextEncoder().encode("rpm"), 0x14)
  half(0x18, f16Bits(0.5), 20)
  half(0x20, 0x0004, 0x4028, f16Bits(0), f16Bits(100))
  half(0x28, 0x0005, 0xffff, 17, 30)
  return bytes
}

describe("setting a value", () => {
  it("is judged in one order: there, permitted, writable, not too soon, not too small", () => {
    const both = { authLevel: 2, flags: 1 }
    const { host, pid } = loaded({
      values: [{ name: "guarded", ...both }, { name: "fixed", flags: 1 }, { name: "free" }]
    })
    assert.strictEqual(status(host.setValue(pid, "absent", 1, 3)), 2)
    // Both would refuse; the level comes first, and says nothing of the rest.
    assert.strictEqual(status(host.setValue(pid, "guarded", 1, 1)), 1)
    assert.strictEqual(status(host.setValue(pid, "guarded", 1, 2)), 1)
    assert.strictEqual(status(host.setValue(pid, "fixed", 1, 3)), 1)
    assert.strictEqual(status(host.setValue(pid, "free", 1, 0)), 0)
    const bench = new Bench()
    const limited = bench.load(imageOf(program(...register(0), ret), { rodata: chain() })).pid
    const slow = new HostAccess(bench.executive)
    bench.executive.step(5)
    // It has never changed, so the first change is never too soon.
    assert.strictEqual(status(slow.setValue(limited, 0x901, 10, 0)), 0)
    bench.now = 19
    assert.strictEqual(status(slow.setValue(limited, 0x901, 10.25, 0)), 16)
    bench.now = 20
    assert.strictEqual(status(slow.setValue(limited, 0x901, 10.25, 0)), 0)
    assert.strictEqual(slow.valueOf(limited, 0x901)?.value, 10)
    assert.strictEqual(status(slow.setValue(limited, 0x901, 10.5, 0)), 0)
    assert.strictEqual(slow.valueOf(limited, 0x901)?.value, 10.5)
    assert.deepStrictEqual(bench.told("value_"), ["value_changed", "value_changed"])
  })

  it("rounds to a half once", () => {
    const { host, pid } = loaded({ values: [{ name: "v" }] })
    host.setValue(pid, "v", 0.1, 0)
    assert.strictEqual(host.valueOf(pid, "v")?.value, 0.0999755859375)
  })

  it("tells the program's mailbox once, with both values, and forgets it when it is full", () => {
    const bench = new Bench()
    const words = program(...register(0, 0), ldi32(1, 0x901), ldi32(2, 0x4050), svc(7, 5), rest)
    const { pid } = bench.load(imageOf(words, { rodata: texts(0x60, { 80: "app:note" }) }))
    bench.executive.step(20)
    const host = new HostAccess(bench.executive)
    const copies: Array<ReadonlyArray<number>> = []
    host.tapMail(pid, "app:note", undefined, ({ data }) => copies.push([...data]))
    const set = (value: number): number => status(host.setValue(pid, 0x901, value, 0))
    assert.deepStrictEqual([set(1), set(2)], [0, 0])
    assert.deepStrictEqual(copies, [
      [0x01, 0x09, 0x00, 0x00, 0x00, 0x3c],
      [0x01, 0x09, 0x00, 0x3c, 0x00, 0x40]
    ])
    const handles = (): number => bench.executive.counts().handles
    const before = handles()
    // 64 bytes hold four notes of 14; the fifth is lost, and its subscriber with it.
    assert.deepStrictEqual([set(3), set(4), set(5), set(6)], [0, 0, 0, 0])
    assert.strictEqual(copies.length, 4)
    assert.strictEqual(handles(), before - 1)
  })
})

describe("reading a value", () => {
  it("needs the level of the value, unless it is the program's own", () => {
    const { bench, host, pid } = loaded({
      values: [{ groupId: 2, valueId: 1, name: "rpm", groupName: "motor", authLevel: 1 }]
    })
    host.setValue(pid, "motor.rpm", 5, 1)
    const read = (level: number): unknown => host.getValue(pid, "2:1", level)
    assert.deepStrictEqual([read(0), read(1)], [Result.fail({ code: 1, detail: "value:2:1" }), Result.succeed(5)])
    const asks = program(ldi32(1, 0x201), svc(7, 2), ret)
    const stranger = bench.load(imageOf(asks, { header: { appName: "stranger" } })).pid
    const owner = bench.load(
      imageOf(asks, { values: [{ groupId: 2, valueId: 1, authLevel: 3, initBits: 0x4400 }] })
    ).pid
    bench.executive.step(60)
    assert.deepStrictEqual(bench.registers(stranger, [0, 1]), { 0: 2, 1: 2 })
    assert.deepStrictEqual(bench.registers(owner, [0, 1]), { 0: 0x4400, 1: 0 })
  })

  it("of no program in particular finds the one with the lowest number", () => {
    const bench = new Bench()
    for (const initBits of [0x3c00, 0x4000]) bench.load(imageOf(busyLoop, { values: [{ valueId: 7, initBits }] }))
    assert.deepStrictEqual(bench.executive.parts.values.get(undefined, 0x107, 0), { status: 0, bits: 0x3c00 })
    bench.executive.kill(1)
    assert.deepStrictEqual(bench.executive.parts.values.get(undefined, 0x107, 0), { status: 0, bits: 0x4000 })
  })
})

describe("a value that a program describes itself", () => {
  it("has what its chain says", () => {
    const bench = new Bench()
    const { pid } = bench.load(imageOf(program(...register(2), rest), { rodata: chain() }))
    bench.executive.step(10)
    const record = bench.executive.parts.values.find(pid, 0x901)
    assert.deepStrictEqual(record?.declaration, {
      groupId: 9,
      valueId: 1,
      flags: 2,
      authLevel: 0,
      initBits: 0,
      epsilonBits: f16Bits(0.5),
      minimumBits: 0,
      maximumBits: f16Bits(100),
      rateMillis: 20,
      persistKey: 17,
      debounceMillis: 30,
      name: "speed",
      unit: "rpm",
      groupName: undefined
    })
    assert.strictEqual(bench.executive.counts().stringBytes, 10)
  })

  it("is refused when the chain loops or has a link nobody knows", () => {
    const loop = chain()
    new DataView(loop.buffer).setUint16(0x2a, 0x4000, true)
    const unknown = chain()
    unknown[0x20] = 0x77
    for (const rodata of [loop, unknown]) {
      const bench = new Bench()
      const { pid } = bench.load(imageOf(program(...register(0), rest), { rodata }))
      bench.executive.step(10)
      assert.strictEqual(bench.register(pid, 8), 4)
      assert.strictEqual(bench.executive.counts().values, 0)
    }
  })

  it("is listed by its number, and found twice by nobody", () => {
    const bench = new Bench()
    const words = program(
      ...register(0, 0),
      ...register(0, 0).slice(0, -1),
      mov(9, 0),
      ldi32(1, 0xff),
      ldi32(2, 0x4050),
      ldi(3, 9),
      svc(7, 4),
      ret
    )
    const { pid } = bench.load(imageOf(words, { rodata: new Uint8Array(0x60), values: [{ groupId: 3, valueId: 4 }] }))
    bench.run()
    assert.deepStrictEqual(bench.registers(pid, [8, 9, 0, 1]), { 8: 0, 9: 5, 0: 0, 1: 2 })
    assert.deepStrictEqual([...bench.memory(pid, 0x4050, 6)], [4, 3, 1, 9, 0, 0])
  })
})

describe("a value that is kept", () => {
  const kept: ImageParts = {
    values: [
      { name: "a", persistKey: 17, initBits: 0x3e00 },
      { name: "b", persistKey: 18, initBits: 0x3e00 },
      { name: "c", persistKey: 19, initBits: 0x3e00, minimumBits: f16Bits(-40), maximumBits: f16Bits(125) },
      { name: "d", persistKey: 20, initBits: 0x3e00 },
      { name: "e", persistKey: 21, initBits: 0x3e00 },
      { name: "f", initBits: 0x3e00 }
    ]
  }

  it("wins over its start value when it reads well and fits", () => {
    const store = new Store()
    store.kept.set(17, f16Bits(3))
    store.kept.set(18, "stale")
    store.kept.set(19, f16Bits(126))
    store.kept.set(20, 0x7e00)
    const bench = new Bench({ store })
    const reply = bench.load(imageOf(busyLoop, kept))
    assert.deepStrictEqual(reply.restored, { restored: 1, stale: 1, reset: 2, defaulted: 1 })
    const values = new HostAccess(bench.executive).values(reply.pid).map(({ value }) => value)
    assert.deepStrictEqual(values, [3, 1.5, 1.5, 1.5, 1.5, 1.5])
  })

  it("is saved when it changes, and only then", () => {
    const store = new Store()
    const { host, pid } = loaded(kept, store)
    host.setValue(pid, "a", 4, 0)
    host.setValue(pid, "a", 4, 0)
    host.setValue(pid, "f", 4, 0)
    assert.deepStrictEqual(store.saves, [[17, f16Bits(4)]])
  })

  it("is saved once for many changes, when the first has waited long enough", () => {
    const store = new Store()
    const bench = new Bench({ store })
    const { pid } = bench.load(imageOf(program(...register(2), rest), { rodata: chain() }))
    bench.executive.step(100, pid)
    const host = new HostAccess(bench.executive)
    host.setValue(pid, 0x901, 1, 0)
    bench.now = 25
    host.setValue(pid, 0x901, 2, 0)
    assert.strictEqual(bench.executive.nextDue(), 30)
    assert.deepStrictEqual(store.saves, [])
    bench.now = 30
    bench.executive.step(1)
    assert.deepStrictEqual(store.saves, [[17, f16Bits(2)]])
    bench.now = 60
    host.setValue(pid, 0x901, 3, 0)
    bench.executive.kill(pid)
    assert.deepStrictEqual(store.saves.slice(1), [[17, f16Bits(3)]])
  })

  it("belongs to the first instance alone, unless a base tells them apart", () => {
    const store = new Store()
    const bench = new Bench({ store })
    const host = new HostAccess(bench.executive)
    const first = bench.load(imageOf(busyLoop, kept)).pid
    const second = bench.load(imageOf(busyLoop, kept)).pid
    const third = bench.load(imageOf(busyLoop, { ...kept, manifest: { persistKeyBase: 100 } })).pid
    for (const [index, pid] of [first, second, third].entries()) host.setValue(pid, "a", 10 + index, 0)
    assert.deepStrictEqual(store.saves, [
      [17, f16Bits(10)],
      [117, f16Bits(12)]
    ])
  })

  it("passes from a program to the one that replaces it, with its last change", () => {
    const store = new Store()
    const bench = new Bench({ store })
    const host = new HostAccess(bench.executive)
    const slowly = program(...register(2), rest)
    const old = bench.load(imageOf(slowly, { rodata: chain() })).pid
    bench.executive.step(10)
    host.setValue(old, 0x901, 42, 0)
    const next = bench.load(imageOf(busyLoop, { values: [{ groupId: 9, valueId: 1, persistKey: 17 }] }), {
      replaces: [old]
    })
    assert.strictEqual(next.restored.restored, 1)
    assert.strictEqual(host.valueOf(next.pid, 0x901)?.value, 42)
  })

  it("is kept or not as its owner says", () => {
    const store = new Store()
    store.kept.set(17, f16Bits(7))
    const persist = (mode: number): ReadonlyArray<string> => [ldi32(1, 0x901), ldi(2, mode), svc(7, 6)]
    const bench = new Bench({ store })
    const words = program(...register(0), ...persist(1), mov(9, 0), ...persist(9), mov(10, 0), rest)
    const { pid } = bench.load(imageOf(words, { rodata: chain() }))
    bench.executive.step(30)
    const host = new HostAccess(bench.executive)
    assert.deepStrictEqual(bench.registers(pid, [8, 9, 10]), { 8: 0, 9: 0, 10: 4 })
    assert.strictEqual(host.valueOf(pid, 0x901)?.value, 7)
    host.setValue(pid, 0x901, 8, 0)
    bench.executive.kill(pid)
    assert.deepStrictEqual(store.saves, [])
  })
})

describe("a watch on a value", () => {
  it("tells changes that are large enough, and the newest one when it was too soon", () => {
    const { bench, host, pid } = loaded({ values: [{ name: "v" }] })
    const told: Array<readonly [number, number]> = []
    const watching = host.watchValue(pid, "v", 0, { epsilon: 1, rateMillis: 100 }, ({ value, at }) =>
      told.push([value, at])
    )
    if (Result.isFailure(watching)) return assert.fail()
    const set = (at: number, value: number): void => {
      bench.now = at
      host.setValue(pid, "v", value, 0)
    }
    set(0, 0.5)
    set(10, 2)
    set(20, 5)
    set(30, 6)
    bench.executive.pause(pid)
    assert.strictEqual(bench.executive.nextDue(), 110)
    bench.now = 110
    bench.executive.step(1)
    set(300, 7)
    watching.success()
    set(500, 9)
    assert.deepStrictEqual(told, [
      [2, 10],
      [6, 110],
      [7, 300]
    ])
  })

  it("needs the level of the value", () => {
    const { host, pid } = loaded({ values: [{ name: "v", authLevel: 1 }] })
    const watching = host.watchValue(pid, "v", 0, {}, () => undefined)
    assert.isTrue(Result.isFailure(watching))
  })
})

describe("the table of values", () => {
  it("warns once when it is nearly full, and again after it was emptier", () => {
    const bench = new Bench()
    const many = (count: number): ImageParts => ({
      values: Array.from({ length: count }, (_, valueId) => ({ valueId }))
    })
    bench.load(imageOf(busyLoop, many(204)))
    assert.deepStrictEqual(bench.told("warning"), [])
    bench.load(imageOf(busyLoop, many(20)))
    assert.deepStrictEqual(bench.told("warning"), ["warning"])
    bench.executive.kill(1)
    bench.load(imageOf(busyLoop, many(204)))
    assert.deepStrictEqual(bench.told("warning"), ["warning", "warning"])
  })
})
