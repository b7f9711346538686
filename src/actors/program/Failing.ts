/**
 * When a failing program is its supervisor's affair: its board starts it again by the rule of its manifest; once that is used
 * up, the program's device is told. Each failure that lasts is told once, until the program runs again or is another one.
 */
import {
  type Episode,
  type FailingProgram,
  type ProgramReport,
  type ProgramView,
  programOf
} from "../../protocol/Program.ts"
import type * as Behaviour from "../Behaviour.ts"

/** A board may start a program again without counting that, as long as its image is on trial: within this time, ms. */
const settleMillis = 5000
/** A board starts a program again within a minute. One that it then never told of was lost, or does not come up. */
const lateMillis = 120_000

type Context = Behaviour.TransitionContext<undefined>

const isFailing = ({ state }: ProgramReport): boolean => state === "failed" || state === "rolled-back"

/** A board counts the next start of a program as soon as it has decided on it. */
const startsAgain = (before: ProgramReport, { state, restarts = 0 }: ProgramReport): boolean =>
  state === "failed" && restarts > (before.restarts ?? 0)

/** The failure under way after the board has told of the program at `at`. */
export const episodeAfter = (
  { episode, report: before }: Pick<ProgramView, "episode" | "report">,
  report: ProgramReport,
  at: number,
  now: number
): Episode | undefined => {
  if (!isFailing(report)) return undefined
  const isSame = before.sha256 === report.sha256
  if (episode?.isTold && isSame) return episode
  const dueAt = now + (startsAgain(before, report) ? lateMillis : settleMillis)
  return { since: isSame ? (episode?.since ?? at) : at, dueAt, isTold: false }
}

/** When the supervisor is to be told; infinite when it need not be. */
export const escalationDue = ({ episode }: ProgramView): number =>
  episode === undefined || episode.isTold ? Infinity : episode.dueAt

const factsOf = ({ report }: ProgramView, since: number): FailingProgram => {
  const { name: program, state, code, detail, restarts, sha256, version } = report
  return {
    program,
    since,
    state,
    ...(code === undefined ? {} : { code }),
    ...(detail === undefined ? {} : { detail }),
    ...(restarts === undefined ? {} : { restarts }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(version === undefined ? {} : { version })
  }
}

/** Who supervises a program: the device of its board. */
export const supervisorOf = (id: string): { readonly kind: "device"; readonly id: string } => ({
  kind: "device",
  id: programOf(id).device
})

/** Tells the supervisor of a failure that has lasted; nothing before that, and nothing twice. */
export const escalated = (
  state: ProgramView,
  { self, now }: Context
): { readonly state: ProgramView; readonly tells: ReadonlyArray<Behaviour.Tell> } => {
  const { episode } = state
  if (episode === undefined || escalationDue(state) > now) return { state, tells: [] }
  return {
    state: { ...state, episode: { ...episode, isTold: true } },
    tells: [{ to: supervisorOf(self.id), message: "ProgramFailing", payload: factsOf(state, episode.since) }]
  }
}

/** Tells the supervisor that a failure it heard of is over. */
export const recovered = (
  { episode, report: { name } }: ProgramView,
  after: Episode | undefined,
  { self }: Context
): ReadonlyArray<Behaviour.Tell> =>
  episode?.isTold && after?.since !== episode.since
    ? [{ to: supervisorOf(self.id), message: "ProgramRecovered", payload: { program: name, since: episode.since } }]
    : []
