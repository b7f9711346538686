/** The address of a client, as somebody of whom something may be suspected. */
import { type Subject, subjectOf } from "../protocol/vsm/Threat.ts"

const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** The first half of an IPv6 address, which is what one client is given: it has all that begin so. */
const networkOf = (address: string): string => {
  const [head = "", tail] = address.toLowerCase().split("%", 1).join("").split("::")
  const front = head === "" ? [] : head.split(":")
  const back = tail === undefined || tail === "" ? [] : tail.split(":")
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length)
  const groups = [...front, ...Array.from({ length: zeros }, () => "0"), ...back]
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")
}

/** Nothing for a socket that has ended. */
export const peerOf = (address: string | undefined): Subject | undefined => {
  if (address === undefined) return undefined
  const [, ipv4] = mapped.exec(address) ?? []
  if (ipv4 !== undefined) return subjectOf("address", ipv4)
  return subjectOf("address", address.includes(":") ? networkOf(address) : address)
}
