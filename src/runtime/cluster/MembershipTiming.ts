/** The numbers membership rests on. They belong together: change one and check the others. */

/** A node stores a heartbeat this often. */
export const heartbeatMillis = 300
/** The lease is fresh while the last heartbeat that succeeded began less than this ago. */
export const leaseMillis = 1500
/** A peer whose heartbeat is older than this may be marked unhealthy. */
export const silentMillis = 1000
/** A peer whose heartbeat is older than this has its lock session ended, which frees its shards. Above the lease. */
export const endMillis = 2000
/** Heartbeats a judge has stored since the peer's last one: after a stall of PostgreSQL everybody looks dead. */
export const witnessBeats = 5
/** An idle lock session is ended by PostgreSQL after this: the backstop when no peer is left to judge. Whole seconds. */
export const lockExpirationMillis = 8000
/** The engine compares its shards with the locks this often. */
export const lockRefreshMillis = 2500
/** The engine reads the members this often. */
export const assignmentsMillis = 250
/** Peers ping each other this often, on the runner's socket and on the relay. */
export const pingMillis = 400
/** Observers have so long to notice a node that was taken out of service, before they are asked whether it is well. */
export const unwellMillis = 10_000
/** A node that nobody has anything against any more is on probation for so long before it serves again. */
export const probationMillis = 60_000
/** A node that is out of service and still holds shards after this has its lock session ended. */
export const handOverMillis = 10_000
