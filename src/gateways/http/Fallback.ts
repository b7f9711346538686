/** What stands at no path of the API: a sentence for whoever mistyped a kind or a message, and the way to the documentation. */
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { Registry } from "../../actors/Registry.ts"
import { NotFound, UnknownCapability } from "../../protocol/Errors.ts"
import { nearest } from "../../protocol/Nearest.ts"
import { isForPeople } from "./Describe.ts"

const messagePath = /^\/api\/([^/]+)\/[^/]+\/([^/]+)\/?$/

/** Why there is nothing at that path. */
export const explain = (registry: Registry, path: string): NotFound | UnknownCapability => {
  const [, kind, message] = messagePath.exec(path) ?? []
  if (kind === undefined || message === undefined) return new NotFound({ what: `${path}; /docs shows what there is` })
  const type = registry.get(kind)
  if (type === undefined)
    return new UnknownCapability({ name: `actor kind ${kind}`, suggestions: nearest(kind, [...registry.keys()]) })
  const names = Object.entries(type.behaviour.contract.messages).flatMap(([name, shown]) =>
    isForPeople(shown) && shown.delivery !== "watch" ? [name] : []
  )
  if (names.includes(message)) return new NotFound({ what: `${path} but for POST` })
  return new UnknownCapability({ name: `message ${message} of ${kind}`, suggestions: nearest(message, names) })
}

const notFound = (registry: Registry) =>
  Effect.gen(function* () {
    const { url } = yield* HttpServerRequest.HttpServerRequest
    const error = explain(registry, url.split("?", 1)[0] ?? url)
    return HttpServerResponse.jsonUnsafe({ ...error, message: error.message }, { status: 404 })
  })

/** The front page, until there is a dashboard, is the documentation. */
export const layer = (registry: Registry) =>
  Layer.mergeAll(
    HttpRouter.add("GET", "/", HttpServerResponse.redirect("/docs")),
    HttpRouter.add("*", "/*", notFound(registry))
  )
