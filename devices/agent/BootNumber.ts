/** Numbers of a board's starts: counted where something survives a start, else drawn. */

/** Largest boot number. */
const bootMax = 2 ** 32 - 1

/** A small value that survives a restart, as text. */
export interface BootCell {
  readonly read: () => string | undefined
  /** Durable when it returns true. */
  readonly write: (text: string) => boolean
}

/** Drawn at random: two starts with the same number are as likely as not after 77,000 of them. */
export const drawnBoot = (random: () => number) => (): number => 1 + Math.floor(random() * (bootMax - 1))

/**
 * Counted in a cell, from a number drawn at the first start: a board whose cell was lost must not begin at numbers it has
 * used. What cannot be kept is drawn each time.
 */
export const countedBoot = (cell: BootCell, random: () => number): (() => number) => {
  const draw = drawnBoot(random)
  return () => {
    const last = Number(cell.read() ?? Number.NaN)
    const next = Number.isSafeInteger(last) && last >= 1 && last < bootMax ? last + 1 : draw()
    return cell.write(String(next)) ? next : draw()
  }
}
