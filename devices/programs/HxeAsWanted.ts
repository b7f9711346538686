/** An HXE image as the manifest that came with it wants it. */
import type { HxeImage } from "../../src/protocol/hxe/Hxe.ts"
import type { Wanted } from "./Runtime.ts"

/**
 * The image with what its manifest says beside it: start values, what it needs of the board, the size of its stack. Where it
 * runs under another name than its own, it keeps no values: the program of that name has them.
 */
export const asWanted = (image: HxeImage, { name, manifest }: Pick<Wanted, "name" | "manifest">): HxeImage => {
  const { header, metadata, manifest: own } = image
  const isOther = header.appName !== undefined && header.appName !== name && own?.persistKeyBase === undefined
  const values = isOther ? metadata.values.map((value) => ({ ...value, persistKey: 0 })) : metadata.values
  const starts: Record<string, number> = {}
  for (const { groupId, valueId, name: valueName, groupName } of values) {
    const names = [`${groupId}:${valueId}`, `${groupName ?? ""}.${valueName ?? ""}`, valueName ?? ""]
    const start = names.map((known) => manifest?.values?.[known]).find((value) => typeof value === "number")
    if (typeof start === "number") starts[`${groupId}:${valueId}`] = start
  }
  const { hxeCaps = 0, stack } = manifest?.requires ?? {}
  const stackSizeBytes = own?.stackSizeBytes ?? stack
  return {
    ...image,
    metadata: { ...metadata, values },
    manifest: {
      ...own,
      requiredCaps: ((own?.requiredCaps ?? 0) | hxeCaps) >>> 0,
      defaults: { ...own?.defaults, ...starts },
      ...(stackSizeBytes === undefined ? {} : { stackSizeBytes })
    }
  }
}
