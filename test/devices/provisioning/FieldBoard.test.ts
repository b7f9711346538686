import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { MemoryNvDevice } from "../../../devices/nv/MemoryNvDevice.ts"
import { hostShape } from "../../../devices/nv/NvMap.ts"
import { FieldBoard } from "../../../devices/provisioning/FieldBoard.ts"
import { boardCaller } from "../../../devices/provisioning/LoaderCalls.ts"
import { source } from "../../../devices/provisioning/Source.ts"
import { VirtualTime } from "../VirtualTime.ts"
import { goldenImage } from "./GoldenImage.ts"

describe("a board without a link", () => {
  it.each([true, false])("runs again what it keeps, where that was to run at once: %s", (autostart) => {
    const devices = { nvm: new MemoryNvDevice(hostShape.nvm), flash: new MemoryNvDevice(hostShape.flash) }
    const time = new VirtualTime()
    const start = () => Result.getOrThrow(FieldBoard.start({ node: 5, clock: time.clock(), devices }))
    const before = start()
    const request = { bytes: goldenImage(), source: source.file("/a.hxe"), persist: true, autostart }
    before.loader.load(request, boardCaller, () => {})
    before.stop()
    const after = start()
    time.advance(100)
    const [task] = after.executive.tasks()
    assert.deepStrictEqual([task?.name, task?.end?.status], ["gold full", autostart ? 6 : undefined])
    after.stop()
  })

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
