import { assert, describe, it } from "@effect/vitest"
import { findViolations } from "../../scripts/imports.ts"

const violationsOf = (path: string, text: string) =>
  findViolations([{ path, text }]).map(({ line, message }) => `${line} ${message.split(/[:.] /)[0]}`)

describe("the direction of imports", () => {
  it("lets a layer import the layers below it, itself and packages", () => {
    const text = `import { Effect } from "effect"
import type { Frame } from "../protocol/Frame.ts"
import { Cell } from "./Cell.ts"
export const x = [Effect, Cell]
export type { Frame }
`
    assert.deepStrictEqual(violationsOf("src/actors/Relay.ts", text), [])
  })

  it("refuses an import of a layer above, with its line", () => {
    const text = `import {
  Node
} from "../runtime/Node.ts"
export const x = Node
`
    assert.deepStrictEqual(violationsOf("src/protocol/Frame.ts", text), ["3 imports src/runtime/Node.ts"])
  })

  it("sees side-effect imports, re-exports, type imports and imports made at run time", () => {
    const text = `import "../cli/main.ts"
import type { A } from "../cli/A.ts"
export { B } from "../cli/B.ts"
export * from "../cli/C.ts"
export const d = () => import("../cli/D.ts")
export type E = A
`
    assert.deepStrictEqual(violationsOf("src/runtime/Node.ts", text), [
      "1 imports src/cli/main.ts",
      "2 imports src/cli/A.ts",
      "3 imports src/cli/B.ts",
      "4 imports src/cli/C.ts",
      "5 imports src/cli/D.ts"
    ])
  })

  it("does not take an example in a comment for an import", () => {
    const text = `/**
 * import { Node } from "../runtime/Node.ts"
 */
// import { Node } from "../runtime/Node.ts"
export const url = "http://127.0.0.1"
`
    assert.deepStrictEqual(violationsOf("src/protocol/Frame.ts", text), [])
  })

  it("keeps a board to the wire", () => {
    assert.deepStrictEqual(
      violationsOf("devices/agent/Agent.ts", `import { F } from "../../src/protocol/F.ts"\nF()\n`),
      []
    )
    assert.deepStrictEqual(violationsOf("devices/agent/Agent.ts", `import { C } from "../../src/actors/C.ts"\nC()\n`), [
      "1 imports src/actors/C.ts"
    ])
  })

  it("lets simulation and chaos import everything but the command line", () => {
    for (const part of ["simulation", "chaos"]) {
      const text = `import { a } from "../runtime/A.ts"
import { b } from "../../devices/agent/B.ts"
import { c } from "../cli/C.ts"
a(b, c)
`
      assert.deepStrictEqual(violationsOf(`src/${part}/Run.ts`, text), ["3 imports src/cli/C.ts"])
    }
    assert.deepStrictEqual(violationsOf("src/runtime/Node.ts", `import { s } from "../simulation/S.ts"\ns()\n`), [
      "1 imports src/simulation/S.ts"
    ])
  })

  it("lets only tests import tests", () => {
    const text = `import { Postgres } from "../../test/support/Postgres.ts"\nPostgres()\n`
    assert.deepStrictEqual(violationsOf("src/runtime/Node.ts", text), ["1 imports test/support/Postgres.ts"])
    assert.deepStrictEqual(violationsOf("test/runtime/Node.test.ts", `import { P } from "../support/P.ts"\nP()\n`), [])
  })

  it("refuses a path that leaves the repository", () => {
    assert.deepStrictEqual(violationsOf("src/cli/main.ts", `import { x } from "../../../x.ts"\nx()\n`), [
      "1 imports ../../../x.ts, which lies outside of the repository"
    ])
  })

  it("refuses a barrel, whichever way it is written", () => {
    const barrels = [
      `export * from "./A.ts"\nexport { B } from "./B.ts"\n`,
      `/** All of it. */\nimport { A } from "./A.ts"\nimport { B } from "./B.ts"\n\nexport { A, B }\n`
    ]
    for (const text of barrels) assert.deepStrictEqual(violationsOf("src/protocol/Index.ts", text), ["1 is a barrel"])
    assert.deepStrictEqual(violationsOf("src/cli/main.ts", `import "./Commands.ts"\n`), [])
  })
})
