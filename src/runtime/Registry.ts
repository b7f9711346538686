/** The kinds of actors that every node of this release serves. */
import { delivery } from "../actors/delivery/Delivery.ts"
import { device } from "../actors/device/Device.ts"
import { operator } from "../actors/operator/Operator.ts"
import { patternPartition } from "../actors/pattern/PatternPartition.ts"
import { program } from "../actors/program/Program.ts"
import * as Registry from "../actors/Registry.ts"
import { rollout } from "../actors/rollout/Rollout.ts"
import { session } from "../actors/session/Session.ts"
import { subscription } from "../actors/subscription/Subscription.ts"
import { vsm } from "../actors/vsm/Vsm.ts"
import { auditor } from "../systems/audit/Auditor.ts"
import { coordinator } from "../systems/coordination/Coordinator.ts"
import { dispatcher } from "../systems/operations/dispatcher/Dispatcher.ts"
import { algedonic } from "../systems/policy/algedonic/Channel.ts"
import { immune } from "../systems/policy/immune/Immune.ts"
import { recursion } from "../systems/policy/recursion/Recursion.ts"
import { policyKeeper } from "../systems/policy/rule/Keeper.ts"

export const registry: Registry.Registry = Registry.make([
  device,
  session,
  program,
  rollout,
  operator,
  patternPartition,
  delivery,
  subscription,
  vsm,
  coordinator,
  dispatcher,
  recursion,
  auditor,
  algedonic,
  policyKeeper,
  immune
])
