/** What one source becomes before it is linked: code and data from 0, and what is still to be filled in. */
import type { CommandEntry, MailboxEntry, ValueEntry } from "../../../src/protocol/hxe/Hxe.ts"
import type { Place } from "./Diagnostic.ts"
import type { Expression } from "./Literals.ts"
import type { Field } from "./Relocation.ts"

/** Where something stands: `text` is code, `data` the rodata that a program finds at 0x4000. */
export type Section = "text" | "data"

/** A name for an offset in a section of its object. */
export interface Label {
  readonly section: Section
  readonly offset: number
  readonly place: Place
}

/** A number that is put in once it is known where everything lies. */
export interface Relocation {
  readonly section: Section
  /** Offset of the word, half or byte in its section. */
  readonly offset: number
  readonly field: Field
  readonly expression: Expression
  readonly place: Place
}

/** Something declared, and where. */
export interface Declared<Entry> {
  readonly entry: Entry
  readonly place: Place
}

/** A command whose handler is a label until it is linked. */
export interface DeclaredCommand extends Declared<Omit<CommandEntry, "handlerOffset">> {
  readonly handler: Expression
}

/** Where a program starts: a label, or an offset in the code of the object. */
export interface Entry {
  readonly at: string | number
  readonly place: Place
}

/** One assembled source. */
export interface ObjectCode {
  readonly file: string
  readonly code: ReadonlyArray<number>
  readonly data: ReadonlyArray<number>
  readonly relocations: ReadonlyArray<Relocation>
  /** Every label, those that others may not use too. */
  readonly labels: ReadonlyMap<string, Label>
  /** Labels that other objects may use. */
  readonly exports: ReadonlySet<string>
  /** Names that other objects define, and where they are asked for. */
  readonly imports: ReadonlyMap<string, Place>
  readonly entry: Entry | undefined
  readonly values: ReadonlyArray<Declared<ValueEntry>>
  readonly commands: ReadonlyArray<DeclaredCommand>
  readonly mailboxes: ReadonlyArray<Declared<MailboxEntry>>
}
