/** A page in a real browser: Debian's Chromium without a window, with files that are served to it from loopback. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"

/** What a page can fetch, by its path. `/` is the page. */
export type Files = Readonly<Record<string, { readonly type: string; readonly text: string }>>

const serve = (files: Files, received: (body: string) => void) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
      const server = createServer((request, response) => {
        if (request.method === "POST") {
          const pieces: Array<Buffer> = []
          request.on("data", (piece: Buffer) => pieces.push(piece))
          request.on("end", () => {
            response.end()
            received(Buffer.concat(pieces).toString())
          })
          return
        }
        const file = files[request.url ?? ""]
        if (file === undefined) response.writeHead(404).end()
        else response.writeHead(200, { "content-type": file.type }).end(file.text)
      })
      server.listen(0, "127.0.0.1", () => {
        // Of a server that listens on a port the address is one with a port.
        const { port } = server.address() as AddressInfo
        const close = () => {
          server.closeAllConnections()
          server.close()
        }
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}/`, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

const browse = (url: string, ended: (why: string) => void) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const profile = mkdtempSync(join(tmpdir(), "holon-chromium-"))
      const options = [
        "--headless",
        // As root it has no sandbox; it loads nothing but the page.
        ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        // Without this it ends when the page is loaded.
        "--remote-debugging-port=0",
        `--user-data-dir=${profile}`
      ]
      // A group of its own, so that all its processes end with it.
      const child = spawn("chromium", [...options, url], { stdio: "ignore", detached: true })
      const closed = new Promise<void>((resolve) => {
        child.once("error", ({ message }) => {
          ended(message)
          resolve()
        })
        child.once("close", (code) => {
          ended(`exit code ${code}`)
          resolve()
        })
      })
      return { child, closed, profile }
    }),
    ({ child, closed, profile }) =>
      Effect.promise(async () => {
        if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL")
        await closed
        rmSync(profile, { recursive: true, force: true, maxRetries: 10 })
      })
  )

/** Opens the page and waits for what it posts first. Fails when the browser ends before. */
export const posted = Effect.fnUntraced(function* (files: Files) {
  let tell: (result: Effect.Effect<string, Error>) => void = () => {}
  const answer = new Promise<Effect.Effect<string, Error>>((resolve) => {
    tell = resolve
  })
  const { url } = yield* serve(files, (body) => tell(Effect.succeed(body)))
  yield* browse(url, (why) => tell(Effect.fail(new Error(`the browser ended: ${why}`))))
  return yield* yield* Effect.promise(() => answer)
})
