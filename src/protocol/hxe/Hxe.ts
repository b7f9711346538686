/**
 * What an HXE image holds: the container in which compiled programs reach a board. All numbers of its header and tables are
 * big-endian.
 */

/** Why an image is refused. A plain value, because it is also a board's answer. Permanent for these bytes. */
export interface HxeRefused {
  /** A number of `codes`: EBADMSG for what is malformed, ENOSPC for what is too large to be taken. */
  readonly code: number
  /** The check that failed, as a token such as `crc_mismatch` or `unsupported_version:3`. */
  readonly detail: string
}

/** "HSXE". */
export const magic = 0x48_53_58_45
/** Bytes of a header, by version. Code follows at once. */
export const headerBytes = { 1: 32, 2: 96 } as const
/** Where the header's CRC stands. */
export const crcOffset = 0x1c
/** Bytes of a row of the section table. */
export const rowBytes = 16
/** Bytes of an entry of each kind, before its section's strings. */
export const entryBytes = { value: 20, command: 16, mailbox: 16 } as const
/** Most bytes of a manifest. */
export const manifestBytesMax = 4096
/** Most bytes of code, of rodata and of bss. */
export const partBytesMax = 0x1_0000
/** Where rodata begins in a program's data memory. */
export const rodataAddress = 0x4000
/** Bytes of a program's stack unless its manifest says otherwise. */
export const stackBytesDefault = 0x1000
/** Most sections of a strict image. */
export const sectionsMax = 64
/** Longest name of a program. */
export const appNameMax = 31

/** Bits of the header's flags. The others are reserved. */
export const headerFlags = { manifest: 0x0001, multiple: 0x0002 } as const

/** Numbers of the section types. Others are kept in the table and not read. */
export const sectionTypes = { value: 1, command: 2, mailbox: 3, signature: 0xf0 } as const

/** Bits of a value's flags. */
export const valueFlags = { readOnly: 0x01, persist: 0x02, sticky: 0x04, pin: 0x08, bool: 0x10 } as const

/** Bits of a command's flags. */
export const commandFlags = { pin: 0x01, async: 0x02 } as const

/** Who may touch a value or call a command. */
export const authLevels = { public: 0, user: 1, admin: 2, factory: 3 } as const

/** Bits of `requiredCaps` that say what a program needs of its board. */
export const capabilities = {
  mailbox: 0x01,
  valueCommand: 0x02,
  nv: 0x04,
  can: 0x08,
  uart: 0x10,
  f16: 0x20,
  files: 0x40,
  hal: 0x80
} as const

/** Mailboxes a program needs beyond the four that every task has: bits 8 to 15 of `requiredCaps`. */
export const mailboxesNeeded = (requiredCaps: number): number => (requiredCaps >>> 8) & 0xff

/** The header's fields, and what its flags mean for this version. */
export interface HxeHeader {
  readonly version: 1 | 2
  /** All 16 bits. */
  readonly flags: number
  /** Byte offset into the code at which a program starts. */
  readonly entry: number
  readonly codeLength: number
  readonly rodataLength: number
  /** Bytes of zeroed memory after rodata. */
  readonly bssSize: number
  readonly requiredCaps: number
  /** As written; it covers neither itself nor the rest of a version 2 header. */
  readonly crc32: number
  /** Trimmed; a version 1 image has none. */
  readonly appName: string | undefined
  /** File offset of the section table, 0 for none. */
  readonly metaOffset: number
  readonly metaCount: number
  /** A version 1 image always allows it. */
  readonly allowsMultiple: boolean
  readonly hasManifest: boolean
}

/** A row of the section table. */
export interface HxeSection {
  /** A number of {@link sectionTypes}, or one that is not known here. */
  readonly type: number
  /** From the start of the file. */
  readonly offset: number
  readonly size: number
  readonly entryCount: number
}

/** A value that a program publishes. Numbers named `…Bits` are halves: `f16Value` reads them. */
export interface ValueEntry {
  readonly groupId: number
  readonly valueId: number
  /** Bits of {@link valueFlags}. */
  readonly flags: number
  readonly authLevel: number
  readonly initBits: number
  /** Smallest change that counts; 0 for any. */
  readonly epsilonBits: number
  /** With both bounds 0, the value has no range. */
  readonly minimumBits: number
  readonly maximumBits: number
  /** 0 for a value that is not kept over a restart. */
  readonly persistKey: number
  readonly name: string | undefined
  readonly unit: string | undefined
  readonly groupName: string | undefined
}

