/**
 * The channels of a VSM: between which of its systems something may travel, along which channel, and how much. Actors of a VSM
 * play these systems; what they tell each other is listed here by message.
 */

/** The systems, and what lies outside: boards, people, and what acts for them. */
export type System = "environment" | "operations" | "coordination" | "control" | "audit" | "intelligence" | "policy"

const everywhere: ReadonlyArray<System> = [
  "environment",
  "operations",
  "coordination",
  "control",
  "audit",
  "intelligence",
  "policy"
]
const inside = everywhere.filter((system) => system !== "environment")
const both = (one: System, other: System): ReadonlyArray<Direction> => [
  [one, other],
  [other, one]
]

/** From one system to another. */
export type Direction = readonly [from: System, to: System]

/** What a channel is for, which ways it goes, and messages a second of one VSM that it is meant for; absent without a bound. */
interface Purpose {
  readonly directions: ReadonlyArray<Direction>
  readonly perSecond?: number
}

/** Every channel that there is. Who is governed asks along the channel by which he is answered. */
export const channels = {
  command: {
    directions: [
      ["control", "operations"],
      ["policy", "control"],
      ["intelligence", "control"]
    ],
    perSecond: 200
  },
  coordination: {
    directions: [...both("coordination", "operations"), ["coordination", "coordination"]],
    perSecond: 500
  },
  bargain: { directions: both("operations", "control"), perSecond: 200 },
  audit: { directions: both("audit", "operations"), perSecond: 20 },
  operations: {
    directions: [["operations", "operations"], ...both("operations", "environment")],
    perSecond: 1000
  },
  intelligence: {
    directions: [...both("intelligence", "environment"), ...both("control", "intelligence")],
    perSecond: 100
  },
  policy: {
    directions: [...inside.map((to): Direction => ["policy", to]), ["control", "policy"]],
    perSecond: 50
  },
  algedonic: { directions: everywhere.map((from): Direction => [from, "policy"]) }
} as const satisfies Record<string, Purpose>
export type Channel = keyof typeof channels

/** The channels by their names. */
export const purposes: ReadonlyMap<string, Purpose> = new Map<string, Purpose>(Object.entries(channels))

/**
 * Which systems a kind of actor plays. A VSM is control to what is below it, a unit of operations to its parent, and the
 * identity, which is policy, to its own systems.
 */
export const systemsOf: ReadonlyMap<string, ReadonlyArray<System>> = new Map<string, ReadonlyArray<System>>([
  ["device", ["operations"]],
  ["dispatcher", ["operations"]],
  ["vsm", ["operations", "control", "policy"]],
  ["coordinator", ["coordination"]],
  ["auditor", ["audit"]],
  ["recursion", ["policy"]],
  ["policy", ["policy"]],
  ["immune", ["policy"]],
  ["algedonic", ["policy"]]
])

/** A message with the channel that it travels, and the kinds that may tell it. */
interface Legal {
  readonly channel: Channel
  /** Absent for everybody: pain is let in from wherever it comes. */
  readonly from?: ReadonlyArray<string>
}

const command = { channel: "command", from: ["vsm"] } as const
const bargain = { channel: "bargain", from: ["vsm"] } as const
const registration = { channel: "bargain", from: ["device"] } as const
const permission = { channel: "policy", from: ["recursion"] } as const
const request = { channel: "policy", from: ["vsm"] } as const
/** Only the runtime asks for it: no actor tells it. */
const untold = { channel: "policy", from: [] } as const
const signal = { channel: "algedonic", from: ["algedonic"] } as const

/** By the kind of who is told, its messages. What is not listed of these kinds goes the way that their systems leave open. */
export const legal = {
  vsm: {
    Start: command,
    Activate: command,
    Undo: command,
    Relieve: command,
    Reseat: command,
    Seated: command,
    Retire: command,
    Quarantine: { channel: "policy", from: ["recursion", "immune"] },
    Announced: bargain,
    Declined: bargain,
    Undone: bargain,
    ChildRetiring: bargain,
    ChildRetired: bargain,
    TakeUnits: bargain,
    TakeChild: bargain,
    ChildGone: bargain,
    Below: bargain,
    Permitted: permission,
    Denied: permission,
    Admitted: permission,
    RegisterUnit: registration,
    RemoveUnit: registration,
    AdoptionRefused: registration,
    Hurts: signal,
    Found: untold,
    Escalate: untold
  },
  recursion: {
    CheckSpawn: request,
    Commit: request,
    Failed: request,
    Released: request,
    Moved: request,
    Configure: untold,
    ReportLoad: untold,
    NoteViolation: untold
  },
  algedonic: {
    Placed: { channel: "policy", from: ["vsm"] },
    Feel: { channel: "algedonic" },
    Tend: { channel: "algedonic", from: ["vsm", "immune"] },
    Climb: signal,
    Acked: signal,
    Resolved: signal
  },
  device: {
    AssignUnit: command,
    RaiseFence: { channel: "coordination", from: ["coordinator"] }
  }
} as const satisfies Record<string, Record<string, Legal>>

type Table = typeof legal

/** The messages that a kind may tell another one, by the table: what is not in it does not compile. */
export type Told<From extends string, To extends keyof Table> = {
  readonly [Tag in keyof Table[To]]: Table[To][Tag] extends { readonly from: infer Kinds extends ReadonlyArray<string> }
    ? From extends Kinds[number]
      ? Tag
      : never
    : Tag
}[keyof Table[To]]

const table: ReadonlyMap<string, ReadonlyMap<string, Legal>> = new Map(
  Object.entries(legal).map(([kind, messages]) => [kind, new Map<string, Legal>(Object.entries(messages))])
)

const between = (from: string, to: string): Channel | undefined => {
  const senders = systemsOf.get(from) ?? ["environment"]
  const receivers = systemsOf.get(to) ?? ["environment"]
  for (const [name, { directions }] of purposes)
    if (name !== "algedonic" && isChannel(name))
      for (const [sender, receiver] of directions)
        if (senders.includes(sender) && receivers.includes(receiver)) return name
  return undefined
}

const isChannel = (name: string): name is Channel => purposes.has(name)

/**
 * The channel that a tell travels; nothing where there is none for it. What people may send, a pattern may tell for them. A
 * device hears of more than its VSM: of sessions, programs, rollouts.
 */
export const channelOf = (
  from: string,
  to: string,
  message: { readonly tag: string; readonly isForPeople: boolean }
): Channel | undefined => {
  const entry = table.get(to)?.get(message.tag)
  const isOutside = !systemsOf.has(from)
  if (entry !== undefined && (entry.from === undefined || entry.from.includes(from))) return entry.channel
  if (isOutside && message.isForPeople) return "operations"
  if (entry !== undefined) return undefined
  return to === "device" || !systemsOf.has(to) ? "operations" : between(from, to)
}
