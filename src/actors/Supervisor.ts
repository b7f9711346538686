/**
 * Where an actor keeps who supervises it, when that depends on its state. The scan for quarantines reads this part alone: an actor
 * whose row does not load any more has a supervisor nevertheless.
 */

/** Key of the part. What it holds is the behaviour's own. */
export const supervisorPart = "supervisor"

/** The supervisor of a subsystem, whose id is that of its VSM. */
export const vsmOver = (id: string): { readonly kind: "vsm"; readonly id: string } => ({ kind: "vsm", id })
