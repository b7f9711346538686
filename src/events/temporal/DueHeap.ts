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

  get size(): number {
    return this.members.length
  }

  /** When the next is to be woken. */
  get next(): number {
    return this.members[0]?.wakeAt ?? Number.POSITIVE_INFINITY
  }

  /** Adds a member, or moves it. */
  put(member: W, wakeAt: number): void {
    if (member.heapIndex < 0) {
      member.wakeAt = wakeAt
      this.members.push(member)
      this.up(member, this.members.length - 1)
      return
    }
    const isEarlier = wakeAt < member.wakeAt
    member.wakeAt = wakeAt
    if (isEarlier) this.up(member, member.heapIndex)
    else this.down(member, member.heapIndex)
  }

  /** Takes a member out, if it is in. */
  remove(member: W): void {
    const at = member.heapIndex
    if (at < 0) return
    member.heapIndex = -1
    const last = this.members.pop()
    if (last === undefined || last === member) return
    const isEarlier = last.wakeAt < member.wakeAt
    if (isEarlier) this.up(last, at)
    else this.down(last, at)
  }

  /** Takes out the first whose time has come. */
  take(now: number): W | undefined {
    const first = this.members[0]
    if (first === undefined || first.wakeAt > now) return undefined
    this.remove(first)
    return first
  }

  clear(): void {
    for (const member of this.members) member.heapIndex = -1
    this.members.length = 0
  }

  private up(member: W, from: number): void {
    let at = from
    while (at > 0) {
      const above = (at - 1) >> 1
      const other = this.members[above]
      if (other === undefined || other.wakeAt <= member.wakeAt) break
      this.members[at] = other
      other.heapIndex = at
      at = above
    }
    this.members[at] = member
    member.heapIndex = at
  }

  private down(member: W, from: number): void {
    const { members } = this
    let at = from
    for (;;) {
      const left = 2 * at + 1
      const right = left + 1
      const one = members[left]
      if (one === undefined) break
      const other = members[right]
      const [least, place] = other !== undefined && other.wakeAt < one.wakeAt ? [other, right] : [one, left]
      if (least.wakeAt >= member.wakeAt) break
      members[at] = least
      least.heapIndex = at
      at = place
    }
    members[at] = member
    member.heapIndex = at
  }
}
