import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { HxeManifest, HxeMetadata, JsonObject, ValueEntry } from "../../../src/protocol/hxe/Hxe.ts"
import { readHxe } from "../../../src/protocol/hxe/HxeReader.ts"
import { type HxeParts, partsOf, writeHxe } from "../../../src/protocol/hxe/HxeWriter.ts"
import { effectiveMode, modeOf } from "../../../src/protocol/hxe/Mailboxes.ts"
import { described, full, fullManifest, hexOf } from "./Golden.ts"
import { edited, mailboxSection, type RawSection, sealed, u16, u32, utf8, withSections } from "./RawImage.ts"

const metadataOf = (bytes: Uint8Array): HxeMetadata => Result.getOrThrow(readHxe(bytes)).metadata

const detailOf = (bytes: Uint8Array, strict = true): string =>
  Result.match(readHxe(bytes, { strict }), { onSuccess: () => "taken", onFailure: ({ detail }) => detail })

const ret: HxeParts = { entry: 0, code: Uint8Array.of(0x25, 0, 0, 0) }

const value = (groupId: number, valueId: number, name?: string, unit?: string, groupName?: string): ValueEntry => ({
  groupId,
  valueId,
  flags: 0,
  authLevel: 0,
  initBits: 0,
  epsilonBits: 0,
  minimumBits: 0,
  maximumBits: 0,
  persistKey: 0,
  name,
  unit,
  groupName
})

describe("sections", () => {
  it("of one type are joined, and of an unknown type kept as rows", () => {
    const one = full.subarray(0xbb, 0xf2)
    const other = edited(one, [0, [3, 1]], [20, [3, 2]])
    const sections = [
      { type: 1, count: 2, payload: one },
      { type: 0x77, count: 9, payload: utf8("whatever") },
      { type: 1, count: 2, payload: other }
    ]
    const { values, sections: rows } = metadataOf(withSections(sections))
    assert.deepStrictEqual(
      values.map(({ groupId, valueId, name }) => `${groupId}:${valueId} ${name}`),
      ["1:9 lamp", "2:1 rpm", "3:1 lamp", "3:2 rpm"]
    )
    assert.deepStrictEqual(rows[1], { type: 0x77, offset: 96 + 8 + 48 + 55, size: 8, entryCount: 9 })
  })

  it("may stand behind a gap and at any offset", () => {
    const section = { type: 1, count: 2, payload: full.subarray(0xbb, 0xf2) }
    for (let gap = 0; gap < 5; gap++)
      assert.strictEqual(metadataOf(withSections([section], { gap, rodata: [1] })).values.length, 2)
  })

  it("may be empty", () => {
    const nothing = { type: 1, count: 0, payload: new Uint8Array() }
    assert.deepStrictEqual(metadataOf(withSections([nothing, { ...nothing, type: 2 }])).values, [])
    assert.deepStrictEqual(metadataOf(withSections([{ ...nothing, type: 3 }])).mailboxes, [])
  })

  it("write a string once, an empty one as a NUL, and none as 0", () => {
    const bytes = writeHxe({ ...ret, values: [value(1, 1, "a", "a", ""), value(1, 2, "", "b", "a"), value(1, 3)] })
    const [section] = metadataOf(bytes).sections
    assert.deepStrictEqual(section, { type: 1, offset: 116, size: 65, entryCount: 3 })
    assert.strictEqual(hexOf(bytes.subarray(116 + 60)), hexOf(utf8("a\0\0b\0")))
    assert.deepStrictEqual(metadataOf(bytes).values, [
      value(1, 1, "a", "a", ""),
      value(1, 2, "", "b", "a"),
      value(1, 3)
    ])
  })

  it("keep strings beyond ASCII, long ones, and a byte order mark", () => {
    const names = ["°C", "\ufeffx", "Δ".repeat(200), "a".repeat(100), "\u{1f600}"]
    const bytes = writeHxe({ ...ret, values: names.map((name, index) => value(0, index, name)) })
    assert.deepStrictEqual(
      metadataOf(bytes).values.map(({ name }) => name),
      names
    )
  })

  it("read a group name whose word has its reserved half set", () => {
    assert.strictEqual(metadataOf(sealed(edited(full, [0xf2 + 12, [0xff, 0xff]]))).commands[0]?.groupName, "motor")
  })

  it("that have no room for their strings are not written", () => {
    const names = Array.from({ length: 70 }, (_, index) => value(0, index, String(index).padStart(1000, "x")))
    assert.throws(() => writeHxe({ ...ret, values: names }), RangeError)
    assert.throws(() => writeHxe({ ...ret, values: [value(0, 0, "a\0b")] }), RangeError)
    assert.throws(() => writeHxe({ ...ret, version: 1, values: [value(0, 0)] }), RangeError)
  })
})

