import { generateKeyPairSync } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Executive } from "../../../devices/hxe/executive/Executive.ts"
import { MemoryNvDevice } from "../../../devices/nv/MemoryNvDevice.ts"
import { referenceMap, referenceShape } from "../../../devices/nv/NvMap.ts"
import { NvStore } from "../../../devices/nv/NvStore.ts"
import { wearOf } from "../../../devices/nv/Wear.ts"
import { executivePrograms } from "../../../devices/provisioning/ExecutivePrograms.ts"
import { Loader } from "../../../devices/provisioning/Loader.ts"
import type { EndReply, LoadRequest } from "../../../devices/provisioning/LoaderCalls.ts"
import type { LoaderSettings } from "../../../devices/provisioning/LoaderSettings.ts"
import { nvImages, nvSecurityVersions, wearEvent } from "../../../devices/provisioning/NvImages.ts"
import type { ProvisioningEvent } from "../../../devices/provisioning/ProvisioningEvents.ts"
import { source } from "../../../devices/provisioning/Source.ts"
import { readHxe } from "../../../src/protocol/hxe/HxeReader.ts"
import { partsOf, writeHxe } from "../../../src/protocol/hxe/HxeWriter.ts"
import { signHxe } from "../../../src/protocol/hxe/Signature.ts"
import { got } from "../nv/Stores.ts"
import { VirtualTime } from "../VirtualTime.ts"
import { goldenImage } from "./GoldenImage.ts"
import { admin, done, refusedAs, user } from "./LoaderRig.ts"

/** A board with the executive and the store that real ones have. */
class Board {
  readonly time = new VirtualTime()
  readonly executive = new Executive({ now: () => this.time.now, capabilities: 0xff })
  readonly store: NvStore
  readonly loader: Loader
  readonly events: Array<ProvisioningEvent> = []

  constructor(settings: (store: () => NvStore) => Partial<LoaderSettings> = () => ({})) {
    const devices = {
      nvm: new MemoryNvDevice(referenceShape.nvm),
      flash: new MemoryNvDevice(referenceShape.flash)
    }
    this.store = got(NvStore.format({ devices }, referenceMap))
    this.loader = new Loader({
      clock: this.time.clock(),
      programs: executivePrograms(this.executive),
      keeper: nvImages(this.store),
      settings: settings(() => this.store)
    })
    this.loader.subscribe((event) => this.events.push(event))
  }

  load(
    bytes: Uint8Array,
    request: Partial<LoadRequest> = {}
  ): Result.Result<EndReply, { code: number; detail: string }> {
    const replies: Array<Result.Result<EndReply, { code: number; detail: string }>> = []
    this.loader.load({ bytes, source: source.file("/a.hxe"), ...request }, user, (reply) => replies.push(reply))
    const [reply] = replies
    if (reply === undefined) throw new Error("no answer")
    return reply
  }

  get types(): ReadonlyArray<string> {
    return this.events.map(({ type }) => type.slice("provisioning.".length))
  }
}

/** The golden image with a change that makes it another one. */
const changed = (seed: number): Uint8Array => {
  const read = readHxe(goldenImage())
  if (Result.isFailure(read)) throw new Error("golden")
  return writeHxe({ ...partsOf(read.success), rodata: Uint8Array.of(seed, 1, 2, 3) })
}

