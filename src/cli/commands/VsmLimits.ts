/** `holon vsm limits`: what bounds the tree of VSMs. */
import { Clock, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { RecursionView } from "../../protocol/vsm/Recursion.ts"
import { rootId } from "../../protocol/vsm/VsmId.ts"
import { examples } from "../Examples.ts"
import { type Place, sendTo } from "../Following.ts"
import { connected, connection } from "../Globals.ts"
import { wholeNumber } from "../Numbers.ts"
import { print } from "../Print.ts"
import { ago, table } from "../Table.ts"

const bound = (name: string, minimum: number, maximum: number, about: string) =>
  wholeNumber(name, minimum, maximum).pipe(Flag.withDescription(about), Flag.optional)

export const limits = Command.make(
  "limits",
  {
    ...connection,
    depth: bound("depth", 2, 8, "Set how deep VSMs stand in a cluster that is neither idle nor busy"),
    children: bound("children", 1, 32, "Set how many children a VSM may have"),
    total: bound("total", 1, 1024, "Set how many VSMs there may be below the root"),
    perMinute: bound("per-minute", 1, 1024, "Set how many VSMs a parent may spawn a minute"),
    burst: bound("burst", 1, 1024, "Set how many VSMs a parent may spawn at once"),
    sameTemplate: bound("same-template", 1, 8, "Set how many VSMs of one template may stand below each other")
  },
  Effect.fn(function* (flags) {
    const { depth, children, total, perMinute, burst, sameTemplate } = flags
    const wanted = Object.entries({ depth, children, total, perMinute, burst, sameTemplate })
    const changes = Object.fromEntries(
      wanted.flatMap(([name, value]) => (Option.isSome(value) ? [[name, value.value]] : []))
    )
    const place: Place = { kind: "recursion", id: rootId }
    const view = yield* connected(flags)(
      Object.keys(changes).length === 0
        ? sendTo(place, "GetLimits", {}, RecursionView)
        : sendTo(place, "SetBounds", changes, RecursionView)
    )
    const now = yield* Clock.currentTimeMillis
    const { bounds, depthLimit } = view
    yield* print(flags, view, () =>
      [
        table(
          ["limit", "value", "now"],
          [
            ["depth", bounds.depth, `${depthLimit}, by how busy the cluster is`],
            ["children of one VSM", bounds.children, ""],
            ["VSMs below the root", bounds.total, `${view.total}, ${view.onTheWay} of them on their way`],
            ["spawns a minute of one parent", bounds.perMinute, ""],
            ["spawns at once of one parent", bounds.burst, ""],
            ["of one template below each other", bounds.sameTemplate, ""]
          ]
        ),
        ...view.open.map(({ parent, until }) => `the breaker of ${parent} is open for ${ago(until - now)} more`)
      ].join("\n")
    )
  })
).pipe(
  Command.withDescription("Show or set what bounds the tree of VSMs"),
  examples([""], ["--depth 6 --per-minute 60", "Deeper, and faster"])
)
