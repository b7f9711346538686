import { assert, describe, it } from "@effect/vitest"
import { Tree } from "./Tree.ts"

/** A tree in which those above answer or not; everything else is as it is. */
class Leased extends Tree {
  /** VSMs that nobody gets an answer from. */
  readonly silent = new Set<string>()
  #answered = 0

  constructor(...line: ReadonlyArray<string>) {
    super()
    this.setBounds({ depth: 8, perMinute: 100, burst: 100 })
    for (const [at, id] of line.entries())
      this.spawn(line[at - 1] ?? "root", id, { budget: { mem_mb: 50 - 10 * at, spawn: 10 - at } })
  }

  /** Lets time pass; who asks those above hears the nearest that is not silent. */
  live(millis: number): this {
    for (let passed = 0; passed < millis; passed += 1000) {
      this.rig.advance(1000)
      for (; this.#answered < this.rig.performed.length; this.#answered++) {
        const [, path = ""] = /^lease (.*) [0-9]+$/.exec(this.rig.performed[this.#answered] ?? "") ?? []
        if (path === "") continue
        const above = path.split("/").slice(0, -1).toReversed()
        const answered = above.find((id) => !this.silent.has(id)) ?? null
        this.rig.ends[this.#answered]?.({ parent: above[0], answered })
      }
    }
    return this
  }

  path(id: string): string {
    return this.view(id).path.join("/")
  }
}

/** No VSM has given more than it has, and what a child has is what its parent gave it. */
const assertLedgers = (tree: Tree, ...ids: ReadonlyArray<string>): void => {
  for (const id of ids) {
    const { left, children } = tree.view(id)
    assert.isTrue(
      Object.values(left).every((units) => units >= 0),
      `${id} has ${JSON.stringify(left)} left`
    )
    for (const child of children)
      assert.deepStrictEqual(tree.view(child.id).budget, child.budget, `${child.id} of ${id}`)
  }
}

describe("a VSM whose parent does not answer", () => {
  it("stays while that is no longer than a minute and a half, and while nobody above answers either", () => {
    const tree = new Leased("a", "b", "c")
    tree.silent.add("b")
    tree.live(80_000)
    tree.silent.clear()
    tree.live(60_000)
    assert.strictEqual(tree.path("c"), "root/a/b/c")
    for (const id of ["root", "a", "b"]) tree.silent.add(id)
    tree.live(300_000)
    assert.strictEqual(tree.path("c"), "root/a/b/c")
  })

  it("goes to the nearest above that does, with its budget and all below it", () => {
    const tree = new Leased("a", "b", "c", "d")
    tree.silent.add("b")
    tree.live(150_000)
    assert.deepStrictEqual([tree.path("b"), tree.path("c"), tree.path("d")], ["root/a/b", "root/a/c", "root/a/c/d"])
    assert.deepStrictEqual(tree.events("vsm.rehomed"), [{ from: "b", to: "a" }])
    assert.sameMembers(
      tree.view("a").children.map(({ id }) => String(id)),
      ["b", "c"]
    )
    assert.deepStrictEqual(tree.view("b").children, [])
    assertLedgers(tree, "root", "a", "b", "c")
    assert.deepStrictEqual(tree.view("root").below.vsms, 4)
    // The guard knows it too: the depth is counted from where they stand.
    assert.strictEqual(tree.limits().total, 4)
    assert.strictEqual(Object(tree.spawn("d", "b", {})).refusal?._tag, "SpawnDenied")
    assert.strictEqual(tree.spawn("d", "e", { budget: {} }).step, "active")
    assert.deepStrictEqual(tree.events("recursion.admitted").at(-1), { parent: "d", child: "e", depth: 4 })
  })

  it("goes past two that do not answer, and nothing is counted twice when they are back", () => {
    const tree = new Leased("a", "b", "c")
    tree.silent.add("b")
    tree.silent.add("a")
    tree.live(150_000)
    assert.deepStrictEqual([tree.path("b"), tree.path("c")], ["root/b", "root/c"])
    tree.silent.clear()
    tree.live(60_000)
    assertLedgers(tree, "root", "a", "b")
    assert.sameMembers(
      tree.view("root").children.map(({ id }) => String(id)),
      ["a", "b", "c"]
    )
  })

  it("is whole after its node died while it went", () => {
    for (let millis = 0; millis < 12; millis++) {
      const tree = new Leased("a", "b", "c")
      tree.silent.add("b")
      let isFlaky = true
      Object.defineProperty(tree.rig, "canPost", { get: () => !isFlaky })
      tree.live(125_000)
      isFlaky = false
      tree.rig.advance(millis)
      tree.kill()
      tree.live(60_000)
      assert.strictEqual(tree.path("c"), "root/a/c")
      assertLedgers(tree, "root", "a", "b")
      assert.strictEqual(tree.view("a").children.length, 2)
    }
  })

  it("retires from where it stands then, and its devices go there", () => {
    const tree = new Leased("a", "b", "c")
    tree.attach("press-1")
    tree.adopt("c", "press-1")
    tree.silent.add("b")
    tree.live(150_000)
    tree.ask("c", "Retire", { mode: "drain" })
    tree.live(15_000)
    assert.strictEqual(tree.holder("press-1"), "a")
    assert.deepStrictEqual(
      tree.view("a").children.map(({ id }) => String(id)),
      ["b"]
    )
    assertLedgers(tree, "root", "a", "b")
  })
})
