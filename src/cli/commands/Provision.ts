/** `holon provision`, `holon sessions`: an image on its way to a board. */
import { Clock, Console, Effect, Option } from "effect"
import { Command } from "effect/cli"
import { codes } from "../../protocol/Codes.ts"
import { ImageFailedBefore } from "../../protocol/FailedImage.ts"
import { SessionView } from "../../protocol/Session.ts"
import { boardsOwnWords } from "../BoardsOwnWords.ts"
import { Client } from "../Client.ts"
import { toggle } from "../Defaults.ts"
import { again, detach, instance, patience, volatile } from "../DeliveryFlags.ts"
import { examples } from "../Examples.ts"
import { BoardRefused, type Place, sayAway, sendTo, watchUntil } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { imageClient } from "../ImageClient.ts"
import { reference } from "../ImageNames.ts"
import { newId } from "../NewId.ts"
import { lookThrough } from "../Pages.ts"
import { print } from "../Print.ts"
import { device } from "../Programs.ts"
import { bar, makeProgress, size } from "../Progress.ts"
import { ago, table } from "../Table.ts"

const stepOf = ({ state, installed, bytes, total, name, version }: SessionView): string => {
  const what = name === undefined ? "" : `${name} ${version ?? ""} `
  if (state === "loading") return `${what}${bar(total === 0 ? 0 : bytes / total)} ${size(bytes)} of ${size(total)}`
  if (state === "verify") return `${what}${bar(1)} the board checks it`
  if (state !== "ready") return `${what}${state}`
  const words = {
    staged: "the board installs it",
    trial: "on trial: it has to run well for 30 s, or the time of its manifest"
  } as const
  return `${what}${installed === "staged" || installed === "trial" ? words[installed] : (installed ?? "ready")}`
}

/** What kind of image it is, as `, wasm image,`; nothing when the library has it no more. */
const kindOf = Effect.fnUntraced(function* (flags: Parameters<typeof imageClient>[0], sha256: string) {
  const client = yield* imageClient(flags)
  const shown = yield* Effect.option(client.show(sha256))
  return Option.match(shown, { onNone: () => "", onSome: ({ kind }) => `, ${kind} image,` })
})

export const provision = Command.make(
  "provision",
  {
    ...connection,
    device,
    image: reference,
    instance,
    noStart: toggle("no-start", "Do not start it"),
    volatile,
    noReplace: toggle("no-replace", "Refuse when a program of that name runs"),
    patience,
    again,
    detach,
    isNoTrial: toggle("no-trial", "Do not wait until the board has kept the image")
  },
  Effect.fn(function* (flags) {
    const progress = makeProgress(flags.json)
    const view = yield* connected(flags)(
      Effect.gen(function* () {
        const client = yield* Client
        const { sha256 } = yield* client.Image({ reference: flags.image })
        // A device that is none is said at once, not when a board has not come for a minute.
        yield* client.Device({ id: flags.device })
        const place: Place = { kind: "session", id: yield* newId }
        const begun = yield* sendTo(
          place,
          "Provision",
          {
            device: flags.device,
            sha256,
            autostart: !flags.noStart,
            persist: !flags.volatile,
            replace: !flags.noReplace,
            stallMillis: flags.patience * 1000,
            again: flags.again,
            ...(Option.isSome(flags.instance) && { instance: flags.instance.value })
          },
          SessionView
        )
        if (flags.detach) return begun
        yield* sayAway(flags.device, `the session waits up to ${flags.patience} s for it`)
        const goesOn = Console.error(
          `the session goes on, and holon sessions shows how far it is; holon session abort ${place.id} ends it`
        )
        return yield* Effect.onInterrupt(
          watchUntil(
            place,
            "Watch",
            {},
            {
              item: SessionView,
              isEnd: ({ endedAt, installed }) => endedAt !== undefined || (flags.isNoTrial && installed === "trial"),
              show: (item) => progress.draw(stepOf(item))
            }
          ),
          () => Effect.andThen(progress.finish, flags.json ? Effect.void : goesOn)
        )
      })
    ).pipe(Effect.ensuring(progress.finish))
    if (flags.json) yield* Console.log(JSON.stringify(view, null, 2))
    const isGood = view.state !== "failed" && view.installed !== "rolled-back" && view.code === undefined
    if (view.failedBefore !== undefined)
      return yield* new ImageFailedBefore({ device: flags.device, ...view.failedBefore })
    if (!isGood) {
      // A board answers with a number alone that an image is nothing for it. What it misses it tells as an event.
      const isMisfit = view.code === codes.ENOTSUP
      const own = isMisfit
        ? yield* connected(flags)(boardsOwnWords(flags.device, codes.ENOTSUP, view.startedAt))
        : Option.none<string>()
      const kind = isMisfit && Option.isNone(own) ? yield* kindOf(flags, view.sha256) : ""
      const detail = Option.getOrElse(own, () => view.detail)
      return yield* new BoardRefused({
        what:
          view.installed === "rolled-back"
            ? `${flags.image} failed on trial, and ${flags.device} took it back`
            : `${flags.image}${kind} on ${flags.device}`,
        code: view.code ?? codes.EIO,
        ...(detail !== undefined && { detail })
      })
    }
    if (flags.json) return
    const name = view.instance ?? view.name ?? flags.image
    yield* Console.log(
      flags.detach
        ? `session ${view.id} has begun; holon sessions shows how far it is`
        : `${name} ${view.version ?? ""} is on ${flags.device}: ${view.installed ?? view.state}`
    )
  })
).pipe(
  Command.withDescription("Bring an image to a board, and wait until the board keeps it"),
  examples(
    ["press-1 blink", "The image of that name, when there is one only"],
    ["press-1 blink@1.2.0 --instance lamp --no-trial", "Under another name; the trial goes on alone"]
  )
)

export const sessions = Command.make(
  "sessions",
  { ...connection },
  Effect.fn(function* (flags) {
    const found = yield* connected(flags)(lookThrough("session", "GetSession", SessionView))
    const views = found.map(({ value }) => value)
    const now = yield* Clock.currentTimeMillis
    const rows = views.map((view) => [
      view.id,
      view.device,
      view.name === undefined ? view.sha256.slice(0, 12) : `${view.name} ${view.version ?? ""}`,
      view.installed ?? view.state,
      view.total === 0 ? "" : `${Math.floor((view.bytes * 100) / view.total)} %`,
      `${ago(now - view.startedAt)} ago`,
      view.detail ?? ""
    ])
    yield* print(flags, views, () =>
      views.length === 0
        ? "no sessions yet"
        : table(["session", "device", "image", "state", "sent", "begun", "detail"], rows)
    )
  })
).pipe(Command.withDescription("List provisioning sessions: each is one image on its way to one board"), examples([""]))
