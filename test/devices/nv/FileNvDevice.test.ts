/** The same store in files, and what a computer leaves when it goes down between two writes. */
import { copyFileSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { FileNvDevice } from "../../../devices/nv/FileNvDevice.ts"
import { type NvDevices, NvFault } from "../../../devices/nv/NvDevice.ts"
import { NvStore } from "../../../devices/nv/NvStore.ts"
import { seeded } from "../../../devices/simulated/Seeded.ts"
import { Supply, scattered, untilCut, untouched } from "./PowerCut.ts"
import { got, imageOf, mounted, sightOf, smallMap, smallShape } from "./Stores.ts"

const inFolder = (run: (folder: string) => void): void => {
  const folder = mkdtempSync(join(tmpdir(), "holon-nv-"))
  try {
    run(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Opens both files, and closes them whatever happens. */
const withFiles = (folder: string, run: (devices: NvDevices) => void): void => {
  const nvm = new FileNvDevice(join(folder, "nvm.bin"), smallShape.nvm)
  const flash = new FileNvDevice(join(folder, "flash.bin"), smallShape.flash)
  try {
    run({ nvm, flash })
  } finally {
    nvm.close()
    flash.close()
  }
}

const copyFiles = (from: string, to: string): void => {
  for (const name of ["nvm.bin", "flash.bin"]) copyFileSync(join(from, name), join(to, name))
}

const motor = (seed: number) => ({ name: "motor", image: { bytes: imageOf(seed) } })

describe("FileNvDevice", () => {
  it("is blank at first, keeps what was written, and lets flash only clear bits", () =>
    inFolder((folder) => {
      withFiles(folder, ({ nvm, flash }) => {
        assert.isTrue(nvm.read(0, smallShape.nvm.size).every((byte) => byte === 0xff))
        nvm.write(10, Uint8Array.of(1, 2, 3))
        nvm.write(11, Uint8Array.of(0xff))
        flash.write(10, Uint8Array.of(0xf0))
        flash.write(10, Uint8Array.of(0x3f))
      })
      withFiles(folder, ({ nvm, flash }) => {
        assert.deepStrictEqual([...nvm.read(10, 3)], [1, 0xff, 3])
        assert.deepStrictEqual([...flash.read(10, 1)], [0x30])
        flash.erase(0, 256)
        assert.deepStrictEqual([...flash.read(10, 1)], [0xff])
        assert.throws(() => flash.erase(1, 256), RangeError)
        assert.throws(() => nvm.write(smallShape.nvm.size, Uint8Array.of(1)), RangeError)
      })
    }))

  it("is for its owner alone", () =>
    inFolder((folder) => {
      withFiles(folder, () => {})
      assert.strictEqual(statSync(join(folder, "nvm.bin")).mode & 0o777, 0o600)
    }))

  it("fills up a file that was cut short while it was made, and leaves one alone that is too long", () =>
    inFolder((folder) => {
      withFiles(folder, ({ nvm }) => nvm.write(0, Uint8Array.of(7)))
      truncateSync(join(folder, "nvm.bin"), 5)
      withFiles(folder, ({ nvm }) => assert.deepStrictEqual([...nvm.read(0, 7)], [7, 255, 255, 255, 255, 255, 255]))
      writeFileSync(join(folder, "nvm.bin"), new Uint8Array(smallShape.nvm.size + 1))
      assert.throws(() => withFiles(folder, () => {}), NvFault)
    }))
})

describe("a store in files", () => {
  it("keeps everything over a restart", () =>
    inFolder((folder) => {
      let sight = ""
      withFiles(folder, (devices) => {
        const store = got(NvStore.format({ devices }, smallMap))
        got(store.commit({ put: [motor(1)] }))
        got(store.setValue(17, 0x4a40, 0, 0))
        got(store.saveAll())
        sight = sightOf(store)
      })
      withFiles(folder, (devices) => assert.strictEqual(sightOf(mounted(devices)), sight))
    }))

  it("is the old or the new one when the power goes at any write of a commit, a save or a rollback", () =>
    inFolder((folder) => {
      const random = seeded(11, "files")
      const base = mkdtempSync(join(folder, "base-"))
      withFiles(base, (devices) => {
        const store = got(NvStore.format({ devices }, smallMap))
        got(store.commit({ put: [motor(1)] }))
        got(store.confirm())
        got(store.setValue(17, 1, 0, 0))
        got(store.saveAll())
        got(store.commit({ put: [motor(2)] }))
        got(store.setValue(17, 2, 0, 0))
        got(store.saveAll())
      })
      const operations: ReadonlyArray<(store: NvStore) => void> = [
        (store) => got(store.commit({ put: [motor(3), { name: "lamp", image: { bytes: imageOf(4) } }] })),
        (store) => got(store.rollback()),
        (store) => {
          got(store.setValue(17, 3, 0, 0))
          got(store.saveAll())
        }
      ]
      const work = mkdtempSync(join(folder, "work-"))
      const on = (devices: NvDevices, supply: Supply): NvDevices => ({
        nvm: supply.power(devices.nvm),
        flash: supply.power(devices.flash)
      })
      for (const operation of operations) {
        let [oldSight, newSight] = ["", ""]
        const supply = new Supply()
        copyFiles(base, work)
        withFiles(work, (devices) => {
          oldSight = sightOf(mounted(devices))
          operation(mounted(on(devices, supply)))
        })
        withFiles(work, (devices) => {
          newSight = sightOf(mounted(devices))
        })
        assert.notStrictEqual(newSight, oldSight)
        for (let last = 0; last < supply.writes.length; last++) {
          for (const tear of [untouched, scattered(random)]) {
            copyFiles(base, work)
            withFiles(work, (devices) => {
              assert.isFalse(untilCut(() => operation(mounted(on(devices, new Supply(last, tear))))))
            })
            withFiles(work, (devices) =>
              assert.include([oldSight, newSight], sightOf(mounted(devices)), `write ${last}`)
            )
          }
        }
      }
    }))
})
