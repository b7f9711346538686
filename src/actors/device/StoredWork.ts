/**
 * How the work of a device rests, each thing a part: `transfer`, `numbers`, and one `errand/<number>`, `program/<name>`,
 * `observation/<key>`, `subscription/<key>`, `failing/<program>`, `quarantined/<program>` and `failed-image/<hash>` for each
 * request of another actor, program, watch over a program, value or mailbox that the board tells of, failing program, program
 * whose actor is in quarantine, and image that the board failed.
 */
import { Schema } from "effect"
import { Reason } from "../../protocol/Because.ts"
import { BoardRequest } from "../../protocol/BoardRequest.ts"
import type { Errand, Failing, Observation, Subscription, Transfer, Work } from "../../protocol/DeviceState.ts"
import { FailedImage } from "../../protocol/FailedImage.ts"
import { FailingProgram, ProgramReport } from "../../protocol/Program.ts"
import { noWork } from "./Errands.ts"

const errandPrefix = "errand/"
const programPrefix = "program/"
const observationPrefix = "observation/"
const subscriptionPrefix = "subscription/"
const failingPrefix = "failing/"
const quarantinedPrefix = "quarantined/"
const failedImagePrefix = "failed-image/"

/** Decodes a map and keeps the keys its schema does not know: a newer node wrote them. */
export const keeping =
  <A extends object>(decode: (value: unknown) => A) =>
  (value: unknown): A => ({ ...(typeof value === "object" ? value : {}), ...decode(value) })

const StoredTransfer = Schema.Struct({
  xfer: Schema.Number,
  session: Schema.String,
  sha256: Schema.String,
  size: Schema.Number,
  kind: Schema.Number,
  flags: Schema.Number,
  instance: Schema.optionalKey(Schema.String),
  isWhole: Schema.Boolean,
  boot: Schema.optionalKey(Schema.Number),
  until: Schema.optionalKey(Schema.Number),
  because: Schema.optionalKey(Reason)
})
const decodeTransfer: (value: unknown) => Transfer = keeping(Schema.decodeUnknownSync(StoredTransfer))

const StoredErrand = Schema.Struct({
  req: Schema.Number,
  key: Schema.String,
  asker: Schema.Struct({ kind: Schema.String, id: Schema.String }),
  request: BoardRequest,
  xfer: Schema.optionalKey(Schema.Number),
  until: Schema.Number,
  because: Schema.optionalKey(Reason)
})
const decodeErrand: (value: unknown) => Errand = keeping(Schema.decodeUnknownSync(StoredErrand))
const StoredObservation = Schema.Struct({
  key: Schema.String,
  asker: Schema.Struct({ kind: Schema.String, id: Schema.String }),
  program: Schema.String,
  sha256: Schema.optionalKey(Schema.String),
  forMillis: Schema.Number,
  until: Schema.Number,
  restarts: Schema.Number,
  patienceMillis: Schema.optionalKey(Schema.Number),
  because: Schema.optionalKey(Reason)
})
const decodeObservation: (value: unknown) => Observation = keeping(Schema.decodeUnknownSync(StoredObservation))
const StoredSubscription = Schema.Struct({
  key: Schema.String,
  asker: Schema.Struct({ kind: Schema.String, id: Schema.String }),
  request: BoardRequest
})
const decodeSubscription: (value: unknown) => Subscription = keeping(Schema.decodeUnknownSync(StoredSubscription))
const decodeProgram: (value: unknown) => ProgramReport = keeping(Schema.decodeUnknownSync(ProgramReport))
const StoredFailing = Schema.Struct({ ...FailingProgram.fields, toldAt: Schema.optionalKey(Schema.Number) })
const decodeFailing: (value: unknown) => Failing = keeping(Schema.decodeUnknownSync(StoredFailing))
const decodeFailedImage: (value: unknown) => FailedImage = keeping(Schema.decodeUnknownSync(FailedImage))
const decodeNumber = Schema.decodeUnknownSync(Schema.Number)

/** Adds the parts of the work to those of a device. */
export const putWork = (parts: Map<string, unknown>, work: Work): void => {
  const { transfer, errands, programs, observations, subscriptions, failing, failedImages, quarantined } = work
  const { lastNumber } = work
  if (lastNumber > 0) parts.set("numbers", lastNumber)
  if (transfer !== undefined) parts.set("transfer", transfer)
  for (const errand of errands.values()) parts.set(errandPrefix + errand.req, errand)
  for (const program of programs.values()) parts.set(programPrefix + program.name, program)
  for (const observation of observations.values()) parts.set(observationPrefix + observation.key, observation)
  for (const subscription of subscriptions.values()) parts.set(subscriptionPrefix + subscription.key, subscription)
  for (const program of failing.values()) parts.set(failingPrefix + program.program, program)
  for (const image of failedImages.values()) parts.set(failedImagePrefix + image.sha256, image)
  for (const [name, since] of quarantined) parts.set(quarantinedPrefix + name, since)
}

/** The work that parts hold. */
export const workOf = (parts: ReadonlyMap<string, unknown>): Work => {
  const numbers = parts.get("numbers")
  const transfer = parts.get("transfer")
  const errands = new Map<number, Errand>()
  const programs = new Map<string, ProgramReport>()
  const observations = new Map<string, Observation>()
  const subscriptions = new Map<string, Subscription>()
  const failing = new Map<string, Failing>()
  const failedImages = new Map<string, FailedImage>()
  const quarantined = new Map<string, number>()
  for (const [key, part] of parts) {
    if (key.startsWith(errandPrefix)) {
      const errand = decodeErrand(part)
      errands.set(errand.req, errand)
    } else if (key.startsWith(programPrefix)) programs.set(key.slice(programPrefix.length), decodeProgram(part))
    else if (key.startsWith(observationPrefix))
      observations.set(key.slice(observationPrefix.length), decodeObservation(part))
    else if (key.startsWith(subscriptionPrefix))
      subscriptions.set(key.slice(subscriptionPrefix.length), decodeSubscription(part))
    else if (key.startsWith(failingPrefix)) failing.set(key.slice(failingPrefix.length), decodeFailing(part))
    else if (key.startsWith(failedImagePrefix))
      failedImages.set(key.slice(failedImagePrefix.length), decodeFailedImage(part))
    else if (key.startsWith(quarantinedPrefix)) quarantined.set(key.slice(quarantinedPrefix.length), decodeNumber(part))
  }
  const worked = errands.size + programs.size + observations.size + subscriptions.size
  const kept = worked + failing.size + failedImages.size + quarantined.size
  if (numbers === undefined && transfer === undefined && kept === 0) return noWork
  return {
    transfer: transfer === undefined ? undefined : decodeTransfer(transfer),
    errands,
    programs,
    observations,
    subscriptions,
    failing,
    quarantined,
    failedImages,
    lastNumber: numbers === undefined ? 0 : decodeNumber(numbers)
  }
}