describe("a board", () => {
  it("runs an image that came in chunks of one byte to its end", () => {
    const board = new Board()
    const begun = done(board.loader.begin({ source: source.rpc("test"), totalBytes: 376 }, user))
    const bytes = goldenImage()
    for (let seq = 0; seq < bytes.length; seq++) {
      assert.strictEqual(board.executive.task(begun.pid)?.state, "loading")
      done(board.loader.write({ xfer: begun.xfer }, { seq, data: bytes.subarray(seq, seq + 1) }, user))
    }
    board.loader.end({ xfer: begun.xfer }, {}, user, () => {})
    board.executive.step(100)
    const task = board.executive.task(begun.pid)
    assert.deepStrictEqual([task?.name, task?.state, task?.machine?.register(0)], ["gold full", "returned", 6])
  })

  it("has every counter where it was after a transfer is given up, whenever that is", () => {
    const board = new Board()
    const before = board.executive.counts()
    const bytes = goldenImage()
    for (let cut = 0; cut <= bytes.length; cut += 7) {
      const { xfer } = done(board.loader.begin({ source: source.rpc("test") }, user))
      if (cut > 0) done(board.loader.write({ xfer }, { seq: 0, data: bytes.subarray(0, cut) }, user))
      done(board.loader.abort({ xfer }, {}, user))
      assert.deepStrictEqual(board.executive.counts(), before)
    }
  })

  it("has every counter where it was after an image failed at each of its checks", () => {
    const board = new Board()
    const before = board.executive.counts()
    for (let at = 0; at < 376; at += 3) {
      const bytes = goldenImage()
      bytes[at] = (bytes[at] ?? 0) ^ 0x80
      const replaced = board.load(bytes)
      // Bytes of the name and the reserved ones are not covered by the checksum.
      if (Result.isSuccess(replaced)) board.executive.remove(replaced.success.pid)
      assert.deepStrictEqual(board.executive.counts(), before, `byte ${at}`)
    }
  })

  it("keeps a program, replaces it, and goes back to it with its image", () => {
    const board = new Board()
    const first = done(board.load(goldenImage(), { persist: true }))
    assert.deepInclude(first.persisted, { slot: 0, bytes: 376 })
    done(board.loader.activate(first.pid, admin))
    const second = done(board.load(changed(9), { replace: true, persist: true }))
    assert.deepStrictEqual(board.executive.instancesOf("gold full"), [second.pid])
    const back = done(board.loader.rollback(undefined, admin))
    assert.deepStrictEqual(back.concerned, ["gold full"])
    const [pid] = board.executive.instancesOf("gold full")
    assert.isAbove(pid ?? 0, second.pid)
    assert.deepStrictEqual(got(board.store.image("gold full")).bytes, goldenImage())
    assert.deepStrictEqual(board.types.slice(-2), ["persisted", "rollback"])
    assert.strictEqual(board.events.filter(({ type }) => type === "provisioning.persisted").length, 2)
  })

  it("leaves programs alone that a rollback does not concern", () => {
    const board = new Board()
    const code = Uint8Array.from(Buffer.from("0100002A25000000", "hex"))
    const other = writeHxe({ entry: 0, code, rodata: new Uint8Array(0), appName: "other" })
    const kept = done(board.load(other, { persist: true, source: source.file("/b.hxe") }))
    const first = done(board.load(goldenImage(), { persist: true }))
    done(board.loader.activate(first.pid, admin))
    done(board.load(changed(9), { replace: true, persist: true }))
    assert.deepStrictEqual(done(board.loader.rollback(undefined, admin)).concerned, ["gold full"])
    assert.deepStrictEqual(board.executive.instancesOf("other"), [kept.pid])
  })

  it("loads at a rollback what was not to run at once, as a start of the board would, and does not run it", () => {
    const board = new Board()
    const first = done(board.load(goldenImage(), { persist: true, autostart: false }))
    done(board.loader.activate(first.pid, admin))
    done(board.load(changed(9), { replace: true, persist: true }))
    assert.deepStrictEqual(done(board.loader.rollback(undefined, admin)).concerned, ["gold full"])
    const [pid] = board.executive.instancesOf("gold full")
    assert.isAbove(pid ?? 0, first.pid)
    assert.isFalse(board.executive.task(pid ?? 0)?.isStarted)
  })

  it("keeps nothing of a program that is gone", () => {
    const board = new Board()
    const { pid } = done(board.load(goldenImage()))
    board.executive.remove(pid)
    assert.strictEqual(refusedAs(board.loader.persist({ pid, target: "FLASH" }, admin))[0], 3)
    assert.strictEqual(refusedAs(board.loader.activate(pid, admin))[0], 3)
  })

  it("takes no program of a lower security version than the one it keeps", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519")
    const signed = (securityVersion: number): Uint8Array =>
      done(signHxe(goldenImage(), { privateKey, securityVersion }))
    const board = new Board((store) => ({
      trust: {
        policy: "any",
        keys: [publicKey],
        versions: { highestOf: (name) => nvSecurityVersions(store()).highestOf(name), accept: () => {} }
      }
    }))
    done(board.load(signed(7), { persist: true }))
    assert.deepStrictEqual(refusedAs(board.load(signed(6))), [1, "rollback"])
    done(board.load(signed(7)))
  })

  it("says that there is nothing to go back to, and nothing to keep", () => {
    const board = new Board()
    assert.strictEqual(refusedAs(board.loader.rollback(99, admin))[0], 2)
    assert.strictEqual(refusedAs(board.loader.persist({ pid: 7, target: "FLASH" }, admin))[0], 3)
    assert.strictEqual(refusedAs(board.loader.persist({ pid: 7, target: "FLASH" }, user))[0], 1)
  })

  it("lets the running program go on when its successor does not fit", () => {
    const board = new Board()
    const first = done(board.load(goldenImage()))
    const read = readHxe(goldenImage())
    if (Result.isFailure(read)) throw new Error("golden")
    const [value] = read.success.metadata.values
    if (value === undefined) throw new Error("golden")
    const values = Array.from({ length: 300 }, (_, index) => ({ ...value, groupId: index >> 8, valueId: index & 0xff }))
    const refused = board.load(writeHxe({ ...partsOf(read.success), values }), { replace: true })
    assert.strictEqual(refusedAs(refused)[0], 28)
    assert.deepStrictEqual(board.executive.instancesOf("gold full"), [first.pid])
  })

  it("tells of a worn slot, and of nothing while all is well", () => {
    const { loader, events } = new Board()
    assert.isUndefined(wearEvent(wearOf("image", 1, 10, 100)))
    const worn = wearEvent(wearOf("image", 1, 90, 100))
    assert.isDefined(worn)
    if (worn !== undefined) loader.tell(worn)
    assert.deepInclude(events.at(-1)?.data, { partition: "image", slot: 1, pct: 90, level: "warn" })
  })
})
