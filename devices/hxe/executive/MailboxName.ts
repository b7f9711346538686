/** The names of mailboxes: `pid:3`, `svc:stdio.in@3`, `app:log`, `shared:bus`, `hal:can:rx`, or a bare service name. */

const nameCharactersMax = 32

/** Numbers of the namespaces, as events show them. */
export const mailboxNamespaces = { pid: 0, svc: 1, app: 2, shared: 3, hal: 4 } as const

/** What makes a mailbox one mailbox. Without owner it is everybody's. */
export interface MailboxIdentity {
  readonly namespace: number
  readonly name: string
  readonly owner: number | undefined
}

const pidOf = (text: string): number | undefined => (/^[0-9]{1,9}$/.test(text) ? Number(text) : undefined)

/** Splits `name@pid`; an empty suffix means the default owner, one that is no number makes the name bad. */
const owned = (namespace: number, text: string, owner: number | undefined): MailboxIdentity | undefined => {
  const at = text.indexOf("@")
  if (at < 0) return { namespace, name: text, owner }
  const suffix = text.slice(at + 1)
  const pid = suffix === "" ? owner : pidOf(suffix)
  return suffix !== "" && pid === undefined ? undefined : { namespace, name: text.slice(0, at), owner: pid }
}

const identityOf = (target: string, caller: number): MailboxIdentity | undefined => {
  const colon = target.indexOf(":")
  const rest = target.slice(colon + 1)
  switch (target.slice(0, colon + 1)) {
    case "pid:": {
      const owner = rest === "" ? caller : pidOf(rest)
      return owner === undefined ? undefined : { namespace: mailboxNamespaces.pid, name: `pid:${owner}`, owner }
    }
    case "svc:":
      return owned(mailboxNamespaces.svc, rest, caller)
    case "app:":
      return owned(mailboxNamespaces.app, rest, undefined)
    case "shared:": {
      const shared = owned(mailboxNamespaces.shared, rest, undefined)
      return shared && { ...shared, owner: undefined }
    }
    case "hal:":
      return { namespace: mailboxNamespaces.hal, name: rest, owner: undefined }
    default:
      return owned(mailboxNamespaces.svc, target, caller)
  }
}

/** The mailbox a caller means, its first 32 characters counting; none for an empty or malformed name. */
export const mailboxIdentity = (target: string, caller: number): MailboxIdentity | undefined => {
  const identity = identityOf(target.slice(0, nameCharactersMax), caller)
  return identity === undefined || identity.name === "" ? undefined : identity
}

/** One text per identity. */
export const identityKey = (identity: MailboxIdentity): string =>
  `${identity.namespace}:${identity.owner ?? ""}:${identity.name}`

/** The name by which anybody reaches the mailbox. */
export const mailboxTarget = (identity: MailboxIdentity): string => {
  const suffix = identity.owner === undefined ? "" : `@${identity.owner}`
  switch (identity.namespace) {
    case mailboxNamespaces.pid:
      return identity.name
    case mailboxNamespaces.svc:
      return `svc:${identity.name}${suffix}`
    case mailboxNamespaces.app:
      return `app:${identity.name}${suffix}`
    case mailboxNamespaces.shared:
      return `shared:${identity.name}`
    default:
      return `hal:${identity.name}`
  }
}
