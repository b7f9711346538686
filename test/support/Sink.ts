/** A web server as webhooks meet them: it fails as it is told to, and counts what it was told once for each idempotency key. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { Effect } from "effect"
import { listening } from "./Ports.ts"

/** What it does with a request: a status, no answer at all, or the word is taken and the connection cut before the answer. */
export type Mood = number | "silent" | "cut"

/** What it has taken, in order. */
export interface Taken {
  readonly id: string
  readonly body: unknown
}

export class Sink {
  port = 0
  /** What it took, each once. */
  readonly taken: Array<Taken> = []
  /** Requests that came, by idempotency key. */
  readonly tries = new Map<string, number>()
  /** Headers of the last request of each key. */
  readonly headers = new Map<string, IncomingMessage["headers"]>()
  /** What it does with the nth request (from 1) of this key. */
  mood: (id: string, tries: number) => Mood = () => 200
  readonly #known = new Set<string>()
  #server: Server | undefined

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`
  }

  /** Listens: on a free port the first time, then on the same one. */
  async up(): Promise<void> {
    const server = createServer((request, response) => this.#serve(request, response))
    this.#server = server
    if (this.port === 0) this.port = await listening(server)
    else await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve))
  }

  /** Nobody answers there any more. */
  async down(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    server?.closeAllConnections()
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())))
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const id = String(request.headers["idempotency-key"])
    let text = ""
    request.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk
    })
    request.on("end", () => {
      const tries = (this.tries.get(id) ?? 0) + 1
      this.tries.set(id, tries)
      this.headers.set(id, request.headers)
      const mood = this.mood(id, tries)
      if (mood === "silent") return
      if ((mood === "cut" || (mood >= 200 && mood < 300)) && !this.#known.has(id)) {
        this.#known.add(id)
        this.taken.push({ id, body: JSON.parse(text) })
      }
      if (mood === "cut") request.socket.destroy()
      else response.writeHead(mood).end("thank you")
    })
  }
}

/** A server that is gone with the scope. */
export const sink = Effect.acquireRelease(
  Effect.promise(async () => {
    const made = new Sink()
    await made.up()
    return made
  }),
  (made) => Effect.promise(() => made.down())
)
