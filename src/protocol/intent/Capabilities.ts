/** What utterances can ask for, and which right each of it needs. */

interface Ability {
  /** The right of the message that does it. */
  readonly right: string
  readonly effect: "reads" | "actuates"
  /** What it does, for people who choose between two readings. */
  readonly title: string
}

const reads = (right: string, title: string): Ability => ({ right, effect: "reads", title })
const acts = (right: string, title: string): Ability => ({ right, effect: "actuates", title })

/** All capabilities by name, `domain.noun.verb@major`. */
export const capabilities = {
  "device.output.switch@1": acts("device.set", "switch an output"),
  "device.field.set@1": acts("device.set", "set a field"),
  "device.field.change@1": acts("device.set", "change a field by an amount"),
  "device.field.read@1": reads("device.read", "read a field"),
  "device.state.read@1": reads("device.read", "tell how a device is"),
  "device.list.read@1": reads("device.read", "list devices"),
  "device.command.invoke@1": acts("device.invoke", "give a command"),
  "device.zone.set@1": acts("device.zone", "put a device into a zone"),
  "device.board.retire@1": acts("device.retire", "turn a board away for ever"),
  "device.program.list@1": reads("device.read", "list the programs of a board"),
  "program.run.control@1": acts("program.control", "control a program"),
  "program.state.read@1": reads("program.read", "tell how a program is"),
  "program.value.set@1": acts("program.set", "set a value of a program"),
  "program.value.read@1": reads("program.read", "read a value of a program"),
  "program.image.install@1": acts("session.provision", "install an image"),
  "rollout.run.start@1": acts("rollout.start", "start a rollout"),
  "rollout.run.control@1": acts("rollout.control", "control a rollout"),
  "rollout.state.read@1": reads("rollout.read", "tell how far a rollout is"),
  "rollout.list.read@1": reads("rollout.read", "list rollouts"),
  "vsm.child.spawn@1": acts("vsm.spawn", "spawn a VSM"),
  "vsm.unit.adopt@1": acts("vsm.adopt", "have a VSM adopt devices"),
  "vsm.self.retire@1": acts("vsm.retire", "retire a VSM"),
  "vsm.self.quarantine@1": acts("vsm.quarantine", "put a VSM into quarantine"),
  "vsm.self.release@1": acts("vsm.quarantine", "end the quarantine of a VSM"),
  "vsm.state.read@1": reads("vsm.read", "describe a VSM"),
  "vsm.tree.read@1": reads("vsm.read", "show the tree of VSMs"),
  "vsm.unit.list@1": reads("vsm.read", "list the units of a VSM")
} as const satisfies Readonly<Record<string, Ability>>

export type CapabilityName = keyof typeof capabilities

/** Whether text names a capability. */
export const isCapability = (name: string): name is CapabilityName => Object.hasOwn(capabilities, name)

/** The names of all capabilities. */
export const capabilityNames = Object.keys(capabilities).filter(isCapability)

/** The right that an intent needs. To open a wave that waits for approval is a right of its own. */
export const rightOf = (capability: CapabilityName, args: Readonly<Record<string, unknown>>): string =>
  capability === "rollout.run.control@1" && args["act"] === "approve"
    ? "rollout.approve"
    : capabilities[capability].right
