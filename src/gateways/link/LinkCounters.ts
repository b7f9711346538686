/** Counts what links do, as plain numbers: no metric is updated per frame. */

/** Totals of one gateway, or of a node. */
export interface LinkTotals {
  connections: number
  attached: number
  opened: number
  framesIn: number
  framesOut: number
  bytesIn: number
  bytesOut: number
  refused: number
  acknowledged: number
  dropped: number
  moved: number
  paused: number
}

/** The counters of one gateway. */
export class LinkCounters {
  readonly totals: LinkTotals = {
    connections: 0,
    attached: 0,
    opened: 0,
    framesIn: 0,
    framesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    refused: 0,
    acknowledged: 0,
    dropped: 0,
    moved: 0,
    paused: 0
  }

  opened(): void {
    this.totals.opened++
    this.totals.connections++
  }

  closed(wasAttached: boolean): void {
    this.totals.connections--
    if (wasAttached) this.totals.attached--
  }

  attached(): void {
    this.totals.attached++
  }

  received(bytes: number): void {
    this.totals.framesIn++
    this.totals.bytesIn += bytes
  }

  sent(bytes: number): void {
    this.totals.framesOut++
    this.totals.bytesOut += bytes
  }

  refused(): void {
    this.totals.refused++
  }

  acknowledged(): void {
    this.totals.acknowledged++
  }

  dropped(): void {
    this.totals.dropped++
  }

  moved(): void {
    this.totals.moved++
  }

  paused(): void {
    this.totals.paused++
  }
}
