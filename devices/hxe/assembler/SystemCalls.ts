/** Names of the system calls: what programs write behind SVC, and what a listing shows. */

const modules: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  0: { 0: "CORE_GET_STEPS" },
  1: { 0: "TASK_EXIT", 1: "UART_WRITE" },
  2: { 0: "CAN_TX" },
  4: {
    0: "FS_OPEN",
    1: "FS_READ",
    2: "FS_WRITE",
    3: "FS_CLOSE",
    10: "FS_LISTDIR",
    11: "FS_DELETE",
    12: "FS_RENAME",
    13: "FS_MKDIR"
  },
  5: {
    0: "MBX_OPEN",
    1: "MBX_BIND",
    2: "MBX_SEND",
    3: "MBX_RECV",
    4: "MBX_PEEK",
    5: "MBX_TAP",
    6: "MBX_CLOSE"
  },
  6: { 0: "EXEC_SLEEP_MS" },
  7: {
    0: "VAL_REGISTER",
    1: "VAL_LOOKUP",
    2: "VAL_GET",
    3: "VAL_SET",
    4: "VAL_LIST",
    5: "VAL_SUB",
    6: "VAL_PERSIST"
  },
  8: { 0: "CMD_REGISTER", 1: "CMD_LOOKUP", 2: "CMD_CALL", 3: "CMD_CALL_ASYNC", 4: "CMD_HELP" },
  14: { 0: "MATH_SIN", 1: "MATH_COS", 2: "MATH_EXP" },
  // The gateway to hardware: the high half of the function says which device, the low half what of it.
  15: {
    0: "HAL_UART_WRITE",
    1: "HAL_UART_READ_POLL",
    2: "HAL_UART_CONFIG",
    3: "HAL_UART_STATUS",
    16: "HAL_CAN_TX",
    17: "HAL_CAN_CONFIG",
    18: "HAL_CAN_SET_FILTER",
    19: "HAL_CAN_STATUS",
    32: "HAL_TIMER_TICK",
    33: "HAL_TIMER_FREQ",
    34: "HAL_TIMER_CREATE",
    35: "HAL_TIMER_CANCEL",
    48: "HAL_FRAM_READ",
    49: "HAL_FRAM_WRITE",
    50: "HAL_FRAM_SIZE",
    51: "HAL_FRAM_WEAR",
    64: "HAL_FS_OPEN",
    65: "HAL_FS_READ",
    66: "HAL_FS_WRITE",
    67: "HAL_FS_CLOSE",
    74: "HAL_FS_LISTDIR",
    75: "HAL_FS_DELETE",
    76: "HAL_FS_RENAME",
    77: "HAL_FS_MKDIR",
    80: "HAL_GPIO_READ",
    81: "HAL_GPIO_WRITE",
    82: "HAL_GPIO_CONFIG",
    83: "HAL_GPIO_SET_INTERRUPT",
    112: "HAL_PROV_INFO",
    113: "HAL_PROV_LOAD",
    114: "HAL_PROV_ABORT",
    115: "HAL_PROV_FMAP"
  }
}

/** Module and function in one number, `module << 8 | function`, by name. */
export const systemCalls: ReadonlyMap<string, number> = new Map(
  Object.entries(modules).flatMap(([module, functions]) =>
    Object.entries(functions).map(([fn, name]): [string, number] => [name, (Number(module) << 8) | Number(fn)])
  )
)

const names = new Map([...systemCalls].map(([name, number]) => [number, name]))

/** The name of `module << 8 | function`, if it has one. */
export const systemCallName = (number: number): string | undefined => names.get(number)
