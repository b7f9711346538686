/** Ways of controlling programs, reading and setting their values, and installing images. */
import type { Bindings } from "./Bindings.ts"
import type { CapabilityName } from "./Capabilities.ts"
import type { ProgramWords } from "./FleetWords.ts"
import { anyDevice, isNamedOnly, meaningsAt, type Outcome, type Problem, problem } from "./Meaning.ts"
import { type Mean, of, type Rule, rules, tell } from "./Rule.ts"

const controlling: Mean = (bound, vocabulary, { args, capability }) =>
  (bound.programs ?? []).flatMap(({ name }) =>
    meaningsAt(bound, { ...anyDevice, capability }, { ...args, program: name }, vocabulary)
  )

const valued: Mean = (bound, vocabulary, { capability }) =>
  (bound.programs ?? []).flatMap(({ name, values }): ReadonlyArray<Outcome> => {
    const { quantity, value } = bound
    if (value === undefined) return []
    if (values?.includes(value) !== true) {
      const known = values?.slice(0, 3) ?? []
      return [problem(capability, "unknown", `${name} has no value ${value}. Which value?`, { suggestions: known })]
    }
    if (quantity?.unit !== undefined)
      return [problem(capability, "unit", `The values of ${name} are plain numbers. How much is ${value} to be?`)]
    const set = quantity === undefined ? {} : { value: quantity.value }
    return meaningsAt(bound, { ...anyDevice, capability }, { program: name, name: value, ...set }, vocabulary)
  })

/** Numbers of a version, to be compared; what stands behind a hyphen counts as older. */
const rank = (version: string): ReadonlyArray<number> => {
  const [numbers = "", ...pre] = version.split("+")[0]?.split("-") ?? []
  return [...numbers.split(".").map(Number), pre.length === 0 ? 1 : 0]
}
const isNewer = (left: string, right: string): boolean => {
  const [ours, theirs] = [rank(left), rank(right)]
  const at = ours.findIndex((number, index) => number !== theirs[index])
  return at >= 0 && (ours[at] ?? 0) > (theirs[at] ?? 0)
}

/** The version that is meant: whole, by its beginning, the newest, or the only one there is. */
export const versionOf = (
  capability: CapabilityName,
  { name, versions }: ProgramWords,
  said: string | undefined
): { readonly version: string; readonly doubts: ReadonlyArray<string> } | Problem => {
  const [first] = versions
  if (first === undefined) return problem(capability, "unknown", `There is no image of ${name}. Which program?`)
  if (said === "latest")
    return { version: versions.reduce((newest, each) => (isNewer(each, newest) ? each : newest)), doubts: [] }
  const suggestions = versions.slice(0, 3)
  if (said === undefined) {
    if (versions.length === 1) return { version: first, doubts: [`${first} is the only version of ${name}`] }
    return problem(capability, "missing", `Which version of ${name}: ${versions.join(", ")}?`, {
      missing: ["version"],
      suggestions
    })
  }
  const fit = versions.filter((each) => each === said || each.startsWith(`${said}.`))
  const [version] = fit.includes(said) ? [said] : fit
  if (version === undefined)
    return problem(capability, "unknown", `${name} has no version ${said}. Which one: ${versions.join(", ")}?`, {
      suggestions
    })
  return fit.length === 1 || version === said
    ? { version, doubts: [] }
    : problem(capability, "ambiguous", `Which version of ${name}: ${fit.join(", ")}?`, { suggestions: fit.slice(0, 3) })
}

const installing: Mean = (bound, vocabulary, { capability }) =>
  (bound.programs ?? []).flatMap((program) => {
    const found = versionOf(capability, program, bound.version)
    const args = { image: program.name, ...("version" in found && { version: found.version }) }
    return meaningsAt(bound, { ...anyDevice, capability }, args, vocabulary).map((outcome): Outcome => {
      if ("problem" in found) return found
      return "problem" in outcome ? outcome : { ...outcome, doubts: [...outcome.doubts, ...found.doubts] }
    })
  })

/** Words that bring an image to boards that were named, and begin a rollout where many are meant. */
const installingNamed: Mean = (bound, vocabulary, rule) =>
  isNamedOnly(bound) ? installing(bound, vocabulary, rule) : []

const on = "on|of|at|from|in|for"
const verbs: Readonly<Record<string, string>> = {
  start: "start|run|launch|begin|start_up",
  stop: "stop|halt|end|shut_down",
  pause: "pause|suspend|hold",
  resume: "resume|continue|unpause|go_on_with",
  kill: "kill",
  restart: "restart|start_again",
  remove: "remove|uninstall|delete|wipe"
}

const controls: ReadonlyArray<Rule> = Object.entries(verbs).flatMap(([act, words]) =>
  rules(
    "program.run.control@1",
    controlling,
    [
      `${words} [running] <program> ${on} <targets>`,
      `${words} <targets> 's <program>`,
      ...(act === "start"
        ? ["get <program> going|running|started on|at <targets>", "start <program> up on <targets>"]
        : []),
      ...(act === "remove" ? ["take <program> off <targets>", "get rid of <program> on <targets>"] : [])
    ],
    { act }
  )
)

const value = ["<value> of|in <program>", "<program> 's <value>", "<program> <value>"]

/** All of them. */
export const programRules: ReadonlyArray<Rule> = [
  ...controls,
  ...rules("program.state.read@1", controlling, [
    `is|are <program> [still] running|alive|up|ok|there|installed|well ${on} <targets>`,
    `how is|are <program> [doing] ${on} <targets>`,
    `[${tell}] status|state of <program> ${on} <targets>`,
    `[show|show_me|describe|check] <program> ${on} <targets>`,
    `does|do <targets> run|have <program>`
  ]),
  ...rules("program.value.set@1", valued, [
    ...value.map((each) => `set|change|put|adjust ${each} ${of} <targets> to|at <quantity>`),
    ...value.map((each) => `set|change|put|adjust ${each} to|at <quantity> ${of} <targets>`),
    `set|change|put|adjust <value> to|at <quantity> in|of|for <program> ${of} <targets>`
  ]),
  ...rules(
    "program.value.read@1",
    valued,
    value.map((each) => `[${tell}] [value_of] ${each} ${of} <targets>`)
  ),
  ...rules("program.image.install@1", installing, [
    "install|put|load|flash <image> on|onto|to|in|into|at <targets>",
    "flash|provision <targets> with <image>",
    "update|upgrade <targets> to <image>",
    `update|upgrade|bring <program> ${of} <targets> to <version>`,
    "update|upgrade <targets> 's <program> to <version>"
  ]),
  ...rules("program.image.install@1", installingNamed, ["deploy|bring|push|send <image> to|on|onto <targets>"])
]

/** The devices were named as a group, or what follows speaks of a rollout. */
export const isForMany = (bound: Bindings): boolean => !isNamedOnly(bound) || bound.clauses !== undefined
