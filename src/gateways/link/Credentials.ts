/** Who may come in at a gateway: what a connection shows, and what that entitles it to. */
import { timingSafeEqual } from "node:crypto"
import { Context } from "effect"

/** What a connection shows of itself. */
export interface Shown {
  /** The board's id: MQTT's user name or client id. Unknown on a WebSocket, where only the token speaks. */
  readonly user: string | undefined
  readonly token: string | undefined
  /** Ids of the boards that a verified certificate of the client names. */
  readonly certified: ReadonlyArray<string>
  /** Both ends of the connection are on this machine. */
  readonly isLoopback: boolean
}

/** What a connection is entitled to. */
export interface Grant {
  /** The one board it speaks for; `any` leaves it to the first hello (loopback in development). */
  readonly board: { readonly id: string } | "any" | "none"
  /** May read what operators read. */
  readonly isOperator: boolean
}

/** Judges credentials. The answer may come later, once. */
export class Credentials extends Context.Service<
  Credentials,
  { readonly judge: (shown: Shown, done: (grant: Grant | "refused") => void) => void }
>()("holon/gateways/Credentials") {}

/** Tokens as the config has them. */
export interface Tokens {
  /** By board id. */
  readonly boards: ReadonlyMap<string, string>
  /** By operator's name. */
  readonly operators: ReadonlyMap<string, string>
  /** Whether a connection on the loopback address may show nothing at all and be anybody. */
  readonly isOpenOnLoopback: boolean
}

const encoder = new TextEncoder()

const isSame = (left: string, right: string): boolean => {
  const [a, b] = [encoder.encode(left), encoder.encode(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}

const ownerOf = (tokens: ReadonlyMap<string, string>, token: string): string | undefined => {
  for (const [name, known] of tokens) if (isSame(known, token)) return name
  return undefined
}

const boardOnly = (id: string): Grant => ({ board: { id }, isOperator: false })
const operatorOnly: Grant = { board: "none", isOperator: true }

const byToken = ({ boards, operators }: Tokens, user: string | undefined, token: string): Grant | "refused" => {
  if (user === undefined) {
    const board = ownerOf(boards, token)
    if (board !== undefined) return boardOnly(board)
    return ownerOf(operators, token) === undefined ? "refused" : operatorOnly
  }
  const board = boards.get(user)
  if (board !== undefined && isSame(board, token)) return boardOnly(user)
  const operator = operators.get(user)
  return operator !== undefined && isSame(operator, token) ? operatorOnly : "refused"
}

/**
 * Judges by a table of tokens. A wrong token is refused everywhere; only the lack of one is forgiven on loopback. A
 * certificate that names a board needs no token beside it and bears none but that board's.
 */
export const fromTokens = (tokens: Tokens): Credentials["Service"] => ({
  judge: ({ user, token, certified, isLoopback }, done) => {
    const granted = token === undefined ? undefined : byToken(tokens, user, token)
    const [named, ...others] = certified
    if (named === undefined) {
      const open: Grant | "refused" =
        tokens.isOpenOnLoopback && isLoopback ? { board: "any", isOperator: true } : "refused"
      return done(granted ?? open)
    }
    const own = granted ?? (user === undefined || user === named ? boardOnly(named) : "refused")
    const isOwn = own !== "refused" && typeof own.board === "object" && own.board.id === named
    done(isOwn && others.length === 0 ? own : "refused")
  }
})
