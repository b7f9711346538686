/** What a fleet gives an utterance to speak of: its devices, zones, fields, commands, programs, rollouts and VSMs, as data. */
import { Schema } from "effect"

const Words = Schema.optionalKey(Schema.Array(Schema.String))

/** A device, and what utterances choose it by. */
export const DeviceWords = Schema.Struct({
  id: Schema.String,
  profile: Schema.optionalKey(Schema.String),
  zone: Schema.optionalKey(Schema.String),
  /** The VSM whose unit it is. */
  vsm: Schema.optionalKey(Schema.String),
  state: Schema.optionalKey(Schema.Literals(["never", "online", "offline", "silent", "retired"]))
})
export type DeviceWords = typeof DeviceWords.Type

/** A kind of board. It is called by the last part of its name unless `words` says otherwise. */
export const ProfileWords = Schema.Struct({ name: Schema.String, words: Words })
export type ProfileWords = typeof ProfileWords.Type

/** A field of twins. */
export const FieldWords = Schema.Struct({
  name: Schema.String,
  type: Schema.Literals(["number", "boolean", "text"]),
  unit: Schema.optionalKey(Schema.String),
  min: Schema.optionalKey(Schema.Finite),
  max: Schema.optionalKey(Schema.Finite),
  /** All that a text may be. */
  values: Words,
  /** It can be desired, not only reported. */
  isSettable: Schema.optionalKey(Schema.Boolean),
  /** What is switched when the device itself is named: "turn off heater-1". */
  isMain: Schema.optionalKey(Schema.Boolean),
  /** Whose boards have it; absent for all. */
  profiles: Words,
  /** What else it is called. */
  words: Words,
  /** Adjectives it is asked for by: "how hot is oven-1". */
  asks: Words,
  /** Verbs that set it: "heat oven-1 to 65 degrees". */
  verbs: Words,
  /** Verbs that repeat at its interval: "let press-2 report every 5 s". */
  periods: Words
})
export type FieldWords = typeof FieldWords.Type

/** A command of boards. */
export const CommandWords = Schema.Struct({
  name: Schema.String,
  words: Words,
  profiles: Words,
  /** The one number it takes: "let board-1 sleep for 5 seconds". */
  argument: Schema.optionalKey(Schema.Struct({ name: Schema.String, unit: Schema.optionalKey(Schema.String) }))
})
export type CommandWords = typeof CommandWords.Type

/** A program and the versions of its image that can be sent. */
export const ProgramWords = Schema.Struct({
  name: Schema.String,
  versions: Schema.Array(Schema.String),
  /** Names of its values. */
  values: Words
})
export type ProgramWords = typeof ProgramWords.Type

/** A rollout that has not ended. */
export const RolloutWords = Schema.Struct({ id: Schema.String, image: Schema.optionalKey(Schema.String) })
export type RolloutWords = typeof RolloutWords.Type

/** A VSM. */
export const VsmWords = Schema.Struct({ id: Schema.String, parent: Schema.optionalKey(Schema.String) })
export type VsmWords = typeof VsmWords.Type

const boardWords = {
  profiles: Schema.Array(ProfileWords),
  fields: Schema.Array(FieldWords),
  commands: Schema.Array(CommandWords)
}

/** What kinds of boards are called, and what they can be told and asked. */
export const BoardWords = Schema.Struct(boardWords)
export type BoardWords = typeof BoardWords.Type

/** All of it. */
export const FleetWords = Schema.Struct({
  devices: Schema.Array(DeviceWords),
  /** Those above them are known, too. */
  zones: Schema.Array(Schema.String),
  ...boardWords,
  programs: Schema.Array(ProgramWords),
  rollouts: Schema.Array(RolloutWords),
  vsms: Schema.Array(VsmWords)
})
export type FleetWords = typeof FleetWords.Type
