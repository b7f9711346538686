/**
 * How much somebody may ask: token buckets in the memory of whoever asks, all of a request or none. A request names every bucket that
 * it counts against, such as that of its user, capability, zone and VSM; it is let through when each of them has enough. An owner
 * that moves begins with full buckets: more than is allowed passes once, and no more than one burst of it.
 */
import { RateLimited } from "../../protocol/Errors.ts"
import type { Priority } from "../../protocol/vsm/Claim.ts"

/** What a request costs, in tokens: what matters less uses more of its share, and what hurts is never held back. */
export const costs: Readonly<Record<Priority, number>> = { algedonic: 0, critical: 1, high: 1, normal: 2, low: 4 }

/** Tokens a minute, by clearance. None is without a bound. */
export const perMinuteByClearance: ReadonlyArray<number> = [60, 300, 600, 1000, 6000]

/** Bounds of the factor that all rates of a bucket are multiplied by. */
export const factorMin = 0.1
export const factorMax = 1.5

/** Settings of a bucket. */
export interface Limit {
  /** Tokens that flow in, a minute. */
  readonly perMinute: number
  /** Tokens that it holds at most; what flows in within ten seconds unless said, and no less than ten. */
  readonly burst?: number
}

/** A bucket as people see it. */
export interface BucketView {
  readonly perMinute: number
  readonly burst: number
  readonly factor: number
  readonly tokens: number
}

/** What becomes of a request. */
export interface Decision {
  readonly allowed: boolean
  /** Tokens left in each bucket, in the order in which they were named; what is not known has none. */
  readonly remaining: ReadonlyArray<number>
  /** How long until it would be let through if nobody else asked, ms; infinite when never. 0 when it is. */
  readonly retryAfterMs: number
  /** The bucket that holds it back longest. */
  readonly bucket?: string
}

interface Bucket {
  perMinute: number
  burst: number
  factor: number
  tokens: number
  at: number
}

const minuteMillis = 60_000
const burstMin = 10
/** Past this, buckets that are full are forgotten: full is how a new one begins. */
const bucketsMax = 100_000
/** Sums of refills miss their mark by roundings: a tenth of a millionth of a token is none. */
const epsilon = 1e-7

const bounded = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value))

const burstOf = ({ perMinute, burst = Math.max(burstMin, perMinute / 6) }: Limit): number => burst

/** All buckets of one owner. Times are ms since 1970; a clock that goes back fills nothing. */
export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>()

  /** Makes a bucket, full, if it is not there. */
  ensure(name: string, limit: Limit, now: number): void {
    if (this.#buckets.has(name)) return
    if (this.#buckets.size >= bucketsMax) this.#forgetFull(now)
    const burst = burstOf(limit)
    this.#buckets.set(name, { perMinute: limit.perMinute, burst, factor: 1, tokens: burst, at: now })
  }

  /** Whether a request would be let through; takes nothing. */
  check(names: ReadonlyArray<string>, priority: Priority, now: number): Decision {
    return this.#decide(names, costs[priority], now, false)
  }

  /** Lets a request through and takes its cost from every bucket, or takes nothing. A bucket that is not known denies. */
  consume(names: ReadonlyArray<string>, priority: Priority, now: number): Decision {
    return this.#decide(names, costs[priority], now, true)
  }

  /** Changes a bucket; what it holds is counted up to now at the old rate. Answers whether there is such a bucket. */
  adjust(name: string, change: Partial<Limit> & { readonly factor?: number }, now: number): boolean {
    const bucket = this.#buckets.get(name)
    if (bucket === undefined) return false
    refill(bucket, now)
    bucket.perMinute = change.perMinute ?? bucket.perMinute
    bucket.burst = change.burst ?? bucket.burst
    bucket.factor = bounded(change.factor ?? bucket.factor, factorMin, factorMax)
    bucket.tokens = Math.min(bucket.tokens, bucket.burst)
    return true
  }

  inspect(name: string, now: number): BucketView | undefined {
    const bucket = this.#buckets.get(name)
    if (bucket === undefined) return undefined
    refill(bucket, now)
    const { perMinute, burst, factor, tokens } = bucket
    return { perMinute, burst, factor, tokens }
  }

  get size(): number {
    return this.#buckets.size
  }

  #decide(names: ReadonlyArray<string>, cost: number, now: number, isTaken: boolean): Decision {
    const found: Array<Bucket> = []
    const remaining: Array<number> = []
    let retryAfterMs = 0
    let slowest: string | undefined
    for (const name of names) {
      const bucket = this.#buckets.get(name)
      // What hurts passes everywhere, also where nobody has made a bucket.
      const wait = bucket === undefined ? (cost === 0 ? 0 : Number.POSITIVE_INFINITY) : waitOf(bucket, cost, now)
      if (bucket !== undefined) found.push(bucket)
      remaining.push(bucket?.tokens ?? 0)
      if (wait > retryAfterMs) {
        retryAfterMs = wait
        slowest = name
      }
    }
    if (slowest !== undefined) return { allowed: false, remaining, retryAfterMs, bucket: slowest }
    if (!isTaken || cost === 0) return { allowed: true, remaining, retryAfterMs: 0 }
    // A name that stands there twice is the same bucket twice.
    const twice = found.length > 1 && new Set(found).size < found.length
    for (const bucket of twice ? new Set(found) : found) bucket.tokens = Math.max(0, bucket.tokens - cost)
    return {
      allowed: true,
      remaining: names.map((name) => this.#buckets.get(name)?.tokens ?? 0),
      retryAfterMs: 0
    }
  }

  #forgetFull(now: number): void {
    for (const [name, bucket] of this.#buckets) {
      refill(bucket, now)
      if (bucket.tokens >= bucket.burst && bucket.factor === 1) this.#buckets.delete(name)
    }
  }
}

const refill = (bucket: Bucket, now: number): void => {
  if (now <= bucket.at) return
  const flow = ((now - bucket.at) * bucket.perMinute * bucket.factor) / minuteMillis
  bucket.tokens = Math.min(bucket.burst, bucket.tokens + flow)
  bucket.at = now
}

/** How long until a bucket has so much, ms. */
const waitOf = (bucket: Bucket, cost: number, now: number): number => {
  refill(bucket, now)
  if (bucket.tokens + epsilon >= cost) return 0
  if (cost > bucket.burst) return Number.POSITIVE_INFINITY
  return Math.ceil(((cost - bucket.tokens) * minuteMillis) / (bucket.perMinute * bucket.factor) - epsilon)
}

/** The refusal that a decision says; nothing when it was let through. */
export const refusalOf = ({ allowed, bucket = "", retryAfterMs }: Decision): RateLimited | undefined =>
  allowed ? undefined : new RateLimited({ bucket, retryAfterMs: Math.min(retryAfterMs, minuteMillis) })

/** How hard pressed a node is, each as a share from 0 to 1: the worst of them counts. */
export interface Pressure {
  readonly cpu: number
  readonly mailbox: number
  /** The 95th percentile of the latency, as a share of what it may be. */
  readonly latency: number
  /** Share of time that is waited for a connection of the database. */
  readonly database: number
}

const pressedAbove = 0.8
const idleBelow = 0.6

/** The factor after one more look, every five seconds: it falls fast and rises slowly. */
export const nextFactor = (factor: number, { cpu, mailbox, latency, database }: Pressure): number => {
  const pressure = Math.max(cpu, mailbox, latency, database)
  const wanted = pressure > pressedAbove ? factor * 0.7 : pressure < idleBelow ? factor + 0.05 : factor
  return bounded(wanted, factorMin, factorMax)
}
