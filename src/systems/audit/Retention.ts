/** For how long records are kept in the table. */

/** Days after the end of its month. */
export const auditDays = 400

const dayMillis = 86_400_000

/** Whether a segment is so old that its records may be missing: a day less, for it is sealed a while after its last record. */
export const isAged = (sealedAt: number, now: number): boolean => sealedAt < now - (auditDays - 1) * dayMillis
