/** Programs of a board that nobody has brought one yet: large fleets have thousands of them, and each store costs its room. */
import type { Command, Execution } from "../agent/Application.ts"
import type { ImageState, Programs } from "../agent/Programs.ts"
import { sweepCommand } from "./Sweep.ts"

/** Says that there is nothing, until something is asked for: then the real ones are made and answer. */
export class UntouchedPrograms implements Programs {
  readonly kinds: ReadonlyArray<number>
  readonly commands: ReadonlySet<string> = new Set([sweepCommand])
  readonly #make: () => Programs
  #made: Programs | undefined

  constructor(kinds: ReadonlyArray<number>, make: () => Programs) {
    this.kinds = kinds
    this.#make = make
  }

  readonly start = (): void => {}
  readonly stop = (orderly: boolean): void => this.#made?.stop(orderly)
  readonly offer: Programs["offer"] = (frame) => this.#real.offer(frame)
  readonly chunk: Programs["chunk"] = (frame) => this.#real.chunk(frame)
  readonly operate: Programs["operate"] = (frame) => this.#real.operate(frame)
  readonly control: Programs["control"] = (frame) => this.#real.control(frame)
  readonly getValues: Programs["getValues"] = (frame) => this.#real.getValues(frame)
  readonly setValue: Programs["setValue"] = (frame) => this.#real.setValue(frame)
  readonly watchValue: Programs["watchValue"] = (frame) => this.#real.watchValue(frame)
  readonly sendMail: Programs["sendMail"] = (frame) => this.#real.sendMail(frame)
  readonly tapMail: Programs["tapMail"] = (frame) => this.#real.tapMail(frame)
  readonly execute = (command: Command, execution: Execution) => this.#real.execute(command, execution)
  readonly imageStates = (): ReadonlyArray<ImageState> => this.#made?.imageStates() ?? [{ xfer: 0, state: 0 }]
  readonly programStatus: Programs["programStatus"] = () =>
    this.#made?.programStatus() ?? { type: "program-status", programs: [], all: true }

  get #real(): Programs {
    if (this.#made === undefined) {
      this.#made = this.#make()
      this.#made.start()
    }
    return this.#made
  }
}
