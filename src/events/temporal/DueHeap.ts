/** Who is to be woken next: a binary heap whose members know their place, so that one can be moved or taken out. */

/** What can wait in a heap, in one at a time. */
export interface Waiting {
  /** When, ms. Changed by {@link DueHeap.put} only. */
  wakeAt: number
  /** Its place; −1 for none. */
  heapIndex: number
}

export class DueHeap<W extends Waiting> {
  private readonly members: Array<W> = []
  /** Beside the members, so that nothing of them is read to compare two: most are far from the processor. */
  private readonly times: Array<number> = []

  get size(): number {
    return this.members.length
  }

  /** When the next is to be woken. */
  get next(): number {
    return this.times.length === 0 ? Number.POSITIVE_INFINITY : (this.times[0] ?? 0)
  }

  /** Adds a member, or moves it. */
  put(member: W, wakeAt: number): void {
    const at = member.heapIndex
    if (at < 0) {
      member.wakeAt = wakeAt
      this.members.push(member)
      this.times.push(wakeAt)
      this.up(member, wakeAt, this.members.length - 1)
      return
    }
    const isEarlier = wakeAt < member.wakeAt
    member.wakeAt = wakeAt
    if (isEarlier) this.up(member, wakeAt, at)
    else this.down(member, wakeAt, at)
  }

  /** Takes a member out, if it is in. */
  remove(member: W): void {
    const at = member.heapIndex
    if (at < 0) return
    member.heapIndex = -1
    const last = this.members.pop()
    const wakeAt = this.times.pop()
    if (last === undefined || wakeAt === undefined || last === member) return
    const isEarlier = wakeAt < member.wakeAt
    if (isEarlier) this.up(last, wakeAt, at)
    else this.down(last, wakeAt, at)
  }

  /** Takes out the first whose time has come. */
  take(now: number): W | undefined {
    if (this.next > now) return undefined
    const first = this.members[0]
    if (first !== undefined) this.remove(first)
    return first
  }

  clear(): void {
    for (const member of this.members) member.heapIndex = -1
    this.members.length = 0
    this.times.length = 0
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
      other.heapIndex = at
      at = above
    }
    members[at] = member
    times[at] = wakeAt
    member.heapIndex = at
  }

  private down(member: W, wakeAt: number, from: number): void {
    const { members, times } = this
    const size = members.length
    let at = from
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
      least.heapIndex = at
      at = place
    }
    members[at] = member
    times[at] = wakeAt
    member.heapIndex = at
  }
}
