/** Ways of switching, setting, changing and reading fields of devices. */
import { asking, askingWhetherOn, changing, setting, switching } from "./FieldMeanings.ts"
import { of, type Rule, rules, tell } from "./Rule.ts"

const turn = "turn|switch|power|shut|flip"
const set = "set|change|adjust|put|bring"
const to = "to|at"
const up = "raise|increase"
const down = "lower|decrease|reduce"

/** A field of devices, the ways of saying that. */
const fieldOf = [`<field> ${of} <targets>`, "<targets> 's <field>", "<targets> <field>"]

const switches = (words: string, on: boolean): ReadonlyArray<Rule> =>
  rules("device.output.switch@1", switching, [`${words} <targets>`, ...fieldOf.map((each) => `${words} ${each}`)], {
    on
  })

const questions = [
  ...fieldOf.flatMap((each) => [`[${tell}] [current] ${each}`, `what|which ${each} is|are`]),
  `[${tell}] [current] <field> reading|level|value ${of} <targets>`,
  `[${tell}] <field> <targets>`,
  "what|which <field> is|are <targets> [at|in|on|set_to]",
  "what|which <field> does|do <targets> have|show|report|read|say",
  "how <ask> is|are [it] [at|in|on] <targets> [right_now]",
  "[tell_me] how <ask> <targets> is|are",
  "how many|much <field> has|have|did|does|do <targets> [done|made|do|make|have|use|draw]",
  "how high|low|big|large is|are <field> of|on|at|in <targets>",
  "how high|low is|are <targets> 's <field>"
]

/** All of them. */
export const fieldRules: ReadonlyArray<Rule> = [
  ...rules("device.output.switch@1", switching, [
    `${turn} <onoff> <targets>`,
    `${turn} <targets> <onoff>`,
    `${turn} <onoff> [all] <field> ${of} <targets>`,
    `${turn} [all] <field> ${of} <targets> <onoff>`,
    `${turn} [all] <field> <onoff> ${of} <targets>`,
    `${turn} <onoff> <targets> 's <field>`,
    `${turn} <targets> 's <field> <onoff>`,
    `${turn} <onoff> <targets> <field>`,
    `${turn} <targets> <field> <onoff>`,
    "<targets> <onoff>",
    `<field> <onoff> ${of} <targets>`,
    ...fieldOf.flatMap((each) => [`${each} <onoff>`, `set ${each} to <onoff>`]),
    "set|put <targets> to <onoff>",
    "<targets> [should|must] be [turned|switched|powered] <onoff>",
    "i want|need|would_like <targets> [to_be] [turned|switched|powered] <onoff>",
    ...fieldOf.map((each) => `i want|need|would_like ${each} [to_be] [turned|switched|powered] <onoff>`)
  ]),
  ...switches("power_down|shut_down|deactivate|disable|power_off", false),
  ...switches("power_up|fire_up|activate|enable|power_on", true),
  ...rules("device.field.set@1", setting, [
    ...fieldOf.flatMap((each) => [
      `${set} ${each} ${to} <quantity>`,
      `${each} to|= <quantity>`,
      `set|change|put|switch|turn ${each} to|into <word>`,
      `${each} = <word>`
    ]),
    `${set} <field> ${to} <quantity> ${of} <targets>`,
    `${set} <field> to <word> ${of} <targets>`,
    `${set}|get <targets> ${to} <quantity>`,
    "<targets> to <quantity>",
    "make <targets> <quantity>",
    "<verb> [up] <targets> [up] to <quantity>",
    "let|have|make <targets> <period> every <quantity>",
    "<period> <targets> every <quantity>",
    "put|switch|set|turn|change <targets> to|into|in|on <word> [<field>]"
  ]),
  ...rules("device.field.change@1", changing, [
    ...fieldOf.map((each) => `${up}|turn_up ${each} by <quantity>`),
    `${up} <field> by <quantity> ${of} <targets>`,
    `${up} <targets> by <quantity>`,
    "turn up <targets> by <quantity>",
    "turn <targets> up by <quantity>",
    "[make] <targets> <quantity> warmer|hotter|higher"
  ]),
  ...rules(
    "device.field.change@1",
    changing,
    [
      ...fieldOf.map((each) => `${down}|turn_down ${each} by <quantity>`),
      `${down} <field> by <quantity> ${of} <targets>`,
      `${down} <targets> by <quantity>`,
      "turn down <targets> by <quantity>",
      "turn <targets> down by <quantity>",
      "[make] <targets> <quantity> cooler|colder|lower"
    ],
    { sign: -1 }
  ),
  ...rules("device.field.read@1", asking, questions),
  ...rules("device.field.read@1", askingWhetherOn, [
    `is|are <field> ${of} <targets> [turned|switched] on|off|running`,
    "is|are <targets> 's <field> [turned|switched] on|off|running",
    "is|are <targets> <field> on|off|running",
    "is|are <targets> [turned|switched] on|off"
  ])
]
