import { defineCluster } from "./src/runtime/Config.ts"

/** The cluster that `npm start` runs. Every field has a default; an editor shows what each one means. */
export default defineCluster({
  // What the simulated boards measure: conditions may say `temp > 300K`.
  units: { temp: "°C", power: "W" }
})
