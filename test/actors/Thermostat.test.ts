/** The model actor: contract, behaviour and tests as an author of actors writes them. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Schema } from "effect"
import * as Behaviour from "../../src/actors/Behaviour.ts"
import type { Reply } from "../../src/actors/Envelope.ts"
import * as Contract from "../../src/protocol/Contract.ts"
import { decodeJournalBody } from "../../src/protocol/JournalBody.ts"
import { ActorRig, epoch } from "../support/ActorRig.ts"

/** A temperature the sensor can report. Range: DS18B20 data sheet, "Features". */
const Celsius = Schema.Finite.check(Schema.isBetween({ minimum: -55, maximum: 125 })).pipe(Schema.brand("Celsius"))
type Celsius = typeof Celsius.Type

/** Heater relay: `closed` heats. */
const Relay = Schema.Literals(["open", "closed"])
type Relay = typeof Relay.Type

/** The desired `target`, the installer's `ceiling`, and the relay last ordered. */
class ThermostatState extends Schema.Class<ThermostatState>("ThermostatState")({
  target: Celsius,
  ceiling: Celsius,
  relay: Relay
}) {}

/** The ceiling forbids this target. Permanent for this command; send a lower one. */
class TargetAboveCeiling extends Schema.TaggedError<TargetAboveCeiling>()(
  "TargetAboveCeiling",
  { target: Celsius, ceiling: Celsius },
  { httpApiStatus: 409 }
) {}

const Thermostat = Contract.make("Thermostat", {
  state: ThermostatState,
  messages: {
    /** Moves the target. A repeat with the same request id gets the first reply. */
    SetTarget: Contract.once({
      payload: { target: Celsius },
      success: ThermostatState,
      error: TargetAboveCeiling,
      audience: "operator",
      capability: "thermostat.set"
    }),
    /** One sensor sample. The next one replaces a lost one. Replies with the relay order. */
    ReportReading: Contract.idempotent({
      payload: { celsius: Celsius, takenAt: Schema.DateTimeUtc },
      success: Relay,
      audience: "board"
    }),
    GetState: Contract.query({ success: ThermostatState, audience: "operator", capability: "thermostat.read" })
  },
  events: {
    /** The heater was ordered on or off. */
    "thermostat.switched": Schema.Struct({ relay: Relay, celsius: Celsius })
  }
})

/** Half the dead band, °C. A narrower band wears the relay. */
const hysteresis = 0.5
const factoryState = new ThermostatState({ target: Celsius.make(19), ceiling: Celsius.make(26), relay: "open" })

/** Two-point control: inside the dead band the relay stays as it is. */
const regulate = (state: ThermostatState, celsius: Celsius): Relay => {
  if (celsius <= state.target - hysteresis) return "closed"
  if (celsius >= state.target + hysteresis) return "open"
  return state.relay
}

const thermostat = Behaviour.make(Thermostat, {
  initial: () => factoryState,

  SetTarget: (state, { target }) => {
    if (target > state.ceiling) return Behaviour.refuse(new TargetAboveCeiling({ target, ceiling: state.ceiling }))
    const next = new ThermostatState({ ...state, target })
    return { state: next, reply: next }
  },

  ReportReading: (state, { celsius }) => {
    const relay = regulate(state, celsius)
    if (relay === state.relay) return { reply: relay }
    return {
      state: new ThermostatState({ ...state, relay }),
      reply: relay,
      events: [{ type: "thermostat.switched", data: { relay, celsius } }]
    }
  },

  GetState: (state) => ({ reply: state })
})

/** A table whose reactions take their context apart; that it compiles is what it is for. */
const timed = Behaviour.make(
  Contract.make("timed", {
    state: Schema.Struct({ due: Schema.NullOr(Schema.Finite) }),
    messages: { Start: Contract.idempotent({ payload: { millis: Schema.Finite }, audience: "operator" }) }
  }),
  {
    initial: () => ({ due: null }),
    awake: (_state, now) => ({ since: now }),
    dueAt: ({ due }) => due ?? undefined,
    timeout: ({ due }, { now, resident }) =>
      due !== null && due <= now
        ? { state: { due: null }, events: [{ type: "timed.rang", data: { awakeFor: now - resident.since } }] }
        : {},
    Start: (_state, { millis }, { now }) => ({ state: { due: now + millis } })
  }
)

