/** Where a command finds what the cluster of this folder has written. */
import { Effect } from "effect"
import { loadConfig } from "../runtime/ConfigFile.ts"

/** The data folder that the config of the working folder names. */
export const dataFolder = Effect.map(loadConfig(), ({ data }) => data)
