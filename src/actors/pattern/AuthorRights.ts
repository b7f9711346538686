/** Whether who wrote a pattern may still tell an actor what it tells: a seam, for the accounts stand in the config of the node. */
import { Context } from "effect"
import { type RefusedAct, refusedActsMax } from "../../protocol/Operator.ts"
import type { AnyBehaviour, Tell } from "../Behaviour.ts"
import type { Act } from "../Guard.ts"

/** The right that a message needs which its author does not have; nothing where the author has it. */
export const AuthorRights = Context.Reference<{
  readonly missing: (author: string, told: { readonly kind: string; readonly message: string }) => string | undefined
}>("holon/actors/pattern/AuthorRights", { defaultValue: () => ({ missing: () => undefined }) })

/**
 * The right that an author needs to have an actor told something. A pattern speaks as the runtime, and an actor that acts for others
 * would do anything for it: that takes all rights.
 */
export const rightToTell = (told: AnyBehaviour | undefined, message: string): string =>
  told?.reactions.actsForOthers === true ? "*" : (told?.contract.messages[message]?.capability ?? "")

/** Stands for every act beyond those that one message names apart. */
const others: Act = { capability: "*", message: "*", target: "*" }
/** As long as a name in an event. */
const targetMax = 200

/** The account of an author that is one: `ada` of `user:ada`. */
export const accountOf = (author: string): string | undefined =>
  author.startsWith("user:") ? author.slice("user:".length) : undefined

/**
 * What the matches of one commit were refused, by account. It goes to the account's actor, as what the account was refused
 * itself does: there it becomes the event `operator.refused`.
 */
export class RefusedTells {
  private readonly accounts = new Map<string, { readonly causedBy: number; readonly acts: Map<string, RefusedAct> }>()
  private readonly now: number

  constructor(now: number) {
    this.now = now
  }

  /** `causedBy` is the place of the match among the events of the commit; that of the first counts. */
  note(author: string, act: Act, causedBy: number): void {
    const account = accountOf(author)
    if (account === undefined) return
    const { acts } = this.accounts.get(account) ?? { acts: new Map<string, RefusedAct>() }
    if (!this.accounts.has(account)) this.accounts.set(account, { causedBy, acts })
    const wanted = keyOf(act)
    const named = acts.has(wanted) || acts.size < refusedActsMax ? act : others
    const { count, first } = acts.get(keyOf(named)) ?? { count: 0, first: this.now }
    const target = named.target.slice(0, targetMax).toWellFormed()
    acts.set(keyOf(named), { ...named, target, count: count + 1, first, last: this.now })
  }

  tells(): ReadonlyArray<Tell> {
    return Array.from(this.accounts, ([id, { causedBy, acts }]) => ({
      to: { kind: "operator", id },
      message: "NoteRefusals",
      payload: { refusals: [...acts.values()] },
      causedBy
    }))
  }
}

const keyOf = ({ capability, message, target }: Act): string => `${capability}\n${message}\n${target}`