describe("the mailbox section", () => {
  const mailboxesOf = (text: string) => metadataOf(withSections([mailboxSection(text)])).mailboxes
  const tokenOf = (text: string): string => detailOf(withSections([mailboxSection(text)]))
  const entry = (fields: string): string => `{"mailboxes":[{"target":"app:a",${fields}}]}`

  it("is read as an object, as a list, by its older names, between blanks and before NULs", () => {
    const texts = [
      '{"version":1,"mailboxes":[{"target":"app:a"}]}',
      '{"mailboxes":[{"name":" app:a "}]}',
      '{"version":null,"entries":[{"target":"app:a"}]}',
      '[{"target":"app:a"}]',
      ' \n\t{"mailboxes":[{"target":"app:a"}]} \0\0\0'
    ]
    for (const text of texts) {
      const [mailbox] = mailboxesOf(text)
      assert.strictEqual(mailbox?.target, "app:a")
      assert.strictEqual(mailbox?.capacity, 64)
      assert.strictEqual(mailbox?.modeMask, 3)
    }
  })

  it("gives capacity, mode, owner, bindings and what is reserved", () => {
    const [mailbox] = mailboxesOf(
      entry(
        '"queue_depth":7,"mode":" ro , Tap|","owner_pid":4,"bindings":[{"pid":2,"flags":65537},{"pid":3}],"reserved":[1]'
      )
    )
    assert.deepStrictEqual(
      { ...mailbox, declared: undefined },
      {
        target: "app:a",
        capacity: 7,
        modeMask: 5,
        ownerPid: 4,
        bindings: [
          { pid: 2, flags: 1 },
          { pid: 3, flags: 0 }
        ],
        reserved: [1],
        declared: undefined
      }
    )
  })

  it("prefers the newer of two names", () => {
    const [mailbox] = mailboxesOf(entry('"capacity":5,"queue_depth":7,"mode_mask":8,"mode":"RO","flags":"nonsense"'))
    assert.strictEqual(mailbox?.capacity, 5)
    assert.strictEqual(mailbox?.modeMask, 8)
  })

  it("takes absent, empty and zero as the default", () => {
    for (const mode of ['"|"', '" , "', "65536"])
      assert.strictEqual(mailboxesOf(entry(`"mode":${mode}`))[0]?.modeMask, 3)
    for (const nothing of ['""', "0", "null"]) {
      const [mailbox] = mailboxesOf(entry(`"capacity":${nothing},"mode":${nothing}`))
      assert.strictEqual(mailbox?.capacity, 64)
      assert.strictEqual(mailbox?.modeMask, 3)
    }
  })

  it("cuts a mode to 16 bits", () => {
    assert.strictEqual(mailboxesOf(entry('"mode_mask":65544'))[0]?.modeMask, 8)
    assert.strictEqual(mailboxesOf(entry('"mode_mask":-1'))[0]?.modeMask, 0xffff)
  })

  const refused: ReadonlyArray<readonly [text: string, detail: string]> = [
    ["{", "mailbox_json"],
    ['{"version":2,"mailboxes":[]}', "mailbox_json"],
    ['{"version":"1","mailboxes":[]}', "mailbox_json"],
    ["{}", "mailbox_json"],
    ['{"mailboxes":{}}', "mailbox_json"],
    ['["app:a"]', "mailbox_json"],
    [`[{"target":"app:a","reserved":${"[".repeat(40)}${"]".repeat(40)}}]`, "mailbox_json"],
    ["[{}]", "mailbox_target"],
    ['[{"target":"  "}]', "mailbox_target"],
    ['[{"target":7}]', "mailbox_target"],
    [entry('"capacity":-1'), "mailbox_capacity"],
    [entry('"capacity":1.5'), "mailbox_capacity"],
    [entry('"capacity":"64"'), "mailbox_capacity"],
    [entry('"mode":"RDWR|LOUD"'), "mailbox_mode"],
    [entry('"mode":[]'), "mailbox_mode"],
    [entry('"mode_mask":1.5'), "mailbox_mode"],
    [entry('"owner_pid":"1"'), "mailbox_owner"],
    [entry('"bindings":{}'), "mailbox_binding"],
    [entry('"bindings":[{}]'), "mailbox_binding"],
    [entry('"bindings":[{"pid":1,"flags":"x"}]'), "mailbox_binding"]
  ]
  for (const [text, detail] of refused)
    it(`refuses ${text.slice(0, 60)}`, () => assert.strictEqual(tokenOf(text), detail))

  it("refuses JSON that is not UTF-8", () => {
    const payload = Uint8Array.from([...utf8('[{"target":"'), 0xff, ...utf8('"}]')])
    assert.strictEqual(detailOf(withSections([{ type: 3, count: 1, payload }])), "mailbox_json")
  })

  it("is read as a table where it is no JSON", () => {
    const row = (name: number, capacity: number, mode: number) => [
      ...u32(name),
      ...u16(capacity),
      ...u16(mode),
      ...u32(0),
      ...u32(0)
    ]
    const section = (rows: ReadonlyArray<number>, strings: string, count: number): RawSection => ({
      type: 3,
      count,
      payload: Uint8Array.from([...rows, ...utf8(strings)])
    })
    const two = section([...row(32, 96, 0x13), ...row(40, 0, 0)], "app:log\0svc:a\0", 2)
    assert.deepStrictEqual(
      metadataOf(withSections([two])).mailboxes.map(({ target, capacity, modeMask }) => [target, capacity, modeMask]),
      [
        ["app:log", 96, 0x13],
        ["svc:a", 64, 3]
      ]
    )
    const one = (name: number) => detailOf(withSections([section(row(name, 1, 1), "a\0", 1)]))
    assert.strictEqual(one(0), "mailbox_target")
    assert.strictEqual(one(18), "meta_string")
    assert.strictEqual(one(0xffff_ffff), "meta_string")
    assert.strictEqual(detailOf(withSections([section([], "abc", 1)])), "meta_entries_truncated:mailbox")
  })

  it("is written in order of targets and keys, without blanks, with everything beyond ASCII escaped", () => {
    const mailboxes: ReadonlyArray<JsonObject> = [
      { target: " app:z ", note: '\u007f°\u{1f600}\n"\\', nested: { b: 1, a: [true, null, 0.5] } },
      { mode: "RDWR", target: "app:a" },
      { name: "app:b", "\uff5a": 1, "\u{1f600}": 2 }
    ]
    const bytes = writeHxe({ ...ret, mailboxes })
    const [section] = metadataOf(bytes).sections
    const text = new TextDecoder().decode(bytes.subarray(section?.offset))
    const expected =
      '{"mailboxes":[{"mode":"RDWR","target":"app:a"},{"name":"app:b","\\uff5a":1,"\\ud83d\\ude00":2},' +
      '{"nested":{"a":[true,null,0.5],"b":1},"note":"\\u007f\\u00b0\\ud83d\\ude00\\n\\"\\\\","target":"app:z"}],"version":1}'
    assert.strictEqual(text, expected)
    assert.strictEqual(section?.entryCount, 3)
    assert.strictEqual(hexOf(writeHxe(partsOf(Result.getOrThrow(readHxe(bytes))))), hexOf(bytes))
  })
})

