/** Orders to programs and images on their way to boards, as messages. */
import { Effect, Schema } from "effect"
import { ProgramAct, ProgramName } from "../../../protocol/BoardRequest.ts"
import { Malformed, NotFound } from "../../../protocol/Errors.ts"
import { ProgramView, programId } from "../../../protocol/Program.ts"
import { RolloutRules, rolloutRulesDefault } from "../../../protocol/Rollout.ts"
import { type Aim, actsOn, aim, counted, type Known, planner } from "./Planner.ts"

const Name = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(64))
const isProgram = Schema.is(ProgramView)

/** How long a session lets its board be away, ms. */
const stallMillis = 60_000

/** Programs of this name that the boards have, by device. */
const programsOn = (aimed: Aim, program: string, { look }: Known) =>
  Effect.map(
    look(
      "program",
      aimed.devices.map(({ id }) => programId(id, program)),
      ["GetProgram"]
    ),
    (found) =>
      new Map(
        aimed.devices.flatMap(({ id }) => {
          const [view] = found.get(programId(id, program)) ?? []
          return isProgram(view) && view.report.state !== "absent" ? [[id, view] as const] : []
        })
      )
  )

/** An order to one program of each board. */
const toProgram = (
  aimed: Aim,
  known: Known,
  program: string,
  words: { readonly title: string; readonly done: string },
  message: string,
  payload: Schema.Json
) =>
  Effect.flatMap(programsOn(aimed, program, known), (there) =>
    actsOn(aimed, known, words, ({ id }) =>
      there.has(id)
        ? Effect.succeed({
            unit: id,
            kind: "program",
            id: programId(id, program),
            message,
            payload,
            end: "order" as const
          })
        : Effect.fail(new NotFound({ what: `program ${program} on ${id}` }))
    )
  )

const participles = {
  start: "started",
  stop: "stopped",
  pause: "paused",
  resume: "resumed",
  kill: "killed",
  restart: "restarted",
  remove: "removed"
} as const

/** Starts, stops, pauses and so on. */
export const controlling = planner(
  Schema.Struct({ program: ProgramName, act: ProgramAct }),
  ({ act, program }, targets, known) =>
    Effect.flatMap(aim(targets, known), (aimed) =>
      toProgram(
        aimed,
        known,
        program,
        { title: `${act} ${program} on`, done: `with ${program} ${participles[act]}` },
        "Control",
        {
          act
        }
      )
    )
)

/** Sets a value. */
export const settingValue = planner(
  Schema.Struct({ program: ProgramName, name: Name, value: Schema.Finite }),
  ({ name, program, value }, targets, known) =>
    Effect.flatMap(aim(targets, known), (aimed) => {
      const words = { title: `set ${name} of ${program} to ${value} on`, done: `with ${name} ${value}` }
      return toProgram(aimed, known, program, words, "SetValue", { id: name, value })
    })
)

/** Asks boards for a value: nobody else knows it now. */
export const readingValue = planner(
  Schema.Struct({ program: ProgramName, name: Name }),
  ({ name, program }, targets, known) =>
    Effect.flatMap(aim(targets, known), (aimed) => {
      const words = { title: `ask for ${name} of ${program} on`, done: `told ${name}` }
      return toProgram(aimed, known, program, words, "ReadValues", { ids: [name] })
    })
)

/** The hash of an image by its name and version. */
const imageOf = Effect.fnUntraced(function* (name: string, version: string, { images }: Known) {
  const found = (yield* images).filter((each) => each.name === name && each.version === version)
  const [first, ...others] = found
  if (first === undefined) return yield* new NotFound({ what: `image ${name}@${version}` })
  if (others.length === 0) return first.sha256
  // The same name and version for several kinds of boards: only a hash tells them apart.
  const reason = `${found.length} images are called ${name}@${version}; holon provision and holon rollout take a hash`
  return yield* new Malformed({ path: "args.image", reason })
})

const image = { image: Name, version: Name }

/** A session for each board. */
export const installing = planner(Schema.Struct(image), ({ image: name, version }, targets, known) =>
  Effect.gen(function* () {
    const sha256 = yield* imageOf(name, version, known)
    const aimed = yield* aim(targets, known)
    const words = { title: `install ${name} ${version} on`, done: `with ${name} ${version}` }
    const options = { autostart: true, persist: true, replace: true, stallMillis }
    return yield* actsOn(aimed, known, words, ({ id: device }) =>
      Effect.map(known.newId, (id) => ({
        unit: device,
        kind: "session",
        id,
        message: "Provision",
        payload: { device, sha256, ...options },
        end: "session" as const
      }))
    )
  })
)

const { canary, errorShare, needsApproval, observeMillis, parallel, rollsBack, waveSize } = RolloutRules.fields

/** Boards of one rollout, at most. */
const rolledOutMax = 10_000

/** One rollout for all of them. What was not said of its rules is as for `holon rollout start`. */
export const rollingOut = planner(
  Schema.Struct({
    ...image,
    canary: Schema.optionalKey(canary),
    errorShare: Schema.optionalKey(errorShare),
    needsApproval: Schema.optionalKey(needsApproval),
    observeMillis: Schema.optionalKey(observeMillis),
    parallel: Schema.optionalKey(parallel),
    rollsBack: Schema.optionalKey(rollsBack),
    waveSize: Schema.optionalKey(waveSize)
  }),
  ({ image: name, version, ...said }, targets, known) =>
    Effect.gen(function* () {
      const sha256 = yield* imageOf(name, version, known)
      const aimed = yield* aim(targets, known, rolledOutMax)
      // Who lets some boards fail lets the next wave open without them.
      const share = said.errorShare === undefined ? {} : { successShare: Number((1 - said.errorShare).toPrecision(12)) }
      const rules: RolloutRules = { ...rolloutRulesDefault, ...share, ...said }
      const id = yield* known.newId
      const noun = counted(aimed.devices, known)
      return {
        _tag: "Acts" as const,
        title: `roll out ${name} ${version} to ${noun}`,
        noun: "1 rollout",
        done: `begun: ${name} ${version} to ${noun}`,
        steps: [
          {
            unit: id,
            kind: "rollout",
            id,
            message: "Start",
            payload: { sha256, devices: aimed.devices.map((device) => device.id), rules },
            end: "reply" as const
          }
        ],
        spared: aimed.spared,
        excepted: aimed.excepted
      }
    })
)

const acts = {
  pause: { message: "Pause", done: "paused" },
  resume: { message: "Resume", done: "resumed" },
  approve: { message: "Approve", done: "approved" },
  cancel: { message: "Cancel", done: "cancelled" },
  retry: { message: "Retry", done: "taken up again" }
} as const

/** Pauses, resumes and so on. */
export const controllingRollout = planner(
  Schema.Struct({ rollout: Name, act: Schema.Literals(["pause", "resume", "approve", "cancel", "retry"]) }),
  ({ act, rollout: id }) => {
    const { done, message } = acts[act]
    const step = { unit: id, kind: "rollout", id, message, payload: {}, end: "reply" as const }
    const title = `${act} rollout ${id}`
    return Effect.succeed({ _tag: "Acts", title, noun: "1 rollout", done, steps: [step], spared: [], excepted: [] })
  }
)
