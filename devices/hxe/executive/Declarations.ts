/** What an image declares, in the terms of the registries. */
import { f16Bits } from "../../../src/protocol/hxe/F16.ts"
import { type CommandEntry, type HxeImage, type ValueEntry, valueFlags } from "../../../src/protocol/hxe/Hxe.ts"
import type { CommandDeclaration } from "./Commands.ts"
import { stringBytes } from "./StringPool.ts"
import type { ValueDeclaration } from "./ValueRecord.ts"

/** A unit has four characters of ASCII; the rest is cut off. */
const unitCharactersMax = 4

const asciiUnit = (unit: string | undefined): string | undefined =>
  unit === undefined || unit === "" ? undefined : [...unit].slice(0, unitCharactersMax).join("")

/** The values of an image. A manifest's default takes the place of the declared start value; a key makes a value kept. */
export const declaredValues = (image: HxeImage): ReadonlyArray<ValueDeclaration> =>
  image.metadata.values.map((entry: ValueEntry): ValueDeclaration => {
    const start = image.manifest?.defaults?.[`${entry.groupId}:${entry.valueId}`]
    return {
      groupId: entry.groupId,
      valueId: entry.valueId,
      flags: entry.persistKey === 0 ? entry.flags : entry.flags | valueFlags.persist,
      authLevel: entry.authLevel,
      initBits: start === undefined ? entry.initBits : f16Bits(start),
      epsilonBits: entry.epsilonBits,
      minimumBits: entry.minimumBits,
      maximumBits: entry.maximumBits,
      rateMillis: 0,
      persistKey: entry.persistKey,
      debounceMillis: 0,
      name: entry.name,
      unit: asciiUnit(entry.unit),
      groupName: entry.groupName
    }
  })

/** The commands of an image. */
export const declaredCommands = (image: HxeImage): ReadonlyArray<CommandDeclaration> =>
  image.metadata.commands.map(
    (entry: CommandEntry): CommandDeclaration => ({
      groupId: entry.groupId,
      commandId: entry.commandId,
      flags: entry.flags,
      authLevel: entry.authLevel,
      handlerOffset: entry.handlerOffset,
      name: entry.name,
      help: entry.help,
      groupName: entry.groupName
    })
  )

/** Room their texts take. */
export const declaredStringBytes = (
  values: ReadonlyArray<ValueDeclaration>,
  commands: ReadonlyArray<CommandDeclaration>
): number => {
  const ofValues = values.map(
    ({ name, unit, groupName }) => stringBytes(name) + stringBytes(unit) + stringBytes(groupName)
  )
  const ofCommands = commands.map(
    ({ name, help, groupName }) => stringBytes(name) + stringBytes(help) + stringBytes(groupName)
  )
  return [...ofValues, ...ofCommands].reduce((sum, bytes) => sum + bytes, 0)
}