describe("modes", () => {
  it("are known by all their names", () => {
    const names = "RDONLY READONLY RO WRONLY WRITEONLY WO RDWR RW TAP FANOUT FANOUT_DROP FANOUT_BLOCK".split(" ")
    assert.deepStrictEqual(names.map(modeOf), [1, 1, 1, 2, 2, 2, 3, 3, 4, 8, 16, 32])
    assert.strictEqual(modeOf(" rdwr | fanout,FANOUT_drop "), 0x1b)
    assert.isUndefined(modeOf("RDWR|" + "X"))
  })

  it("imply a fan-out when they say what to do with a full one", () => {
    assert.deepStrictEqual([0x03, 0x13, 0x23, 0x0b].map(effectiveMode), [0x03, 0x1b, 0x2b, 0x0b])
  })
})

describe("the manifest", () => {
  const withManifest = (text: string, length = utf8(text).length): Uint8Array =>
    withSections([], { flags: 3, trailer: Uint8Array.from([...u32(length), ...utf8(text)]) })
  const manifestOf = (text: string): HxeManifest | undefined => Result.getOrThrow(readHxe(withManifest(text))).manifest
  const given = (manifest: HxeManifest | undefined) =>
    Object.fromEntries(Object.entries(manifest ?? {}).filter(([, found]) => found !== undefined))

  it("behind the golden image is read and written byte for byte", () => {
    const image = Result.getOrThrow(readHxe(described))
    const expected = { imageName: "gold full", requiredCaps: 67, stackSizeBytes: 1024, version: "1.0.0" }
    assert.deepStrictEqual(given(image.manifest), expected)
    assert.strictEqual(hexOf(writeHxe(partsOf(image))), hexOf(described))
    const made = writeHxe({ ...partsOf(Result.getOrThrow(readHxe(full))), manifest: expected })
    assert.strictEqual(hexOf(made), hexOf(described))
    assert.strictEqual(made.length, 380 + fullManifest.length)
  })

  it("gives every field, and ignores keys nobody knows", () => {
    const text = JSON.stringify({
      pid: 3,
      image_name: "pump",
      version: "1.2.3-rc.1+build",
      required_caps: 5,
      stack_size_bytes: 512,
      heap_size_bytes: 0,
      persist_key_base: 100,
      defaults: { "1:9": 2.5, "255:255": -1 },
      fram_keys: [
        { key: 17, mode: "loadsave", length: 2 },
        { key: 18, mode: "load", length: 4, crc: 7 }
      ],
      mailboxes: ["app:log"],
      colour: "red"
    })
    assert.deepStrictEqual(given(manifestOf(text)), {
      pid: 3,
      imageName: "pump",
      version: "1.2.3-rc.1+build",
      requiredCaps: 5,
      stackSizeBytes: 512,
      heapSizeBytes: 0,
      persistKeyBase: 100,
      defaults: { "1:9": 2.5, "255:255": -1 },
      framKeys: [
        { key: 17, mode: "loadsave", length: 2, crc: undefined },
        { key: 18, mode: "load", length: 4, crc: 7 }
      ],
      mailboxes: ["app:log"]
    })
    const again = writeHxe(partsOf(Result.getOrThrow(readHxe(withManifest(text)))))
    assert.deepStrictEqual(Result.getOrThrow(readHxe(again)).manifest, manifestOf(text))
  })

  it("is looked for only where the flag says so", () => {
    const silent = sealed(edited(described, [6, u16(2)]))
    assert.isUndefined(Result.getOrThrow(readHxe(silent)).manifest)
  })

  it("is found behind rodata in version 1", () => {
    const header = [
      ...utf8("HSXE"),
      ...u16(1),
      ...u16(1),
      ...u32(0),
      ...u32(4),
      ...u32(1),
      ...u32(0),
      ...u32(0),
      ...u32(0)
    ]
    const bytes = sealed(Uint8Array.from([...header, 0x25, 0, 0, 0, 0xaa, ...u32(9), ...utf8('{"pid":7}')]))
    assert.deepStrictEqual(given(Result.getOrThrow(readHxe(bytes)).manifest), { pid: 7 })
  })

  const refused: ReadonlyArray<readonly [name: string, bytes: Uint8Array, detail: string]> = [
    ["that is missing", withSections([], { flags: 3 }), "manifest_bounds"],
    ["with half a length", withSections([], { flags: 3, trailer: Uint8Array.of(0, 0, 0) }), "manifest_bounds"],
    ["beyond the end", withManifest("{}", 3), "manifest_bounds"],
    ["of 4 GiB", withManifest("{}", 0xffff_ffff), "manifest_bounds"],
    ["above 4096 bytes", withManifest(`{"x":"${"a".repeat(4089)}"}`), "manifest_too_large"],
    ["that is no JSON", withManifest("{"), "manifest_json"],
    ["that is no object", withManifest("[]"), "manifest_json"],
    ["with a pid below 0", withManifest('{"pid":-1}'), "manifest_field:pid"],
    ["with a number for a name", withManifest('{"image_name":1}'), "manifest_field:image_name"],
    ["with no semantic version", withManifest('{"version":"1.0"}'), "manifest_field:version"],
    ["with defaults of no number", withManifest('{"defaults":{"1:2":"x"}}'), "manifest_field:defaults"],
    ["with defaults of no value", withManifest('{"defaults":{"1:256":0}}'), "manifest_field:defaults"],
    ["with a key of no mode", withManifest('{"fram_keys":[{"key":1,"length":2}]}'), "manifest_field:fram_keys"],
    ["with a mailbox of no name", withManifest('{"mailboxes":[1]}'), "manifest_field:mailboxes"]
  ]
  for (const [name, bytes, detail] of refused)
    it(`${name} is refused by a strict reader and not seen by an older one`, () => {
      assert.strictEqual(detailOf(bytes), detail)
      assert.strictEqual(detailOf(bytes, false), "taken")
    })

  it("of 4096 bytes is taken, and a larger one not written", () => {
    assert.deepStrictEqual(given(manifestOf(`{"x":"${"a".repeat(4088)}"}`)), {})
    assert.throws(() => writeHxe({ ...ret, manifest: { imageName: "a".repeat(4096) } }), RangeError)
  })
})
