/** An intent in words, for people who choose between readings and for those who look at what would be done. */
import type { CapabilityName } from "./Capabilities.ts"
import type { Arguments, Intent, Selection, Targets } from "./Intent.ts"

const selectionInWords = ({ glob, id, kind, state, vsm, zone }: Selection): string => {
  if (id !== undefined) return [id, ...(zone === undefined ? [] : [`in ${zone}`])].join(" ")
  const noun = glob ?? (kind === undefined ? "all devices" : `all ${kind} boards`)
  return [
    noun,
    ...(zone === undefined ? [] : [`in ${zone}`]),
    ...(vsm === undefined ? [] : [`of VSM ${vsm}`]),
    ...(state === undefined ? [] : [`that are ${state}`])
  ].join(" ")
}

/** `all sim-heater boards in hall.line-2 except press-3`. */
export const targetsInWords = ({ except, of }: Targets): string => {
  const left = except.length === 0 ? "" : ` except ${except.map(selectionInWords).join(" and ")}`
  return `${of.map(selectionInWords).join(" and ")}${left}`
}

const amount = ({ unit, value }: Arguments): string => `${value}${unit === undefined ? "" : ` ${unit}`}`
const rest = (args: Arguments, names: ReadonlyArray<string>): string => {
  const said = Object.entries(args).filter(([name]) => !names.includes(name))
  return said.length === 0 ? "" : `, ${said.map(([name, value]) => `${name} ${value}`).join(", ")}`
}

/** By capability; `whom` are the devices. */
const phrases: Readonly<Record<CapabilityName, (args: Arguments, whom: string) => string>> = {
  "device.output.switch@1": ({ on, output }, whom) =>
    `turn ${on === true ? "on" : "off"} ${output === "on" ? "" : `the ${output} of `}${whom}`,
  "device.field.set@1": (args, whom) => `set ${args["field"]} of ${whom} to ${amount(args)}`,
  "device.field.change@1": ({ by, field, unit }, whom) =>
    `${Number(by) < 0 ? "lower" : "raise"} ${field} of ${whom} by ${amount({ value: Math.abs(Number(by)), ...(unit !== undefined && { unit }) })}`,
  "device.field.read@1": ({ field }, whom) => `tell ${field} of ${whom}`,
  "device.state.read@1": (_, whom) => `tell how ${whom} is`,
  "device.list.read@1": ({ count }, whom) => `${count === true ? "count" : "list"} ${whom}`,
  "device.command.invoke@1": (args, whom) => `have ${whom} do ${args["command"]}${rest(args, ["command"])}`,
  "device.zone.set@1": ({ zone }, whom) => `put ${whom} into zone ${zone}`,
  "device.board.retire@1": (_, whom) => `turn away for ever ${whom}`,
  "device.program.list@1": (_, whom) => `list programs on ${whom}`,
  "program.run.control@1": ({ act, program }, whom) => `${act} program ${program} on ${whom}`,
  "program.state.read@1": ({ program }, whom) => `tell how program ${program} is on ${whom}`,
  "program.value.set@1": ({ name, program, value }, whom) => `set ${name} of program ${program} on ${whom} to ${value}`,
  "program.value.read@1": ({ name, program }, whom) => `tell ${name} of program ${program} on ${whom}`,
  "program.image.install@1": ({ image, version }, whom) => `install ${image} ${version} on ${whom}`,
  "rollout.run.start@1": (args, whom) =>
    `roll out ${args["image"]} ${args["version"]} to ${whom}${rest(args, ["image", "version"])}`,
  "rollout.run.control@1": ({ act, rollout }) => `${act} rollout ${rollout}`,
  "rollout.state.read@1": ({ rollout }) => `tell how far rollout ${rollout} is`,
  "rollout.list.read@1": () => "list rollouts",
  "vsm.child.spawn@1": (args) => `spawn VSM ${args["child"]} under ${args["parent"]}${rest(args, ["child", "parent"])}`,
  "vsm.unit.adopt@1": ({ from, vsm }, whom) =>
    `have VSM ${vsm} adopt ${whom}${from === undefined ? "" : ` from ${from}`}`,
  "vsm.self.retire@1": (args) => `retire VSM ${args["vsm"]}${rest(args, ["vsm"])}`,
  "vsm.self.quarantine@1": ({ reason, vsm }) => `quarantine VSM ${vsm}, because ${reason}`,
  "vsm.self.release@1": ({ vsm }) => `release VSM ${vsm} from quarantine`,
  "vsm.state.read@1": ({ vsm }) => `describe VSM ${vsm}`,
  "vsm.tree.read@1": () => "show the VSMs",
  "vsm.unit.list@1": ({ vsm }) => `list the units of VSM ${vsm}`
}

/** The intent as a sentence without its full stop. */
export const intentInWords = ({ args, capability, targets }: Pick<Intent, "args" | "capability" | "targets">): string =>
  phrases[capability](args, targets === undefined ? "" : targetsInWords(targets))
