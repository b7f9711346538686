/** Ways of asking after devices, giving them commands, and putting them elsewhere. */

import { anyDevice, isNamedOnly, meaningsAt, problem } from "./Meaning.ts"
import { inUnit } from "./Measures.ts"
import { type Mean, of, type Rule, rules, tell } from "./Rule.ts"

const stating: Mean = (bound, vocabulary, { capability }) =>
  meaningsAt(bound, { ...anyDevice, capability }, {}, vocabulary)
/** The same of devices that were named one by one: "show the heaters" wants a list. */
const statingNamed: Mean = (bound, vocabulary, rule) => (isNamedOnly(bound) ? stating(bound, vocabulary, rule) : [])

/** What cannot be taken back is done to boards that were named one by one. */
const retiring: Mean = (bound, vocabulary, rule) =>
  isNamedOnly(bound)
    ? stating(bound, vocabulary, rule)
    : [
        problem(rule.capability, "missing", "Boards that are turned away for ever must be named. Which ones?", {
          missing: ["targets"]
        })
      ]

const everyDevice = { of: [[{ choices: [{}], isOne: false }]], except: [] }

const listing: Mean = (bound, vocabulary, { args, capability }) => {
  if (bound.targets !== undefined && isNamedOnly(bound)) return []
  const narrow = (bound.narrow ?? [{}]).map((place) => ({
    ...place,
    ...(bound.state !== undefined && { state: bound.state })
  }))
  const targets = bound.targets ?? everyDevice
  // An empty list is an answer.
  const found = meaningsAt(
    { ...bound, targets, narrow },
    { ...anyDevice, capability, isPlural: true },
    args,
    vocabulary
  )
  const [first] = found
  if (first === undefined || !("problem" in first) || first.problem !== "nothing") return found
  const [noun] = targets.of[0] ?? []
  const isPlain = targets.of.length === 1 && targets.of[0]?.length === 1 && targets.except.length === 0
  const [selection] = noun?.choices ?? []
  if (!isPlain || selection === undefined || bound.except !== undefined) return found
  return [{ capability, targets: { of: [{ ...selection, ...narrow[0] }], except: [] }, args, doubts: [] }]
}

const invoking: Mean = (bound, vocabulary, { capability }) => {
  const { command, quantity } = bound
  if (command === undefined) return []
  const { argument, name, profiles } = command
  const wanted = {
    capability,
    applies: ({ profile }: { readonly profile?: string }) =>
      profiles === undefined || (profile !== undefined && profiles.includes(profile)),
    lack: `command ${name}`
  }
  if (argument === undefined)
    return quantity === undefined ? meaningsAt(bound, wanted, { command: name }, vocabulary) : []
  if (quantity === undefined || (quantity.unit === undefined && argument.unit !== undefined))
    return [problem(capability, "missing", `${name} takes ${argument.name}. How much?`, { missing: [argument.name] })]
  const value = inUnit(quantity, argument.unit)
  if (value === undefined || value < 0)
    return [problem(capability, "unit", `${name} takes ${argument.name} in ${argument.unit ?? "no unit"}. How much?`)]
  return meaningsAt(bound, wanted, { command: name, [argument.name]: value }, vocabulary)
}

const zoning: Mean = (bound, vocabulary, { capability }) =>
  (bound.zones ?? []).flatMap((zone) => meaningsAt(bound, { ...anyDevice, capability }, { zone }, vocabulary))

const seen = "last_seen|last_heard|last_heard_of|last_there"

/** All of them. */
export const deviceRules: ReadonlyArray<Rule> = [
  ...rules("device.state.read@1", stating, [
    `[${tell}] status|state|health|connection ${of} <targets>`,
    `[${tell}] <targets> 's status|state|health|connection`,
    `[${tell}] <targets> status|state`,
    "status|state <targets>",
    "how is|are <targets> [doing]",
    "what is up with <targets>",
    "what is|are <targets> doing",
    "is|are <targets> [still] <state>",
    "is|are <targets> [still] up|alive|there|reachable|running|ok|okay|well|down",
    `when was|were <targets> ${seen}`,
    "when did you|we last hear from|of <targets>",
    "when did you|we last see <targets>",
    "when did <targets> last report"
  ]),
  ...rules("device.state.read@1", statingNamed, ["show|show_me|describe|inspect|check|check_on <devices>"]),
  ...rules("device.list.read@1", listing, [
    "list|show|show_me|enumerate|display|give_me|find [list_of] <targets>",
    "list|show|show_me|display|give_me|find [all] <state> <targets>",
    "what|which <targets> is|are [there] [<state>]",
    "what|which <devices> is|are [there] <narrow>",
    "what|which <devices> is|are [there] <state> <narrow>",
    "what|which <targets> do we|you have [<narrow>]",
    "what|which <devices> do we|you have <narrow>",
    "is|are [there] any <targets> <state>",
    "is|are [there] any <state> <targets>",
    "[is] anything|anyone <state> [<narrow>]",
    "who|what is <state> [<narrow>]",
    "what is in|on <targets>",
    "what <targets>"
  ]),
  ...rules(
    "device.list.read@1",
    listing,
    [
      "how many <targets> [is|are] [there] [<state>]",
      "how many <devices> [is|are] [there] <narrow>",
      "how many <targets> do we|you have [<narrow>]",
      "[tell_me|give_me|what_is] count|number of <targets>",
      "count <targets>"
    ],
    { count: true }
  ),
  ...rules("device.command.invoke@1", invoking, [
    "<command> [once] <targets>",
    "<command> once with|on|at <targets>",
    "<command> <targets> for <quantity>",
    "<command> with|on <targets>",
    "run|execute|invoke|do|send|issue <command> on|at|to <targets>",
    "send|give [command] <command> [command] to <targets>",
    "give <targets> <command>",
    "let|have|make <targets> <command> [for <quantity>]",
    "tell|ask|order <targets> to <command> [for <quantity>]",
    "send|put <targets> to <command> [for <quantity>]"
  ]),
  ...rules("device.zone.set@1", zoning, [
    "move|put|place|assign|relocate|transfer <devices> to|into|in <zone>",
    "set|change zone of|for <devices> to <zone>",
    "set|change <devices> 's zone to <zone>",
    "set|change <devices> zone to <zone>",
    "<devices> belongs|belong|goes|go in|into|to <zone>",
    "zone of <devices> = <zone>"
  ]),
  ...rules("device.board.retire@1", retiring, [
    "retire|decommission [device|board] <devices> [for_good|forever|permanently|for_ever]",
    "take <devices> out_of_service [for_good|forever|permanently|for_ever]",
    "turn <devices> away for_good|forever|for_ever"
  ]),
  ...rules("device.program.list@1", stating, [
    "what|which programs run|runs|are_running|are|are_there on|at|in <targets>",
    "what is running on|at|in <targets>",
    "what runs on|at|in <targets>",
    `[${tell}|list] [all] programs ${of} <targets>`,
    `[${tell}|list] <targets> 's programs`,
    "what|which programs does|do <targets> have|run|hold",
    "what does|do <targets> run"
  ])
]
