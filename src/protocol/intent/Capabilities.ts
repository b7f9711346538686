/** What utterances can ask for, and which right each of it needs. */

interface Ability {
  /** The right of the message that does it. */
  readonly right: string
  readonly effect: "reads" | "actuates"
}

const reads = (right: string): Ability => ({ right, effect: "reads" })
const acts = (right: string): Ability => ({ right, effect: "actuates" })

/** All capabilities by name, `domain.noun.verb@major`. */
export const capabilities = {
  "device.output.switch@1": acts("device.set"),
  "device.field.set@1": acts("device.set"),
  "device.field.change@1": acts("device.set"),
  "device.field.read@1": reads("device.read"),
  "device.state.read@1": reads("device.read"),
  "device.list.read@1": reads("device.read"),
  "device.command.invoke@1": acts("device.invoke"),
  "device.zone.set@1": acts("device.zone"),
  "device.board.retire@1": acts("device.retire"),
  "device.program.list@1": reads("device.read"),
  "program.run.control@1": acts("program.control"),
  "program.state.read@1": reads("program.read"),
  "program.value.set@1": acts("program.set"),
  "program.value.read@1": reads("program.read"),
  "program.image.install@1": acts("session.provision"),
  "rollout.run.start@1": acts("rollout.start"),
  "rollout.run.control@1": acts("rollout.control"),
  "rollout.state.read@1": reads("rollout.read"),
  "rollout.list.read@1": reads("rollout.read"),
  "vsm.child.spawn@1": acts("vsm.spawn"),
  "vsm.unit.adopt@1": acts("vsm.adopt"),
  "vsm.self.retire@1": acts("vsm.retire"),
  "vsm.self.quarantine@1": acts("vsm.quarantine"),
  "vsm.self.release@1": acts("vsm.quarantine"),
  "vsm.state.read@1": reads("vsm.read"),
  "vsm.tree.read@1": reads("vsm.read"),
  "vsm.unit.list@1": reads("vsm.read")
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
