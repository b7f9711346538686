import { generateKeyPairSync, type KeyObject } from "node:crypto"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { build } from "../../../devices/hxe/assembler/Build.ts"
import { MemoryNvDevice } from "../../../devices/nv/MemoryNvDevice.ts"
import type { NvDevices } from "../../../devices/nv/NvDevice.ts"
import { hostShape } from "../../../devices/nv/NvMap.ts"
import { proofOf } from "../../../devices/provisioning/Access.ts"
import { FieldBoard, type FieldBoardEvent, type FieldBoardParts } from "../../../devices/provisioning/FieldBoard.ts"
import { fieldTrustIn, readRoleKey } from "../../../devices/provisioning/FieldTrust.ts"
import { loadFlags } from "../../../devices/provisioning/LoadPdu.ts"
import { CanBroadcastMaster, type NodeOutcome } from "../../../devices/provisioning/transports/CanBroadcastMaster.ts"
import { canClient } from "../../../devices/provisioning/transports/CanUnicast.ts"
import { codes } from "../../../src/protocol/Codes.ts"
import { signHxe } from "../../../src/protocol/hxe/Signature.ts"
import { VirtualTime } from "../VirtualTime.ts"
import { FaultyBus } from "./transports/FaultyMedia.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holon-trust-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const newKey = (): KeyObject => generateKeyPairSync("ed25519").privateKey
const pemOf = (key: KeyObject): string => String(key.export({ format: "pem", type: "pkcs8" }))

const example = readFileSync(new URL("../../../examples/blink.mvasm", import.meta.url), "utf8")
/** A program that runs on for ever. */
const motor = Result.getOrThrow(
  build([{ file: "blink.mvasm", text: example }], () => undefined, { name: "motor", requiredCaps: 0 })
)

const signed = (image: Uint8Array, privateKey: KeyObject, securityVersion: number): Uint8Array =>
  Result.getOrThrow(signHxe(image, { privateKey, securityVersion }))

/** Its programs; what failed on its way is remembered for a while. */
const running = (board: FieldBoard) => board.executive.tasks().filter(({ state }) => state !== "loading")

/** A board on a bus that believes what lies in the folder. */
class Bench {
  readonly time = new VirtualTime()
  readonly bus = new FaultyBus(this.time, () => 0.5)
  readonly devices: NvDevices = {
    nvm: new MemoryNvDevice(hostShape.nvm),
    flash: new MemoryNvDevice(hostShape.flash)
  }
  readonly generations: Array<number> = []
  #xfer = 0

  start(): FieldBoard {
    const { roleKeys, trust } = Result.getOrThrow(fieldTrustIn(folder))
    let nonces = 0
    const nonce = (): Uint8Array => new Uint8Array(8).fill(++nonces)
    const observe = (event: FieldBoardEvent): void => {
      if (event.type === "confirmed") this.generations.push(event.generation)
    }
    const parts: FieldBoardParts = { node: 5, clock: this.time.clock(), devices: this.devices, trust, observe }
    const roles = roleKeys.size === 0 ? {} : { roles: { roleKeys, nonce } }
    const can = { bus: this.bus.join(), name: "can0" }
    const board = Result.getOrThrow(FieldBoard.start({ ...parts, ...roles, can }))
    this.time.advance(2500)
    return board
  }

