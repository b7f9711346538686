import { assert, describe, it } from "@effect/vitest"
import { refusal, refusalName } from "../../../devices/provisioning/ErrorCodes.ts"
import { source, sourceText } from "../../../devices/provisioning/Source.ts"
import { fileTransport } from "../../../devices/provisioning/transports/File.ts"
import { sdTransport } from "../../../devices/provisioning/transports/SdCard.ts"
import { Transports } from "../../../devices/provisioning/transports/Transport.ts"
import { done, refusedAs } from "./LoaderRig.ts"

describe("codes of refusals", () => {
  it("are numbers of the one table, and go by its names", () => {
    const numbers = {
      EPERM: 1,
      ENOENT: 2,
      ESRCH: 3,
      EIO: 5,
      EBUSY: 16,
      EEXIST: 17,
      EINVAL: 22,
      ENOSPC: 28,
      EPROTO: 71,
      EBADMSG: 74,
      EILSEQ: 84,
      ENOTSUP: 95,
      ETIMEDOUT: 110,
      ECANCELED: 125,
      ENOKEY: 126,
      EKEYREJECTED: 129
    } as const
    for (const name of Object.keys(numbers) as ReadonlyArray<keyof typeof numbers>) {
      assert.deepStrictEqual(refusal(name, "why"), { code: numbers[name], detail: "why" })
      assert.strictEqual(refusalName(numbers[name]), name)
    }
    assert.strictEqual(refusalName(0), "OK")
  })
})

describe("a source", () => {
  it("is written by its kind", () => {
    const texts = [
      [source.file("/apps/a.hxe"), "file:/apps/a.hxe"],
      [source.can(5, "can0"), "CAN:5:can0"],
      [source.sd("/hsx/manifest.json", 2, "a.hxe"), "sd:/hsx/manifest.json#2:a.hxe"],
      [source.uart("tty0"), "uart:tty0"],
      [source.rpc("user"), "rpc:user"],
      [source.stream("x"), "stream:x"],
      [source.nv(1, 7), "nv:1@7"]
    ] as const
    for (const [value, text] of texts) {
      assert.strictEqual(sourceText(value), text)
    }
  })
})

describe("Transports", () => {
  it("are known by their kind, and no other", () => {
    const transports = new Transports()
    transports.register(fileTransport("/"))
    transports.register(sdTransport("/"))
    assert.deepStrictEqual(transports.kinds, ["file", "sd"])
    assert.strictEqual(done(transports.of("sd")).info.kind, "sd")
    assert.deepStrictEqual(refusedAs(transports.of("uart")), [95, "transport:uart"])
  })
})
