import { assert, describe, it } from "@effect/vitest"
import { brokenLinks, commandsOf, faultsInStatus, unknownCommands } from "../../scripts/docs.ts"

const told = (faults: ReadonlyArray<{ readonly line: number; readonly message: string }>) =>
  faults.map(({ line, message }) => `${line} ${message}`)

describe("links between pages", () => {
  const linksOf = (text: string) =>
    told(
      brokenLinks(
        [
          { path: "docs/a.md", text },
          { path: "docs/guide/b.md", text: "# How it works: `x`, y\n## Twice\n## Twice\n```sh\n# no heading\n```\n" }
        ],
        (path) => ["docs/a.md", "docs/guide/b.md", "docs/guide"].includes(path)
      )
    )

  it("lead to files, folders, headings and other sites", () => {
    const text = `# Own heading
[b](guide/b.md), [folder](guide/), [x](guide/b.md#how-it-works-x-y), [2](guide/b.md#twice-1),
[here](#own-heading), [site](https://example.org/no.md)`
    assert.deepStrictEqual(linksOf(text), [])
  })

  it("that lead nowhere are told with their line; code is no link", () => {
    const text = "[c](c.md)\n`[d](d.md)`\n```\n[e](e.md)\n```\n[n](guide/b.md#no-heading) [g](#gone)"
    assert.deepStrictEqual(linksOf(text), [
      "1 links to docs/c.md, which is not there",
      "6 links to #no-heading of docs/guide/b.md, which has no such heading",
      "6 links to #gone of docs/a.md, which has no such heading"
    ])
  })
})

describe("rows of the status page", () => {
  const faultsOf = (row: string) =>
    told(faultsInStatus({ path: "docs/status.md", text: row }, (path) => path === "test/a/One.test.ts"))

  it("name tests that are there, the second in the folder of the first", () => {
    assert.deepStrictEqual(faultsOf("| it | works | `test/a/One.test.ts` |"), [])
    assert.deepStrictEqual(faultsOf("| what | status | shown by, or what is missing |"), [])
    assert.deepStrictEqual(faultsOf("| it | no | nothing yet |"), [])
    assert.deepStrictEqual(faultsOf("| a \\| b | works | by hand, with `holon up` |"), [])
  })

  it("that name a test that is gone, or nothing, are told", () => {
    assert.deepStrictEqual(faultsOf("| it | works | `test/a/One.test.ts`, `Two.test.ts` |"), [
      "1 test/a/Two.test.ts is not there"
    ])
    assert.deepStrictEqual(faultsOf("| it | partly | `test/Gone.test.ts` |"), ["1 test/Gone.test.ts is not there"])
    assert.deepStrictEqual(faultsOf("| it | works | surely |"), ["1 names nothing that shows it"])
  })
})

describe("commands in a page", () => {
  const commands = commandsOf(`# The command
## holon

  --help, -h     Show help
## holon pattern

  holon pattern <subcommand>
## holon pattern add

  --url string   Address
  --since, -s    From when
## holon up

  --nodes integer
`)
  const faultsOf = (code: string) =>
    told(unknownCommands({ path: "docs/guide/a.md", text: `\`\`\`sh\n${code}\n\`\`\`\n` }, commands))

  it("exist with their flags; what is in quotes, behind a sign for a comment or another program's is none", () => {
    for (const code of [
      "npx holon pattern add hot.pattern --url http://x -s 1h --help",
      "npx holon pattern add 'pattern x { --no }' # holon gone --gone",
      "for name in a b; do npx holon pattern add $name; done",
      "npx holon up --nodes=2 &",
      "curl --fail localhost | holon pattern add -",
      "npx holon pattern add \\\n  --since 1h"
    ])
      assert.deepStrictEqual(faultsOf(code), [], code)
  })

  it("that do not exist, or have no such flag, are told", () => {
    assert.deepStrictEqual(faultsOf("npx holon pattern remove hot"), ["2 there is no holon pattern remove"])
    assert.deepStrictEqual(faultsOf("holon gone"), ["2 there is no holon gone"])
    assert.deepStrictEqual(faultsOf("cd x && npx holon up --node 2"), ["2 holon up has no --node"])
    assert.deepStrictEqual(faultsOf("npx holon pattern add \\\n  --until 1h"), ["2 holon pattern add has no --until"])
  })
})
