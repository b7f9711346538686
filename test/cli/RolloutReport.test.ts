import { assert, describe, it } from "@effect/vitest"
import { boardTable } from "../../src/cli/RolloutReport.ts"
import { codes } from "../../src/protocol/Codes.ts"
import type { RolloutBoard } from "../../src/protocol/Rollout.ts"

const board = (
  id: string,
  wave: number,
  step: RolloutBoard["step"],
  more: Partial<RolloutBoard> = {}
): RolloutBoard => ({
  id,
  wave,
  step,
  attempts: step === "waiting" ? 0 : 1,
  since: 0,
  ...more
})
const lines = (...boards: ReadonlyArray<RolloutBoard>) => boardTable({ boards }).split("\n")
const names = (...boards: ReadonlyArray<RolloutBoard>) =>
  lines(...boards)
    .slice(1)
    .map((line) => line.split("  ")[0])

describe("the table of a rollout", () => {
  it("has failing boards first, then those under way, then the good ones, each by wave", () => {
    assert.deepStrictEqual(
      names(
        board("a", 0, "good"),
        board("b", 0, "observing"),
        board("c", 1, "failed"),
        board("d", 0, "away"),
        board("e", 0, "failed"),
        board("f", 1, "rolled-back"),
        board("g", 0, "waiting", { attempts: 1, code: codes.EBUSY })
      ),
      ["e", "c", "f", "d", "b", "g", "a"]
    )
  })

  it("has the boards that have not had their turn in one line, at its end", () => {
    const told = lines(
      board("x", 2, "waiting"),
      board("a", 0, "good"),
      board("y", 1, "waiting"),
      board("z", 1, "waiting")
    )
    assert.deepStrictEqual(told.slice(1), [
      "a         1     good            1",
      "3 boards  2-3   waiting         0  not begun yet"
    ])
    assert.deepStrictEqual(names(board("a", 0, "good"), board("x", 1, "waiting")), ["a", "x"])
  })

  it("says details as sentences, and a code where there is no detail", () => {
    const told = lines(
      board("a", 0, "failed", { code: codes.Trap, detail: "division_by_zero:DIV" }),
      board("b", 0, "failed", { code: codes.EBUSY })
    )
    assert.match(told[1] ?? "", /its DIV divided by zero; .*\(division_by_zero:DIV\)$/)
    assert.match(told[2] ?? "", /^b .* 1 {2}[A-Z][a-z ,']+/)
  })
})