  /** A master, and the code of a push by it. */
  master() {
    this.#xfer += 40
    const { client } = canClient(this.bus.join(), this.time.clock(), 5, { firstXfer: this.#xfer })
    const push = (image: Uint8Array, persist = true): number => {
      const ended: Array<number> = []
      client.push(image, { persist, replace: true }, (result) =>
        ended.push(Result.isSuccess(result) ? codes.ok : result.failure.code)
      )
      while (ended.length === 0) this.time.step()
      return ended[0] ?? -1
    }
    const prove = (role: number, key: Uint8Array): number => {
      const ended: Array<number> = []
      const xfer = client.nextXfer()
      client.ask({ op: "auth", xfer, role }, (challenge) => {
        if (challenge?.fields?.op !== "auth") return ended.push(challenge?.status ?? -1)
        const mac = proofOf(key, 5, role, challenge.fields.nonce)
        client.ask({ op: "proof", xfer, mac }, (reply) => ended.push(reply?.status ?? -1))
      })
      while (ended.length === 0) this.time.step()
      return ended[0] ?? -1
    }
    return { push, prove }
  }

  /** What the board says to an image that is sent to all. */
  broadcast(image: Uint8Array): ReadonlyArray<number> {
    const ended: Array<ReadonlyArray<NodeOutcome>> = []
    this.#xfer += 40
    const request = { image, xfer: this.#xfer, flags: loadFlags.autostart }
    new CanBroadcastMaster(this.bus.join(), this.time.clock(), request, (outcomes) => ended.push(outcomes))
    while (ended.length === 0) this.time.step()
    return ended.flat().map(({ status }) => status)
  }
}

describe("a board that was given keys", () => {
  it("takes an image that one of their owners signed inside, and no other, over the bus, for itself or for all", () => {
    const [ada, eve] = [newKey(), newKey()]
    writeFileSync(join(folder, "ada.pem"), pemOf(ada))
    const bench = new Bench()
    const board = bench.start()
    const { push } = bench.master()
    assert.strictEqual(push(motor), codes.EPERM)
    assert.strictEqual(push(signed(motor, eve, 1)), codes.ENOKEY)
    const changed = signed(motor, ada, 1)
    const last = changed.length - 1
    changed[last] = (changed[last] ?? 0) ^ 1
    assert.notStrictEqual(push(changed), codes.ok)
    assert.deepStrictEqual(running(board), [])
    assert.deepStrictEqual(bench.broadcast(motor), [codes.EPERM])
    assert.deepStrictEqual(bench.broadcast(signed(motor, ada, 1)), [codes.ok])
    assert.strictEqual(push(signed(motor, ada, 1)), codes.ok)
    board.stop()
  })

  it("goes back to no older security version once one has proved itself", () => {
    const ada = newKey()
    writeFileSync(join(folder, "ada.pem"), pemOf(ada))
    const bench = new Bench()
    const first = bench.start()
    assert.strictEqual(bench.master().push(signed(motor, ada, 2)), codes.ok)
    first.stop()
    const second = bench.start()
    bench.time.advance(31_000)
    assert.deepStrictEqual(bench.generations, [2])
    assert.strictEqual(bench.master().push(signed(motor, ada, 1)), codes.EPERM)
    assert.strictEqual(bench.master().push(signed(motor, ada, 2)), codes.ok)
    second.stop()
  })

  it("starts nothing from its memories that nobody signed, once it has keys", () => {
    const bench = new Bench()
    const before = bench.start()
    assert.strictEqual(bench.master().push(motor), codes.ok)
    before.stop()
    writeFileSync(join(folder, "ada.pem"), pemOf(newKey()))
    const board = bench.start()
    bench.time.advance(1000)
    assert.deepStrictEqual(running(board), [])
    board.stop()
  })
})

describe("a board that knows keys of roles", () => {
  const admin = Uint8Array.from({ length: 32 }, (_, at) => at)
  const user = Uint8Array.from({ length: 32 }, (_, at) => 255 - at)
  const give = (name: string, key: Uint8Array): void =>
    writeFileSync(join(folder, `${name}.key`), `${Buffer.from(key).toString("hex")}\n`)

  it("takes nothing from a master that proved none, and from each what its role may", () => {
    give("admin", admin)
    give("user", user)
    const bench = new Bench()
    const board = bench.start()
    const { prove, push } = bench.master()
    assert.strictEqual(push(motor, false), codes.EPERM)
    assert.strictEqual(prove(2, user), codes.EPERM)
    assert.strictEqual(prove(3, admin), codes.ENOKEY)
    assert.strictEqual(prove(1, user), codes.ok)
    assert.strictEqual(push(motor, true), codes.EPERM)
    assert.strictEqual(push(motor, false), codes.ok)
    assert.strictEqual(prove(2, admin), codes.ok)
    assert.strictEqual(push(motor, true), codes.ok)
    assert.deepStrictEqual(bench.broadcast(motor), [codes.EPERM])
    board.stop()
  })

  it("listens no more to a master that has failed too often", () => {
    give("admin", admin)
    const bench = new Bench()
    const board = bench.start()
    const { prove } = bench.master()
    for (let time = 0; time < 5; time++) assert.strictEqual(prove(2, user), codes.EPERM)
    assert.strictEqual(prove(2, admin), codes.EPERM)
    bench.time.advance(61_000)
    assert.strictEqual(prove(2, admin), codes.ok)
    board.stop()
  })
})

describe("fieldTrustIn", () => {
  it("trusts everybody where there is no folder, or an empty one", () => {
    for (const path of [folder, join(folder, "none")]) {
      const { roleKeys, trust } = Result.getOrThrow(fieldTrustIn(path))
      assert.deepStrictEqual([trust.policy, trust.keys.length, roleKeys.size], ["none", 0, 0])
    }
  })

  it("refuses a folder of which it cannot use a part", () => {
    writeFileSync(join(folder, "ada.pem"), "no key")
    assert.match(Result.merge(Result.map(fieldTrustIn(folder), () => "")), /ada\.pem is no public key$/)
    rmSync(join(folder, "ada.pem"))
    writeFileSync(join(folder, "admin.key"), "1234")
    assert.match(
      Result.merge(Result.map(fieldTrustIn(folder), () => "")),
      /admin\.key: its key is shorter than 16 bytes$/
    )
    rmSync(join(folder, "admin.key"))
    mkdirSync(join(folder, "user.key"))
    assert.match(Result.merge(Result.map(fieldTrustIn(folder), () => "")), /user\.key cannot be read$/)
  })

  it("reads the key of a role from hexadecimal digits only", () => {
    assert.isTrue(Result.isSuccess(readRoleKey(` ${"0A".repeat(16)}\n`)))
    for (const text of ["", "0a".repeat(15), `${"0a".repeat(16)}0`, "x".repeat(64)]) {
      assert.isTrue(Result.isFailure(readRoleKey(text)), text)
    }
  })
})
