/**
 * Who is to be woken next, where most wait for ever later times: a binary heap of numbers whose members do not know their
 * place. One that is put in again for an earlier time leaves its former entry behind, and one that waits no longer all of
 * them; they are passed over when they come up, and swept out when they are many.
 */

/** What can wait in a heap, in one at a time. */
export interface Waking {
  /** For when it is in the heap, ms; infinite while it is in none. Changed by the heap only. */
  wakeAt: number
}

/** Entries left behind that are not worth sweeping out. */
const staleUsual = 32

export class WakeHeap<W extends Waking> {
  private members: Array<W> = []
  private times: Array<number> = []
  private stale = 0

  /** When somebody may be to be woken. */
  get next(): number {
    return this.times.length === 0 ? Number.POSITIVE_INFINITY : (this.times[0] ?? 0)
  }

  /** Adds a member. One that waits for an earlier time stays where it is: whoever takes it out puts it in again. */
  put(member: W, wakeAt: number): void {
    if (member.wakeAt <= wakeAt) return
    if (member.wakeAt < Number.POSITIVE_INFINITY) this.stale++
    member.wakeAt = wakeAt
    const at = this.times.length
    this.members.push(member)
    this.times.push(wakeAt)
    this.up(member, wakeAt, at)
  }

  /** Takes a member out, if it is in. */
  remove(member: W): void {
    if (member.wakeAt === Number.POSITIVE_INFINITY) return
    member.wakeAt = Number.POSITIVE_INFINITY
    this.stale++
    if (this.stale > staleUsual && 2 * this.stale > this.times.length) this.sweep()
  }

  /** Takes out the first whose time has come. */
  take(now: number): W | undefined {
    while (this.next <= now) {
      const first = this.members[0]
      const wakeAt = this.times[0]
      this.drop()
      if (first === undefined) return undefined
      if (first.wakeAt === wakeAt) {
        first.wakeAt = Number.POSITIVE_INFINITY
        return first
      }
      if (this.stale > 0) this.stale--
    }
    return undefined
  }

  clear(): void {
    for (const member of this.members) member.wakeAt = Number.POSITIVE_INFINITY
    this.members = []
    this.times = []
    this.stale = 0
  }

  private sweep(): void {
    const { members, times } = this
    this.members = []
    this.times = []
    this.stale = 0
    for (const [index, member] of members.entries()) {
      const wakeAt = times[index]
      if (wakeAt === undefined || member.wakeAt !== wakeAt) continue
      member.wakeAt = Number.POSITIVE_INFINITY
      this.put(member, wakeAt)
    }
  }

  private up(member: W, wakeAt: number, from: number): void {
    const { members, times } = this
    let at = from
    while (at > 0) {
      const above = (at - 1) >> 1
      const time = times[above]
      const other = members[above]
      if (time === undefined || other === undefined || time <= wakeAt) break
      members[at] = other
      times[at] = time
      at = above
    }
    members[at] = member
    times[at] = wakeAt
  }

  /** Takes the first out; the last finds its place from there. */
  private drop(): void {
    const { members, times } = this
    const member = members.pop()
    const wakeAt = times.pop()
    const size = times.length
    if (member === undefined || wakeAt === undefined || size === 0) return
    let at = 0
    for (;;) {
      let place = 2 * at + 1
      if (place >= size) break
      let time = times[place] ?? 0
      if (place + 1 < size) {
        const right = times[place + 1] ?? 0
        if (right < time) {
          time = right
          place++
        }
      }
      const least = members[place]
      if (least === undefined || time >= wakeAt) break
      members[at] = least
      times[at] = time
      at = place
    }
    members[at] = member
    times[at] = wakeAt
  }
}
