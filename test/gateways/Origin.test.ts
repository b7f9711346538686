import { assert, describe, it } from "@effect/vitest"
import { foreignHeader } from "../../src/gateways/Origin.ts"

describe("a request to a loopback listener", () => {
  it("is ours from a program, which sends no origin, and from our own page", () => {
    for (const host of ["localhost:7700", "127.0.0.1:7700", "[::1]:7700", "localhost"])
      assert.isUndefined(foreignHeader({ host }), host)
    assert.isUndefined(foreignHeader({ host: "127.0.0.1:7700", origin: "http://localhost:7700" }))
    assert.isUndefined(foreignHeader({ host: "localhost", origin: "https://localhost" }))
  })

  it("is foreign under a name bent to this address, or without one", () => {
    for (const host of [
      "evil.example:7700",
      "localhost.evil.example",
      "",
      "localhost@evil.example",
      undefined,
      "127.0.0.1/x"
    ])
      assert.strictEqual(foreignHeader({ host }), "host", host)
  })

  it("is foreign from a page of another origin", () => {
    const host = "localhost:7700"
    for (const origin of [
      "http://evil.example",
      "http://localhost:3000",
      "null",
      "file://",
      "http://localhost",
      "http://localhost.evil.example:7700",
      "ws://localhost:7700"
    ])
      assert.strictEqual(foreignHeader({ host, origin }), "origin", origin)
  })

  it("may come under other names where they are configured", () => {
    const names = new Set(["holon.example"])
    assert.isUndefined(foreignHeader({ host: "holon.example", origin: "https://holon.example" }, names))
    assert.strictEqual(foreignHeader({ host: "localhost" }, names), "host")
  })
})
