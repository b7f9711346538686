/** Where the machine's own things lie in the 64 KiB of data memory that every task has for itself; the image's are in `Hxe.ts`. */

/** Bytes of data memory. Addresses are 16 bits and wrap. */
export const memoryBytes = 0x1_0000

/** Registers of a machine. */
export const registerCount = 16

/** Bytes of the window that holds a task's registers. */
export const registerWindowBytes = registerCount * 4

/** Address of the first register window; the k-th lies `registerWindowBytes` · k further. */
export const registerWindowsAddress = 0x1000

/** Stack pointer of the first task; the next stack ends where this one begins. */
export const firstStackTop = 0xfffc

/** Stack pointer of a machine that runs one program alone. */
export const aloneStackTop = 0x8000
