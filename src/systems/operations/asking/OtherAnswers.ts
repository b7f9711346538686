/** Answers about programs, rollouts and VSMs, from what is stored of them. */
import { Effect, Schema } from "effect"
import { NotFound } from "../../../protocol/Errors.ts"
import { some } from "../../../protocol/intent/Meaning.ts"
import { ProgramView, programId } from "../../../protocol/Program.ts"
import { RolloutSummary } from "../../../protocol/Rollout.ts"
import { VsmView } from "../../../protocol/vsm/VsmState.ts"
import { answer } from "./DeviceAnswers.ts"
import { aim, type Known, NoArguments, planner } from "./Planner.ts"

const isProgram = Schema.is(ProgramView)
const isRollout = Schema.is(RolloutSummary)
const isVsm = Schema.is(VsmView)

/** How a program is on each board. */
export const readingProgram = planner(Schema.Struct({ program: Schema.String }), ({ program }, targets, known) =>
  Effect.gen(function* () {
    const { devices } = yield* aim(targets, known)
    const ids = devices.map(({ id }) => programId(id, program))
    const found = yield* known.look("program", ids, ["GetProgram"])
    const rows = devices.map(({ id }) => {
      const [view] = found.get(programId(id, program)) ?? []
      if (!isProgram(view)) return { device: id, program, state: "absent" }
      const { detail, restarts, state, version } = view.report
      return {
        device: id,
        program,
        state,
        ...(version !== undefined && { version }),
        ...(restarts !== undefined && { restarts }),
        ...(detail !== undefined && { detail })
      }
    })
    const [first, ...others] = rows
    if (first !== undefined && others.length === 0)
      return answer(`${program} on ${first.device} is ${first.state}`, rows)
    const counts = [...new Set(rows.map(({ state }) => state))].map(
      (state) => `${rows.filter((row) => row.state === state).length} ${state}`
    )
    return answer(`${program} on ${rows.length} devices: ${counts.join(", ")}`, rows)
  })
)

const rolloutsOf = (ids: ReadonlyArray<string>, { look }: Known) =>
  Effect.map(look("rollout", ids, ["GetRollout"]), (found) =>
    ids.flatMap((id) => {
      const [view] = found.get(id) ?? []
      return isRollout(view) ? [{ id, view }] : []
    })
  )

const rolloutRow = (
  { id, view }: { readonly id: string; readonly view: RolloutSummary },
  image: string | undefined
) => ({
  rollout: id,
  state: view.state,
  ...(image !== undefined && { image }),
  wave: view.wave + 1,
  waves: view.waves,
  good: view.counts["good"] ?? 0,
  failed: view.counts["failed"] ?? 0,
  away: view.counts["away"] ?? 0,
  total: view.total,
  ...(view.reason !== undefined && { reason: view.reason })
})

const imageOf = (id: string, { vocabulary }: Known): string | undefined =>
  vocabulary.fleet.rollouts.find((each) => each.id === id)?.image

/** How far a rollout is. */
export const readingRollout = planner(Schema.Struct({ rollout: Schema.String }), ({ rollout: id }, _, known) =>
  Effect.gen(function* () {
    const [found] = yield* rolloutsOf([id], known)
    if (found === undefined) return yield* new NotFound({ what: `rollout ${id}` })
    const row = rolloutRow(found, imageOf(id, known))
    const why = row.reason === undefined ? "" : `, ${row.reason}`
    const sentence = `rollout ${id} is ${row.state}${why}: wave ${row.wave} of ${row.waves}, ${row.good} of ${row.total} boards good`
    return answer(sentence, [row])
  })
)

/** Rollouts that have not ended. */
export const listingRollouts = planner(NoArguments, (_, __, known) =>
  Effect.map(
    rolloutsOf(
      known.vocabulary.fleet.rollouts.map(({ id }) => id),
      known
    ),
    (found) => {
      const rows = found.map((each) => rolloutRow(each, imageOf(each.id, known)))
      const some = rows.length === 1 ? "1 rollout is" : `${rows.length} rollouts are`
      return answer(rows.length === 0 ? "no rollout is under way" : `${some} under way`, rows)
    }
  )
)

const vsmsOf = (ids: ReadonlyArray<string>, { look }: Known) =>
  Effect.map(look("vsm", ids, ["Describe"]), (found) =>
    ids.flatMap((id) => {
      const [view] = found.get(id) ?? []
      return isVsm(view) ? [view] : []
    })
  )

const vsmRow = ({ children, depth, id, parent, status, units, zone }: VsmView) => ({
  vsm: id,
  ...(parent !== undefined && { parent }),
  depth,
  status,
  ...(zone !== undefined && { zone }),
  children: children.length,
  units
})

const several = (count: number, one: string, many = `${one}s`): string =>
  count === 1 ? `1 ${one}` : `${count} ${many}`

/** How a VSM is. */
export const readingVsm = planner(Schema.Struct({ vsm: Schema.String }), ({ vsm: id }, _, known) =>
  Effect.gen(function* () {
    const [view] = yield* vsmsOf([id], known)
    if (view === undefined) return yield* new NotFound({ what: `vsm ${id}` })
    const { children, depth, left, parent, reason, status, units } = view
    const why = reason === undefined ? "" : `, ${reason}`
    const where = parent === undefined ? "at the top" : `below ${parent}, ${several(depth, "step")} deep`
    const spawns = left["spawn"] === undefined ? "" : `; ${several(left["spawn"], "VSM")} may still be spawned below it`
    const has = `${several(children.length, "child", "children")}, ${several(units, "device")}`
    return answer(`${id} is ${status}${why}, ${where}: ${has}${spawns}`, [{ ...vsmRow(view), left }])
  })
)

/** All VSMs, each behind the one above it. */
export const readingTree = planner(NoArguments, (_, __, known) =>
  Effect.map(
    vsmsOf(
      known.vocabulary.fleet.vsms.map(({ id }) => id),
      known
    ),
    (views) => {
      const inOrder = views.toSorted((left, right) => (left.path.join("/") < right.path.join("/") ? -1 : 1))
      return answer(`${several(views.length, "VSM")}: ${some(inOrder.map(({ id }) => id))}`, inOrder.map(vsmRow))
    }
  )
)

/** What a VSM governs itself: devices, and VSMs below it. */
export const listingUnits = planner(Schema.Struct({ vsm: Schema.String }), ({ vsm }, _, { vocabulary }) =>
  Effect.gen(function* () {
    const { devices, vsms } = vocabulary.fleet
    if (!vsms.some(({ id }) => id === vsm)) return yield* new NotFound({ what: `vsm ${vsm}` })
    const children = vsms.flatMap(({ id, parent }) => (parent === vsm ? [{ unit: id, kind: "vsm", state: "" }] : []))
    const own = devices.flatMap(({ id, state = "never", vsm: holder }) =>
      holder === vsm ? [{ unit: id, kind: "device", state }] : []
    )
    const has = `${several(children.length, "child", "children")}, ${several(own.length, "device")}`
    return answer(`${vsm} has ${has}`, [...children, ...own])
  })
)
