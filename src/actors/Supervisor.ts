/**
 * Where an actor keeps who supervises it, when that depends on its state. The scan for quarantines reads this part alone: an actor
 * whose row does not load any more has a supervisor nevertheless.
 */

/** Key of the part. What it holds is the behaviour's own. */
export const supervisorPart = "supervisor"
