/** The order of cursors: as the journal is read. */

const partsOf = (cursor: string): readonly [transaction: bigint, position: number, index: number] => {
  const [transaction = "0", position = "0", index] = cursor.split(".")
  // Without an index it stands behind all events of its commit.
  return [BigInt(transaction), Number(position), index === undefined ? Number.POSITIVE_INFINITY : Number(index)]
}

/** Whether `one` stands behind `other`. */
export const isBehind = (one: string, other: string): boolean => {
  const [transaction, position, index] = partsOf(one)
  const [otherTransaction, otherPosition, otherIndex] = partsOf(other)
  if (transaction !== otherTransaction) return transaction > otherTransaction
  return position === otherPosition ? index > otherIndex : position > otherPosition
}
