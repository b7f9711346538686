/** Ways of making, ending and asking after VSMs, and of giving them devices. */
import { anyDevice, meaningsAt, type Outcome, problem } from "./Meaning.ts"
import { type Mean, type Rule, rules, tell } from "./Rule.ts"

const spawning: Mean = (bound, vocabulary, { capability }): ReadonlyArray<Outcome> => {
  const { clauses, isRepeated, parent } = bound
  if (isRepeated === true) return []
  const zones = bound.zones ?? [undefined]
  if (zones.length > 1)
    return [
      problem(capability, "ambiguous", `Which zone: ${zones.join(", ")}?`, {
        suggestions: zones.flatMap((zone) => zone ?? []).slice(0, 3)
      })
    ]
  const [zone] = zones
  const child = bound.child ?? zone?.slice(zone.lastIndexOf(".") + 1)
  const missing = [...(child === undefined ? ["name"] : []), ...(parent === undefined ? ["parent"] : [])]
  if (child === undefined || parent === undefined) {
    const question = child === undefined ? "What is the new VSM called" : `Under which VSM shall ${child} stand`
    return [
      problem(
        capability,
        "missing",
        `${question}${missing.length > 1 ? ", and under which one shall it stand" : ""}?`,
        { missing }
      )
    ]
  }
  if (vocabulary.vsms.of(child).includes(child))
    return [problem(capability, "taken", `There is a VSM ${child} already. What shall the new one be called?`)]
  const doubts = bound.child === undefined ? [`it is called ${child}, as its zone is`] : []
  return [{ capability, args: { child, parent, ...(zone !== undefined && { zone }), ...clauses }, doubts }]
}

const adopting: Mean = (bound, vocabulary, { capability }) => {
  const { from, vsm } = bound
  if (vsm === undefined) return []
  if (vsm === from) return [problem(capability, "strange", `${vsm} has them already. Which VSM shall adopt them?`)]
  const args = { vsm, ...(from !== undefined && { from }) }
  return meaningsAt(bound, { ...anyDevice, capability }, args, vocabulary)
}

const ofOne: Mean = ({ reason, vsm }, _vocabulary, { args, capability }) =>
  vsm === undefined ? [] : [{ capability, args: { vsm, ...args, ...(reason !== undefined && { reason }) }, doubts: [] }]

/** The root stands above all: it can be asked after, and not ended. */
const ofOneBelow: Mean = (bound, vocabulary, rule) =>
  bound.vsm === "root"
    ? [problem(rule.capability, "inapplicable", "The root stands for as long as the cluster does. Which VSM below it?")]
    : ofOne(bound, vocabulary, rule)

const plain: Mean = (_bound, _vocabulary, { args, capability }) => [{ capability, args, doubts: [] }]

const make = "spawn|create|make|start|add|launch|found|set_up"
const noun = "vsm|child_vsm|child|viable_system|sub_vsm"
const why = "because|because_of|since|reason"
const retire = ["retire|wind_down|dissolve|close_down <vsm>", "shut_down|end|stop vsm <vsm>", "wind|close <vsm> down"]

/** All of them. */
export const vsmRules: ReadonlyArray<Rule> = [
  ...rules("vsm.child.spawn@1", spawning, [
    `${make} [new] ${noun} [<child>] [,] [<spawnclauses>]`,
    "spawn [new] <child> [,] <spawnclauses>",
    `${make} [new] ${noun} [<child>] of <parent> [,] [<spawnclauses>]`,
    `${make} [new] ${noun} <child> <spawnclauses>`
  ]),
  ...rules("vsm.unit.adopt@1", adopting, [
    "<vsm> should|shall|must|is_to adopt|take [over] <devices> [from <from>]",
    "let|have|make <vsm> adopt|take [over] <devices> [from <from>]",
    "adopt <devices> into|to|under|in|by|for|with <vsm> [from <from>]",
    "hand|give|assign|transfer|move [over] <devices> [over] to|into|under <vsm> [from <from>]",
    "hand|give|assign|transfer|move <devices> [over] from <from> to|into|under <vsm>"
  ]),
  ...rules("vsm.self.retire@1", ofOneBelow, retire),
  ...rules(
    "vsm.self.retire@1",
    ofOneBelow,
    retire.map((each) => `${each} now|right_now|immediately|at_once|without_waiting`),
    { mode: "now" }
  ),
  ...rules(
    "vsm.self.retire@1",
    ofOneBelow,
    retire.map((each) => `${each} gently|gracefully|slowly|by_draining|and_drain_it`),
    { mode: "drain" }
  ),
  ...rules("vsm.self.quarantine@1", ofOne, [
    `quarantine <vsm> ${why} [:] <reason>`,
    `put <vsm> in|into|under quarantine ${why} [:] <reason>`,
    `isolate vsm <vsm> ${why} [:] <reason>`,
    "quarantine <vsm> : <reason>"
  ]),
  ...rules("vsm.self.release@1", ofOne, [
    "release|free <vsm> [from quarantine]",
    "let|take <vsm> out of quarantine",
    "end|lift|stop quarantine of|on|for <vsm>",
    "end|lift <vsm> 's quarantine"
  ]),
  ...rules("vsm.tree.read@1", plain, [
    `[${tell}|draw] [vsm] tree [of [all] vsms]`,
    `[${tell}|list] [all] vsms`,
    "what|which vsms are there|active",
    "what|which vsms do we|you have",
    "what|which vsms exist"
  ]),
  ...rules("vsm.unit.list@1", ofOne, [
    `[${tell}|list] [all] units of|in|under <vsm>`,
    `[${tell}|list] <vsm> 's units`,
    "what|which units|devices|boards does <vsm> have|govern|hold|own",
    "what|which units|devices|boards belong|belongs to <vsm>",
    "what|which units|devices|boards are governed by <vsm>",
    "what|whom does <vsm> govern|hold|own"
  ]),
  ...rules("vsm.state.read@1", ofOne, [
    "show|show_me|describe|inspect|check <vsm>",
    "how is <vsm> [doing]",
    `[${tell}] status|state|budget|children|health|place of <vsm>`,
    `[${tell}] <vsm> 's status|state|budget|children|health`,
    "what budget does <vsm> have",
    "which|what children|vsms does <vsm> have",
    "is vsm <vsm> active|quarantined|retired|retiring|ok|well",
    "what is left of budget of <vsm>"
  ])
]
