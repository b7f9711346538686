/** Numbers of configurations and copies. They are 32 bits wide and may wrap, so they are compared by their difference. */

/** The number after this one. 0 means none and is left out. */
export const after = (generation: number): number => (generation + 1) >>> 0 || 1

/** Whether `a` came later than `b`. */
export const isLater = (a: number, b: number): boolean => ((a - b) | 0) > 0
