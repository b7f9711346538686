/**
 * What the boards of this repository can be told: no board declares which of its fields can be set. Other boards are described
 * by `words` of the config, in the same form.
 */
import type { BoardWords } from "../../../protocol/intent/FleetWords.ts"

const heaters = ["sim-heater", "sim-oven"]
const hosts = ["host-linux", "host-macos"]
const simulated = [...heaters, "sim-press", "sim-sensor", "sim-board"]
/** Fields that are told every so often have an interval; these are its bounds. */
const interval = (min: number, profiles: ReadonlyArray<string>) =>
  ({
    name: "interval",
    type: "number",
    unit: "ms",
    min,
    max: 3_600_000,
    isSettable: true,
    profiles,
    words: ["reporting interval", "report interval"],
    periods: ["report"]
  }) as const

/** See the file. */
export const houseBoards: BoardWords = {
  profiles: [
    // All devices are called boards, hosts among them.
    { name: "sim-board", words: [] },
    { name: "host-linux", words: ["host"] },
    { name: "host-macos", words: ["host"] }
  ],
  fields: [
    { name: "on", type: "boolean", isSettable: true, isMain: true, profiles: heaters },
    {
      name: "target",
      type: "number",
      unit: "°C",
      min: 0,
      max: 100,
      isSettable: true,
      profiles: heaters,
      words: ["target temperature", "setpoint", "set point", "temperature"],
      verbs: ["heat"]
    },
    { name: "fan", type: "boolean", isSettable: true, profiles: heaters, words: ["ventilator", "blower"] },
    { name: "power", type: "number", unit: "W", profiles: heaters, words: ["power draw", "consumption"] },
    interval(100, [...heaters, "sim-sensor"]),
    interval(800, ["sim-press"]),
    interval(500, hosts),
    {
      name: "temp",
      type: "number",
      unit: "°C",
      profiles: [...heaters, "sim-sensor"],
      words: ["temperature"],
      asks: ["hot", "warm", "cold"]
    },
    { name: "humidity", type: "number", unit: "%", profiles: ["sim-sensor"], asks: ["humid"] },
    { name: "pressure", type: "number", unit: "hPa", profiles: ["sim-sensor"], words: ["air pressure"] },
    { name: "battery", type: "number", unit: "%", profiles: ["sim-sensor"], words: ["battery level", "charge"] },
    { name: "force", type: "number", unit: "kN", profiles: ["sim-press"] },
    { name: "strokes", type: "number", profiles: ["sim-press"], words: ["stroke count", "number of strokes"] },
    { name: "mode", type: "text", values: ["manual", "auto"], isSettable: true, profiles: ["sim-press"] },
    {
      name: "led",
      type: "text",
      values: ["on", "off"],
      isSettable: true,
      profiles: ["sim-board", ...hosts],
      words: ["lamp", "light"]
    },
    { name: "cpu", type: "number", profiles: hosts, words: ["cpu load", "processor load"] }
  ],
  commands: [
    { name: "ping", profiles: [...simulated, ...hosts] },
    { name: "reboot", words: ["restart"], profiles: simulated },
    { name: "sleep", profiles: simulated, argument: { name: "millis", unit: "ms" } },
    { name: "press", profiles: ["sim-press"] },
    { name: "identify", profiles: hosts }
  ]
}
