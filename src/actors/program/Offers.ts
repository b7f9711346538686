/** What a program offers to others: its board is asked once for each image. */
import { Option, Schema } from "effect"
import type { BoardAnswer } from "../../protocol/BoardRequest.ts"
import { codes } from "../../protocol/Codes.ts"
import { ProgramOffers, type ProgramView } from "../../protocol/Program.ts"
import type * as Behaviour from "../Behaviour.ts"

/** How long a board may take to say it. */
const askMillis = 60_000

/** Characters that are kept of it: they are written with every change of the program. */
const charactersMax = 16_384

/** Begins the key of such a request; those of orders are their ids. */
const keyStart = "offers:"

type Context = Behaviour.TransitionContext<undefined>

/** Asks the board when a program is on it whose image it was not asked about; one that has gone offers nothing. */
export const asking = (
  state: ProgramView,
  { self }: Context
): { readonly state: ProgramView; readonly tells: ReadonlyArray<Behaviour.Tell> } => {
  const { name, pid, sha256, state: standing } = state.report
  const { offers: _offers, offersOf: _offersOf, ...rest } = state
  if (standing === "absent") return { state: rest, tells: [] }
  if (pid === undefined || sha256 === undefined || sha256 === state.offersOf) return { state, tells: [] }
  return {
    state: { ...rest, offersOf: sha256 },
    tells: [
      {
        to: { kind: "device", id: state.device },
        message: "AskBoard",
        payload: {
          asker: self,
          key: `${keyStart}${sha256}`,
          request: { _tag: "ProgramDescribe", program: name },
          lifeMillis: askMillis
        }
      }
    ]
  }
}

/** Whether an answer is to such a request. */
export const isOfOffers = ({ key }: Pick<BoardAnswer, "key">): boolean => key.startsWith(keyStart)

/** Codes of boards that cannot say it: they are not asked again. */
const cannot: ReadonlySet<number> = new Set([codes.EINVAL, codes.ENOTSUP])

const decoded = Schema.decodeUnknownOption(ProgramOffers)

/** The board has said it, or has not: then it is asked again when it next tells of the program. */
export const answered = (
  state: ProgramView,
  { key, code, value }: Pick<BoardAnswer, "key" | "code" | "value">
): Behaviour.Outcome<ProgramView, undefined, void, never> => {
  if (key !== `${keyStart}${state.offersOf}`) return {}
  const offers = code === codes.ok ? Option.getOrUndefined(decoded(value)) : undefined
  if (offers !== undefined) return { state: { ...state, offers: fitting(offers) } }
  if (code === codes.ok || cannot.has(code)) return {}
  const { offersOf: _, ...rest } = state
  return { state: rest }
}

/** As much of it as is cheap to write: help texts go first, then the last entries. */
const fitting = (offers: ProgramOffers): ProgramOffers => {
  if (JSON.stringify(offers).length <= charactersMax) return offers
  let room = charactersMax
  const prefix = <A>(list: ReadonlyArray<A>): ReadonlyArray<A> =>
    list.filter((one) => {
      room -= JSON.stringify(one).length + 1
      return room >= 0
    })
  return {
    values: prefix(offers.values),
    commands: prefix(offers.commands.map(({ help: _, ...command }) => command)),
    mailboxes: prefix(offers.mailboxes)
  }
}
