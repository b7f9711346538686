/** All ways by which an image reaches a board, each over a medium of chosen faults, for the suite that holds for all of them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Result } from "effect"
import { refusal } from "../../../../devices/provisioning/ErrorCodes.ts"
import { boardCaller } from "../../../../devices/provisioning/LoaderCalls.ts"
import { source } from "../../../../devices/provisioning/Source.ts"
import { CanBroadcastListener } from "../../../../devices/provisioning/transports/CanBroadcastListener.ts"
import { CanBroadcastMaster } from "../../../../devices/provisioning/transports/CanBroadcastMaster.ts"
import { canClient, serveCan } from "../../../../devices/provisioning/transports/CanUnicast.ts"
import { fileTransport } from "../../../../devices/provisioning/transports/File.ts"
import { pull } from "../../../../devices/provisioning/transports/PullLoad.ts"
import { loadSdPlan, readSdPlan, sdTransport } from "../../../../devices/provisioning/transports/SdCard.ts"
import { UartChannel } from "../../../../devices/provisioning/transports/UartFraming.ts"
import { serveUart, uartClient } from "../../../../devices/provisioning/transports/UartLoad.ts"
import type { Refused } from "../../../../devices/Refused.ts"
import { codes } from "../../../../src/protocol/Codes.ts"
import { type LoaderRig, user } from "../LoaderRig.ts"
import { type Faults, FaultyBus, FaultyLine, faultyFiles } from "./FaultyMedia.ts"

/** How it ended at the sender, or for the board itself where it fetches. */
export type Ended = Result.Result<number, Refused>

/** One image on its way. */
export interface Carriage {
  /** From now on nothing gets through. */
  readonly cut: () => void
  /** Gives folders and the like back. */
  readonly close: () => void
}

/** A way. */
export interface Way {
  readonly name: string
  /** What this way must carry an image through, with the retries it has. */
  readonly faults: Faults
  /** A moment in the middle of an image of 40,000 bytes. */
  readonly middleMillis: number
  readonly carry: (
    rig: LoaderRig,
    image: Uint8Array,
    medium: { readonly random: () => number; readonly faults: Faults },
    ended: (result: Ended) => void
  ) => Carriage
}

const board = { node: 5, capabilities: () => 0xff, codeBytesFree: () => 65_536 }

const pidOf = <A extends { readonly pid: number }, E>(result: Result.Result<A, E>): Result.Result<number, E> =>
  Result.map(result, ({ pid }) => pid)

const file: Way = {
  name: "files",
  faults: { loss: 0.3, repeat: 0, late: 0, bit: 0 },
  middleMillis: 0,
  carry: (rig, image, { faults, random }, ended) => {
    const folder = mkdtempSync(join(tmpdir(), "holon-way-"))
    writeFileSync(join(folder, "a.hxe"), image)
    let now = faults
    const transport = faultyFiles(fileTransport(folder), random, () => now)
    pull(
      { loader: rig.loader, transport, clock: rig.time.clock() },
      { uri: "a.hxe", begin: { source: source.file("a.hxe") } },
      user,
      (reply) => ended(pidOf(reply))
    )
    return {
      cut: () => {
        now = { ...faults, loss: 1 }
      },
      close: () => rmSync(folder, { recursive: true })
    }
  }
}

const sd: Way = {
  name: "a card",
  faults: { loss: 0.3, repeat: 0, late: 0, bit: 0 },
  middleMillis: 0,
  carry: (rig, image, { faults, random }, ended) => {
    const folder = mkdtempSync(join(tmpdir(), "holon-way-"))
    mkdirSync(join(folder, "hsx"))
    writeFileSync(join(folder, "hsx", "a.hxe"), image)
    writeFileSync(join(folder, "hsx", "manifest.json"), JSON.stringify({ version: 1, image: [{ path: "a.hxe" }] }))
    let now = faults
    const transport = faultyFiles(sdTransport(folder), random, () => now)
    const parts = { loader: rig.loader, transport, clock: rig.time.clock() }
    readSdPlan(parts, 5, (plan) => {
      if (Result.isFailure(plan)) return ended(Result.fail(plan.failure))
      loadSdPlan(parts, plan.success, boardCaller, ({ reports }) => {
        const [report] = reports
        ended(report === undefined ? Result.fail(refusal("ENOENT", "entry")) : pidOf(report.result))
      })
    })
    return {
      cut: () => {
        now = { ...faults, loss: 1 }
      },
      close: () => rmSync(folder, { recursive: true })
    }
  }
}

const uart: Way = {
  name: "a serial line",
  faults: { loss: 1e-4, repeat: 0.003, late: 0.003, bit: 1e-5 },
  middleMillis: 30,
  carry: (rig, image, { faults, random }, ended) => {
    const line = new FaultyLine(rig.time, random, faults)
    const clock = rig.time.clock()
    serveUart(new UartChannel(line.ends[0]), "tty0", { loader: rig.loader, clock, board, level: 1 })
    uartClient(new UartChannel(line.ends[1]), clock, 7).push(image, { label: "way" }, (result) => ended(pidOf(result)))
    return {
      cut: () => {
        line.isCut = true
      },
      close: () => {}
    }
  }
}

const canUnicast: Way = {
  name: "CAN to one board",
  faults: { loss: 0.004, repeat: 0.002, late: 0.002, bit: 1e-5 },
  middleMillis: 400,
  carry: (rig, image, { faults, random }, ended) => {
    const bus = new FaultyBus(rig.time, random, faults)
    const clock = rig.time.clock()
    serveCan(bus.join(), "can0", { loader: rig.loader, clock, board, level: 1 })
    const { client } = canClient(bus.join(), clock, 5, { firstXfer: 7, chunkBytesMax: 64 })
    client.push(image, { label: "way" }, (result) => ended(pidOf(result)))
    return {
      cut: () => {
        bus.isCut = true
      },
      close: () => {}
    }
  }
}

const canBroadcast: Way = {
  name: "CAN to many boards",
  faults: { loss: 0.1, repeat: 0.02, late: 0.02, bit: 1e-4 },
  middleMillis: 400,
  carry: (rig, image, { faults, random }, ended) => {
    const bus = new FaultyBus(rig.time, random, faults)
    const clock = rig.time.clock()
    new CanBroadcastListener({
      bus: bus.join(),
      clock,
      loader: rig.loader,
      node: 5,
      channelName: "can0",
      allowsUnsigned: true
    })
    new CanBroadcastMaster(
      bus.join(),
      clock,
      { image, xfer: 7, flags: 1, expected: [5] },
      ([outcome]) => {
        if (outcome === undefined) ended(Result.fail(refusal("ETIMEDOUT", "no_node")))
        else if (outcome.status === codes.ok) ended(Result.succeed(outcome.pid))
        else ended(Result.fail({ code: outcome.status, detail: "broadcast" }))
      },
      { rounds: 10, silentPolls: 6 }
    )
    return {
      cut: () => {
        bus.isCut = true
      },
      close: () => {}
    }
  }
}

/** Every way there is. */
export const ways: ReadonlyArray<Way> = [file, sd, canUnicast, canBroadcast, uart]
