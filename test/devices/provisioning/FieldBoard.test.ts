import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { MemoryNvDevice } from "../../../devices/nv/MemoryNvDevice.ts"
import { hostShape } from "../../../devices/nv/NvMap.ts"
import { FieldBoard } from "../../../devices/provisioning/FieldBoard.ts"
import { VirtualTime } from "../VirtualTime.ts"

describe("a board without a link", () => {
  it("does not start, and touches nothing, where what lies in its memories cannot be read", () => {
    const devices = { nvm: new MemoryNvDevice(hostShape.nvm), flash: new MemoryNvDevice(hostShape.flash) }
    const start = () => FieldBoard.start({ node: 5, clock: new VirtualTime().clock(), devices })
    Result.getOrThrow(start()).stop()
    // Both superblocks stay; all manifests go.
    devices.nvm.write(0x200, new Uint8Array(0x3e00).fill(0))
    const before = devices.nvm.read(0, hostShape.nvm.size)
    assert.isTrue(Result.isFailure(start()))
    assert.deepStrictEqual(devices.nvm.read(0, hostShape.nvm.size), before)
  })
})
