/** Topics of the link (all under `holon/1/b/`), and MQTT's topic filters (section 4.7). */

const root = "holon/1/b/"

/** Frames of a board to the cluster. */
export const upTopic = (id: string): string => `${root}${id}/up`
/** Frames of the cluster to a board. */
export const downTopic = (id: string): string => `${root}${id}/dn`
/** Retained: whether a board is online. */
export const presenceTopic = (id: string): string => `${root}${id}/presence`
/** What programs of a board publish for whoever listens. */
export const applicationTopics = (id: string): string => `${root}${id}/app/`

/** Whether text is a topic filter: wildcards alone in their level, `#` last, no NUL. */
export const isFilter = (filter: string): boolean => {
  if (filter.length === 0 || filter.includes("\u0000")) return false
  const levels = filter.split("/")
  return levels.every(
    (level, index) =>
      level === "+" || (level === "#" ? index === levels.length - 1 : !level.includes("+") && !level.includes("#"))
  )
}

/** Whether a filter selects a topic. Wildcards at the start leave out topics that begin with `$` (MQTT-4.7.2-1). */
export const matches = (filter: string, topic: string): boolean => {
  if (topic.startsWith("$") && (filter.startsWith("+") || filter.startsWith("#"))) return false
  const levels = filter.split("/")
  const names = topic.split("/")
  for (let index = 0; index < levels.length; index++) {
    const level = levels[index]
    if (level === "#") return true
    const name = names[index]
    if (name === undefined || (level !== "+" && level !== name)) return false
  }
  return levels.length === names.length
}