/** A command that a program offers. */
export interface CommandEntry {
  readonly groupId: number
  readonly commandId: number
  /** Bits of {@link commandFlags}. */
  readonly flags: number
  readonly authLevel: number
  /** Byte offset into the code. */
  readonly handlerOffset: number
  readonly name: string | undefined
  readonly help: string | undefined
  readonly groupName: string | undefined
}

/** A value of JSON. */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject

/** An object of JSON. */
export interface JsonObject {
  readonly [key: string]: Json
}

/** A mailbox that a program wants bound. */
export interface MailboxEntry {
  readonly target: string
  readonly capacity: number
  /** Bits of `mailboxModes`, as declared: `effectiveMode` adds what they imply. */
  readonly modeMask: number
  /** The task it is bound to, if not the one that is loaded. */
  readonly ownerPid: number | undefined
  /** Kept, not acted on. */
  readonly bindings: ReadonlyArray<{ readonly pid: number; readonly flags: number }>
  /** Kept as it came. */
  readonly reserved: Json | undefined
  /** The entry as the programmer wrote it: what a writer passes through. */
  readonly declared: JsonObject
}

/** Everything that follows the rodata but for trailers. Sections of one type are joined. */
export interface HxeMetadata {
  readonly sections: ReadonlyArray<HxeSection>
  readonly values: ReadonlyArray<ValueEntry>
  readonly commands: ReadonlyArray<CommandEntry>
  readonly mailboxes: ReadonlyArray<MailboxEntry>
}

/** A record of the non-volatile memory that a program wants loaded or saved. */
export interface FramKey {
  readonly key: number
  readonly mode: "load" | "save" | "loadsave"
  readonly length: number
  readonly crc: number | undefined
}

/** What a program says of itself beyond the header. Every field may be absent. */
export interface HxeManifest {
  readonly pid?: number | undefined
  readonly imageName?: string | undefined
  /** A semantic version. */
  readonly version?: string | undefined
  /** Joined with the header's. */
  readonly requiredCaps?: number | undefined
  readonly stackSizeBytes?: number | undefined
  readonly heapSizeBytes?: number | undefined
  /** Added to the persist key of each value. */
  readonly persistKeyBase?: number | undefined
  /** Start values, by `group:id`. */
  readonly defaults?: { readonly [oid: string]: number } | undefined
  readonly framKeys?: ReadonlyArray<FramKey> | undefined
  readonly mailboxes?: ReadonlyArray<string> | undefined
}

/** Numbers of the signature algorithms. */
export const signatureAlgorithms = { ed25519: 1, rsaPss: 2 } as const

/** The signature of an image, read but not verified. */
export interface HxeSignature {
  /** A number of {@link signatureAlgorithms}. */
  readonly algorithm: number
  /** First eight bytes of the SHA-256 of the public key, in hexadecimal. */
  readonly keyId: string
  /** A board refuses a program whose number is lower than one it took before. */
  readonly securityVersion: number
  readonly signature: Uint8Array
  /** Where the signature's bytes begin in the file; 0 for one that rests beside it. */
  readonly offset: number
}

/** All that a board needs of an image but its code and rodata. */
export interface HxeFacts {
  readonly header: HxeHeader
  readonly metadata: HxeMetadata
  readonly manifest: HxeManifest | undefined
  readonly signature: HxeSignature | undefined
}

/** An image that passed the checks. Its code and rodata are views of the bytes it was read from. */
export interface HxeImage extends HxeFacts {
  readonly code: Uint8Array
  readonly rodata: Uint8Array
}

/** How an image is read. */
export interface HxeOptions {
  /**
   * Whether to refuse what older loaders let pass: reserved flags, sections that overlap, handlers outside the code, one id
   * twice, a name without an end, rodata in the stack, a bad manifest or signature section. Default true.
   */
  readonly strict?: boolean
}
