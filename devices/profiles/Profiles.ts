/** The profiles this repository knows. A board that names another one is `generic`, with what its hello states. */
import { linkClasses, type Profile } from "./Profile.ts"

const twin = { sectionBytesMax: 32_768, leavesMax: 1024 } as const

const host = {
  linkClass: "ceiling",
  link: linkClasses.ceiling,
  transports: ["websocket", "mqtt"],
  secure: "tls",
  leds: ["led"],
  outputs: [],
  sensors: [
    { name: "cpu", unit: "share", min: 0, max: 1 },
    { name: "memory", unit: "share", min: 0, max: 1 }
  ],
  hal: ["core", "led", "store", "sensor"],
  kinds: ["hxe"],
  hxe: "desktop",
  twin,
  simulated: false
} as const

const simulated = {
  linkClass: "default",
  link: linkClasses.default,
  arch: "simulated",
  transports: ["websocket", "mqtt"],
  secure: "tls",
  leds: [],
  outputs: [],
  sensors: [],
  hal: ["core", "sensor"],
  kinds: ["hxe"],
  hxe: "desktop",
  twin,
  simulated: true
} as const

const heater = { ...simulated, outputs: ["element", "fan"], hal: ["core", "output", "sensor"] } as const

const celsius = { name: "temp", unit: "°C", min: -55, max: 125 } as const

/** A board nobody described. */
export const generic: Profile = {
  id: "generic",
  linkClass: "floor",
  link: linkClasses.floor,
  arch: "unknown",
  transports: [],
  secure: "none",
  leds: [],
  outputs: [],
  sensors: [],
  hal: [],
  kinds: [],
  twin,
  simulated: false
}

/** All profiles by id. */
export const profiles: ReadonlyMap<string, Profile> = new Map(
  (
    [
      { ...host, id: "host-linux", arch: "linux" },
      { ...host, id: "host-macos", arch: "macos" },
      { ...heater, id: "sim-heater", sensors: [celsius, { name: "power", unit: "W", min: 0, max: 150 }] },
      { ...heater, id: "sim-oven", sensors: [celsius, { name: "power", unit: "W", min: 0, max: 2000 }] },
      {
        ...simulated,
        id: "sim-sensor",
        sensors: [
          { name: "temp", unit: "°C", min: -10, max: 50 },
          { name: "humidity", unit: "%", min: 0, max: 100 },
          { name: "pressure", unit: "hPa", min: 950, max: 1050 },
          { name: "battery", unit: "%", min: 0, max: 100 }
        ]
      },
      {
        ...simulated,
        id: "sim-press",
        outputs: ["ram"],
        sensors: [{ name: "force", unit: "kN", min: 0, max: 100 }],
        hal: ["core", "output", "sensor"]
      },
      {
        ...simulated,
        id: "sim-tank",
        outputs: ["valve"],
        sensors: [{ name: "level", unit: "share", min: 0, max: 1 }],
        hal: ["core", "output", "sensor"]
      },
      { ...simulated, id: "sim-board", leds: ["led"], hal: ["core", "led"] },
      generic
    ] satisfies ReadonlyArray<Profile>
  ).map((profile) => [profile.id, profile])
)

/** The profile of this id, or `generic`. */
export const profileOf = (id: string): Profile => profiles.get(id) ?? generic
