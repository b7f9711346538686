/** Orders to VSMs as messages. */
import { Effect, Schema } from "effect"
import type { Plan, StepEnd } from "../../../protocol/intent/Plan.ts"
import { Budget } from "../../../protocol/vsm/Budget.ts"
import { TemplateName } from "../../../protocol/vsm/Spawn.ts"
import { VsmId } from "../../../protocol/vsm/VsmId.ts"
import { Zone } from "../../../protocol/Zone.ts"
import { actsOn, aim, planner } from "./Planner.ts"

/** How long a VSM that retires waits for its devices, ms. */
const deadlineMillis = 10_000

const toVsm = (
  id: string,
  words: { readonly title: string; readonly done: string; readonly unit?: string },
  message: string,
  payload: Schema.Json,
  end: StepEnd
): Plan => ({
  _tag: "Acts",
  title: words.title,
  noun: "1 VSM",
  done: words.done,
  steps: [{ unit: words.unit ?? id, kind: "vsm", id, message, payload, end }],
  spared: [],
  excepted: []
})

const prefix = "budget."

/** The budget that stands in arguments such as `budget.spawn`. */
const budgetOf = (args: Readonly<Record<string, unknown>>): Schema.Json =>
  Object.fromEntries(
    Object.entries(args).flatMap(([name, value]) =>
      name.startsWith(prefix) && typeof value === "number" ? [[name.slice(prefix.length), value]] : []
    )
  )

const { cpu_ms_s, energy_j, flash_kb, llm_tokens, mem_mb, msgs_s, actuations_min, spawn } = Budget.fields

/** A child for a VSM. */
export const spawning = planner(
  Schema.Struct({
    child: VsmId,
    parent: VsmId,
    zone: Schema.optionalKey(Zone),
    template: Schema.optionalKey(TemplateName),
    "budget.cpu_ms_s": cpu_ms_s,
    "budget.mem_mb": mem_mb,
    "budget.msgs_s": msgs_s,
    "budget.actuations_min": actuations_min,
    "budget.flash_kb": flash_kb,
    "budget.energy_j": energy_j,
    "budget.llm_tokens": llm_tokens,
    "budget.spawn": spawn
  }),
  ({ child, parent, template, zone, ...budget }) =>
    Effect.succeed(
      toVsm(
        parent,
        { title: `spawn ${child} under ${parent}`, done: `active, a child of ${parent}`, unit: child },
        "Spawn",
        {
          child,
          budget: budgetOf(budget),
          ...(zone !== undefined && { zone }),
          ...(template !== undefined && { template })
        },
        "spawn"
      )
    )
)

/** Devices for a VSM. */
export const adopting = planner(
  Schema.Struct({ vsm: VsmId, from: Schema.optionalKey(VsmId) }),
  ({ from, vsm }, targets, known) =>
    Effect.flatMap(aim(targets, known), (aimed) =>
      actsOn(aimed, known, { title: `have ${vsm} adopt`, done: `with ${vsm}` }, ({ id }) =>
        Effect.succeed({
          unit: id,
          kind: "vsm",
          id: vsm,
          message: "Adopt",
          payload: { unit: id, ...(from !== undefined && { from }) },
          end: "adoption" as const
        })
      )
    )
)

/** The end of a VSM. */
export const retiring = planner(
  Schema.Struct({ vsm: VsmId, mode: Schema.optionalKey(Schema.Literals(["drain", "now"])) }),
  ({ mode = "drain", vsm }) =>
    Effect.succeed(
      toVsm(vsm, { title: `retire ${vsm}`, done: "retired" }, "Retire", { mode, deadlineMillis }, "retirement")
    )
)

/** A VSM that neither spawns nor adopts. */
export const quarantining = planner(
  Schema.Struct({ vsm: VsmId, reason: Schema.String.check(Schema.isMaxLength(512)) }),
  ({ reason, vsm }) =>
    Effect.succeed(toVsm(vsm, { title: `quarantine ${vsm}`, done: "in quarantine" }, "Quarantine", { reason }, "reply"))
)

/** The end of a quarantine. */
export const releasing = planner(Schema.Struct({ vsm: VsmId }), ({ vsm }) =>
  Effect.succeed(toVsm(vsm, { title: `release ${vsm}`, done: "released" }, "Release", {}, "reply"))
)
