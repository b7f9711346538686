import { describe, it } from "@effect/vitest"
import { Algedonic } from "../../../src/protocol/vsm/Algedonic.ts"
import { Recursion } from "../../../src/protocol/vsm/Recursion.ts"
import { Vsm } from "../../../src/protocol/vsm/Vsm.ts"
import { survivesBrokenMessages } from "../../support/BrokenMessages.ts"
import { Tree } from "./Tree.ts"

describe.each([Vsm, Recursion, Algedonic])("$kind", (contract) => {
  it.effect("takes ten thousand messages, most of them broken, from whoever asks, and crashes over none", () => {
    const tree = new Tree()
    tree.spawn("root", "line-1", { budget: { spawn: 50 } })
    const place = { kind: contract.kind, id: contract.kind === "recursion" ? "root" : "line-1" }
    return survivesBrokenMessages(tree.rig, place, contract, 20_260)
  })
})