const room = { kind: "Thermostat", id: "T-100" }
const board = { kind: "device", id: "T-100", role: "board" } as const
const warm = Celsius.make(23)

const stateOf = (reply: Reply): ThermostatState => {
  if (reply._tag !== "Success" || !(reply.value instanceof ThermostatState)) throw new Error(`no state: ${reply._tag}`)
  return reply.value
}

describe("Thermostat", () => {
  it("refuses a target above the ceiling and changes nothing", () => {
    const rig = new ActorRig([thermostat])
    const refusal = rig.ask(room, "SetTarget", { target: Celsius.make(30) })
    const expected = new TargetAboveCeiling({ target: Celsius.make(30), ceiling: Celsius.make(26) })
    assert.deepStrictEqual(refusal, { _tag: "Refused", error: expected })
    assert.strictEqual(stateOf(rig.ask(room, "GetState", {})).target, 19)
  })

  it("keeps its target when its node dies after the commit and before the reply", () => {
    const rig = new ActorRig([thermostat])
    const requestId = rig.requestId()
    rig.nextCommits.push("lost after writing")
    rig.send(room, "SetTarget", { target: warm }, { requestId })
    rig.advance()
    rig.residency.stop()
    rig.residency.dropAll()
    rig.start("node-2")
    assert.strictEqual(stateOf(rig.ask(room, "SetTarget", { target: warm }, { requestId })).target, warm)
    assert.strictEqual(rig.rows.get("Thermostat/T-100")?.version, 3) // wake, change, wake again
  })

  it("says on the stream that it has switched the heater, and only then", () => {
    const rig = new ActorRig([thermostat])
    const takenAt = DateTime.makeUnsafe(epoch)
    const report = (celsius: number): Reply =>
      rig.ask(room, "ReportReading", { celsius: Celsius.make(celsius), takenAt }, { asker: board })
    assert.deepStrictEqual(report(18), { _tag: "Success", value: "closed" })
    assert.deepStrictEqual(report(17), { _tag: "Success", value: "closed" })
    const records = rig.journal.flatMap(({ body }) => decodeJournalBody(body))
    assert.deepStrictEqual(
      records.map(({ type, data }) => ({ type, data })),
      [{ type: "thermostat.switched", data: { relay: "closed", celsius: 18 } }]
    )
  })

  it("takes readings from its own board only", () => {
    const rig = new ActorRig([thermostat])
    const reading = { celsius: warm, takenAt: DateTime.makeUnsafe(epoch) }
    const reply = rig.ask(room, "ReportReading", reading, { asker: { ...board, id: "T-200" } })
    assert.strictEqual(reply._tag === "Failed" ? reply.error._tag : reply._tag, "PolicyDenied")
  })
})

describe("regulate", () => {
  it.prop(
    "switches outside the dead band, holds inside it",
    { state: ThermostatState, celsius: Celsius },
    ({ state, celsius }) => {
      const error = celsius - state.target
      const expected = error <= -hysteresis ? "closed" : error >= hysteresis ? "open" : state.relay
      assert.strictEqual(regulate(state, celsius), expected)
    }
  )
})

describe("a table that takes its context apart", () => {
  it("sees the time and its memory", () => {
    const rig = new ActorRig([timed])
    const address = { kind: "timed", id: "t" }
    rig.ask(address, "Start", { millis: 500 })
    rig.advance(1000)
    const records = rig.journal.flatMap(({ body }) => decodeJournalBody(body))
    assert.deepStrictEqual(
      records.map(({ data }) => data),
      [{ awakeFor: 500 }]
    )
  })
})
