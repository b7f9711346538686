/** Drives members that are processes of their own. */
import { type ChildProcess, fork } from "node:child_process"
import { Data } from "effect"
import { freePort } from "../../support/Ports.ts"

/** What a member is started with. */
export interface Entry {
  readonly url: string
  readonly port: number
  readonly relayPort: number
  readonly shardsPerGroup: number
  /** Ports of other nodes, runner and relay. */
  readonly peers: ReadonlyArray<number>
}

/** What a member is told; each is answered with a report. */
export type Command = Data.TaggedEnum<{
  Report: Record<never, never>
  /** Asks all probes again and again. */
  Load: { readonly isOn: boolean }
  /** Stops, or lets go on, all that this node dials to these ports. */
  Cut: { readonly ports: ReadonlyArray<number>; readonly isCut: boolean }
  /** Over the relay. */
  Send: { readonly node: string; readonly texts: ReadonlyArray<string> }
}>
export const Command = Data.taggedEnum<Command>()

/** How a member sees itself. */
export interface Report {
  readonly node: string
  readonly pid: number
  readonly isFresh: boolean
  readonly isReady: boolean
  /** What it may act for. */
  readonly shards: ReadonlyArray<number>
  /** Lock sessions that died. */
  readonly lost: number
  /** Longest time its event loop stood still, if above a second. */
  readonly longestGap: number
  /** Whether the lease was fresh in the first turn after such a gap. */
  readonly freshAfterGap: boolean
  /** Longest time an actor was asked in vain, under load. */
  readonly longestSilence: number
  /** Process ids that answered last, one for each actor asked. */
  readonly owners: ReadonlyArray<number>
  readonly received: ReadonlyArray<string>
  readonly broken: ReadonlyArray<{ readonly node: string; readonly agoMillis: number }>
  readonly unreachable: ReadonlyArray<string>
}

/** A member. */
export class NodeProcess {
  readonly entry: Entry
  private readonly child: ChildProcess

  private constructor(entry: Entry, child: ChildProcess) {
    this.entry = entry
    this.child = child
  }

  /** Ports are chosen first, so that every node can be told all of them. */
  static async entries(url: string, count: number, shardsPerGroup = 64): Promise<ReadonlyArray<Entry>> {
    const ports: Array<number> = []
    for (let index = 0; index < 2 * count; index++) ports.push(await freePort())
    return Array.from({ length: count }, (_, index) => {
      const [port = 0, relayPort = 0] = ports.slice(2 * index, 2 * index + 2)
      return {
        url,
        port,
        relayPort,
        shardsPerGroup,
        peers: ports.filter((peer) => peer !== port && peer !== relayPort)
      }
    })
  }

  /** Resolves when the node is a member. */
  static async start(entry: Entry): Promise<NodeProcess> {
    const child = fork(new URL("./node-entry.ts", import.meta.url), [JSON.stringify(entry)], {
      execArgv: [],
      stdio: ["ignore", process.env.HOLON_TEST_LOG ? "inherit" : "ignore", "inherit", "ipc"]
    })
    const node = new NodeProcess(entry, child)
    await node.answer()
    return node
  }

  private answer(): Promise<Report> {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error("the node has ended"))
      this.child.once("exit", ended)
      this.child.once("message", (report: Report) => {
        this.child.off("exit", ended)
        resolve(report)
      })
    })
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** One command at a time. */
  tell(command: Command): Promise<Report> {
    const answer = this.answer()
    this.child.send(command)
    return answer
  }

  report(): Promise<Report> {
    return this.tell(Command.Report())
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  /** Resolves when the process is gone. */
  async end(name: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const gone = new Promise((resolve) => this.child.once("exit", resolve))
    this.child.kill(name)
    if (name === "SIGKILL") this.child.kill("SIGCONT")
    await gone
  }
}

/** Asks again until it holds; the test's own limit ends the wait. */
export const until = async <A>(ask: () => Promise<A>, holds: (value: A) => boolean): Promise<A> => {
  while (true) {
    const value = await ask()
    if (holds(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
