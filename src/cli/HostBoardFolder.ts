/** The folder of a host board, for one process at a time: two would each run the commands the other has run. */
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { ownDataFolder } from "../runtime/storage/DataFolder.ts"

/** A living process of this machine runs the board. */
export class HostBoardRunning extends Schema.TaggedError<HostBoardRunning>()("HostBoardRunning", {
  id: Schema.String,
  pid: Schema.Int
}) {
  override get message() {
    return `the host board "${this.id}" runs already (process ${this.pid}); stop that, or give this one a name of its own with --id`
  }
}

/** The folder, for the scope. One that cannot be used is the board's own to say: it runs without. */
export const ownHostBoardFolder = (data: string, id: string) => {
  const folder = join(data, "boards", id)
  return ownDataFolder(folder).pipe(
    Effect.catchTag("DataFolderUnusable", () => Effect.succeed(folder)),
    Effect.catchTag("DataFolderInUse", ({ pid }) => Effect.fail(new HostBoardRunning({ id, pid })))
  )
}
