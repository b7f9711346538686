/** `npm run bench`: what the cluster costs, each figure beside its baseline. `npm run bench -- NAME … --quick`. */
import { asks } from "./asks.ts"
import { audit } from "./audit.ts"
import { boots } from "./boot.ts"
import { commits } from "./commits.ts"
import { condition } from "./condition.ts"
import { dispatch } from "./dispatch.ts"
import { failover } from "./failover.ts"
import { frames, framesInCluster } from "./frames.ts"
import { hxe } from "./hxe.ts"
import { machine } from "./machine.ts"
import { memory } from "./memory.ts"
import { patterns } from "./patterns.ts"
import { policies } from "./policies.ts"
import { provisioning } from "./provisioning.ts"
import { push } from "./push.ts"
import type { BenchOptions } from "./Rounds.ts"
import { rates } from "./rates.ts"
import { reaction } from "./reaction.ts"
import { search } from "./search.ts"
import { seeds } from "./seeds.ts"
import { signals } from "./signals.ts"
import { temporal } from "./temporal.ts"
import { vsms } from "./vsms.ts"
import { fleetWords } from "./words.ts"

const benches: Readonly<Record<string, (options: BenchOptions) => Promise<void>>> = {
  frames,
  "frames-in-cluster": framesInCluster,
  asks,
  commits,
  push,
  provisioning,
  memory,
  dispatch,
  failover,
  boot: boots,
  hxe,
  condition,
  temporal,
  patterns,
  policies,
  rates,
  reaction,
  search,
  seeds,
  machine,
  vsms,
  signals,
  audit,
  words: fleetWords
}

const words = process.argv.slice(2)
const isQuick = words.includes("--quick")
const names = words.filter((word) => !word.startsWith("--"))
const unknown = words.find((word) => word !== "--quick" && benches[word] === undefined)
if (unknown !== undefined) {
  console.error(`there is no bench ${unknown}; there are ${Object.keys(benches).join(", ")}, and --quick`)
  process.exit(1)
}
for (const [name, bench] of Object.entries(benches))
  if (names.length === 0 || names.includes(name)) await bench({ isQuick })
process.exit(0)
