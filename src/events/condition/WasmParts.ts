/**
 * The functions of a compiled condition, as WebAssembly text; what a condition does not call is left out of its module.
 *
 * A field is the address of its record, 0 where it is missing: the first bytes of the memory are zeros, which is a record
 * of type null. A number that is missing is NaN, which is below, above and equal to none. A text is its address in the
 * upper and its bytes in the lower half of 64 bits, −1 where it is missing; a boolean that is missing is 2.
 */
import { recordBytes, valueTypes } from "../../protocol/condition/InputTable.ts"

/** Two sets of states of the largest machine lie here, behind the zeros that stand for a missing field. */
const scratchAt = 16
/** Bytes of one of them: 64 bits for each 64 states. */
const scratchBytes = 40
/** Where constants begin. */
export const constantsAt = scratchAt + 2 * scratchBytes

/** Fields: where they are, and their values by type. */
const reading = `
  (global $from (mut i32) (i32.const 0))
  (global $to (mut i32) (i32.const 0))
  (func $find (param $field i32) (result i32) (local $at i32)
    (local.set $at (global.get $from))
    (loop $next (result i32)
      (if (i32.ge_u (local.get $at) (global.get $to)) (then (return (i32.const 0))))
      (if (i32.eq (i32.load16_u align=1 (local.get $at)) (local.get $field)) (then (return (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const ${recordBytes})))
      (br $next)))
  (func $finite (param $value f64) (result f64)
    (f64.add (local.get $value) (f64.sub (local.get $value) (local.get $value))))
  (func $number (param $record i32) (result f64)
    (if (result f64) (i32.eq (i32.load8_u offset=2 (local.get $record)) (i32.const ${valueTypes.number}))
      (then (call $finite (f64.load offset=3 align=1 (local.get $record))))
      (else (f64.const nan))))
  (func $text (param $record i32) (result i64)
    (if (result i64) (i32.eq (i32.load8_u offset=2 (local.get $record)) (i32.const ${valueTypes.text}))
      (then (i64.or
        (i64.shl
          (i64.extend_i32_u (i32.add (global.get $from) (i32.load offset=3 align=1 (local.get $record))))
          (i64.const 32))
        (i64.extend_i32_u (i32.load offset=7 align=1 (local.get $record)))))
      (else (i64.const -1))))
  (func $boolean (param $record i32) (result i32)
    (if (result i32) (i32.eq (i32.load8_u offset=2 (local.get $record)) (i32.const ${valueTypes.boolean}))
      (then (i32.ne (i32.load8_u offset=3 (local.get $record)) (i32.const 0)))
      (else (i32.const 2))))`

/** Comparisons that are not one instruction: $order is −1, 0 or 1, and 2 where a text is missing. */
const comparing = `
  (func $unequal (param $left f64) (param $right f64) (result i32)
    (i32.or (f64.lt (local.get $left) (local.get $right)) (f64.gt (local.get $left) (local.get $right))))
  (func $bit (param $value f64) (param $bit i64) (result i32)
    (if (i32.eqz (i32.and
        (i32.and (f64.ge (local.get $value) (f64.const 0)) (f64.le (local.get $value) (f64.const 9007199254740991)))
        (f64.eq (local.get $value) (f64.floor (local.get $value)))))
      (then (return (i32.const 0))))
    (i32.and
      (i32.wrap_i64 (i64.shr_u (i64.trunc_f64_u (local.get $value)) (local.get $bit)))
      (i32.const 1)))
  (func $alike (param $left i32) (param $right i32) (result i32)
    (i32.and (i32.eq (local.get $left) (local.get $right)) (i32.lt_u (local.get $left) (i32.const 2))))
  (func $bytes (param $text i64) (result i32) (i32.wrap_i64 (local.get $text)))
  (func $start (param $text i64) (result i32) (i32.wrap_i64 (i64.shr_u (local.get $text) (i64.const 32))))
  (func $order (param $left i64) (param $right i64) (result i32)
    (local $at i32) (local $one i32) (local $other i32)
    (if (i32.or (i64.eq (local.get $left) (i64.const -1)) (i64.eq (local.get $right) (i64.const -1)))
      (then (return (i32.const 2))))
    (block $end
      (loop $next
        (br_if $end (i32.ge_u (local.get $at) (call $bytes (local.get $left))))
        (br_if $end (i32.ge_u (local.get $at) (call $bytes (local.get $right))))
        (local.set $one (i32.load8_u (i32.add (call $start (local.get $left)) (local.get $at))))
        (local.set $other (i32.load8_u (i32.add (call $start (local.get $right)) (local.get $at))))
        (if (i32.ne (local.get $one) (local.get $other))
          (then (return (select (i32.const -1) (i32.const 1) (i32.lt_u (local.get $one) (local.get $other))))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (i32.sub
      (i32.gt_u (call $bytes (local.get $left)) (call $bytes (local.get $right)))
      (i32.lt_u (call $bytes (local.get $left)) (call $bytes (local.get $right)))))
  (func $contains (param $text i64) (param $part i64) (result i32)
    (if (i32.or (i64.eq (local.get $text) (i64.const -1)) (i64.eq (local.get $part) (i64.const -1)))
      (then (return (i32.const 0))))
    (loop $next (result i32)
      (if (i32.lt_u (call $bytes (local.get $text)) (call $bytes (local.get $part))) (then (return (i32.const 0))))
      (if (i32.eqz (call $order
          (i64.or
            (i64.and (local.get $text) (i64.const -4294967296))
            (i64.extend_i32_u (call $bytes (local.get $part))))
          (local.get $part)))
        (then (return (i32.const 1))))
      (local.set $text (i64.add (local.get $text) (i64.const ${(1n << 32n) - 1n})))
      (br $next)))`

/** Whether an element of a list equals a value. */
const lists = (["number", "text", "boolean"] as const)
  .map((type) => {
    const kind = { number: "f64", text: "i64", boolean: "i32" }[type]
    const equal = {
      number: "(f64.eq (call $number (local.get $at)) (local.get $value))",
      text: "(i32.eqz (call $order (call $text (local.get $at)) (local.get $value)))",
      boolean: "(call $alike (call $boolean (local.get $at)) (local.get $value))"
    }[type]
    return `
  (func $has_${type} (param $record i32) (param $value ${kind}) (result i32) (local $at i32) (local $left i32)
    (if (i32.ne (i32.load8_u offset=2 (local.get $record)) (i32.const ${valueTypes.list})) (then (return (i32.const 0))))
    (local.set $at (i32.add (global.get $from) (i32.load offset=3 align=1 (local.get $record))))
    (local.set $left (i32.load offset=7 align=1 (local.get $record)))
    (loop $next (result i32)
      (if (i32.eqz (local.get $left)) (then (return (i32.const 0))))
      (if ${equal} (then (return (i32.const 1))))
      (local.set $at (i32.add (local.get $at) (i32.const ${recordBytes})))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next)))`
  })
  .join("")

/**
 * Runs a machine over a text. A machine is u32 words of a set of states, u32 classes of characters, u32 states, u32 0, the
 * accepting states, for each class the states that take it, for each state those that follow it, then for each class
 * its first character (u32). Sets are u64.
 */
const machines = `
  (func $word (param $table i32) (param $index i32) (result i32)
    (i32.add (local.get $table) (i32.shl (local.get $index) (i32.const 3))))
  (func $matches (param $text i64) (param $machine i32) (result i32)
    (local $at i32) (local $end i32) (local $words i32) (local $classes i32) (local $states i32)
    (local $taking i32) (local $follow i32) (local $starts i32) (local $now i32) (local $next i32)
    (local $point i32) (local $more i32) (local $state i32) (local $index i32)
    (if (i64.eq (local.get $text) (i64.const -1)) (then (return (i32.const 0))))
    (local.set $at (i32.wrap_i64 (i64.shr_u (local.get $text) (i64.const 32))))
    (local.set $end (i32.add (local.get $at) (i32.wrap_i64 (local.get $text))))
    (local.set $words (i32.load (local.get $machine)))
    (local.set $classes (i32.load offset=4 (local.get $machine)))
    (local.set $states (i32.load offset=8 (local.get $machine)))
    (local.set $machine (i32.add (local.get $machine) (i32.const 16)))
    (local.set $taking (call $word (local.get $machine) (local.get $words)))
    (local.set $follow (call $word (local.get $taking) (i32.mul (local.get $classes) (local.get $words))))
    (local.set $starts (call $word (local.get $follow) (i32.mul (local.get $states) (local.get $words))))
    (local.set $now (i32.const ${scratchAt}))
    (local.set $next (i32.const ${scratchAt + scratchBytes}))
    (loop $clear
      (i64.store (call $word (local.get $now) (local.get $index)) (i64.extend_i32_u (i32.eqz (local.get $index))))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br_if $clear (i32.lt_u (local.get $index) (local.get $words))))
    (block $done
      (loop $character
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $point (i32.load8_u (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $more (i32.add
          (i32.add (i32.ge_u (local.get $point) (i32.const 0xc0)) (i32.ge_u (local.get $point) (i32.const 0xe0)))
          (i32.ge_u (local.get $point) (i32.const 0xf0))))
        (if (local.get $more)
          (then (local.set $point
            (i32.and (local.get $point) (i32.shr_u (i32.const 0x3f) (local.get $more))))))
        (block $read
          (loop $byte
            (br_if $read (i32.eqz (local.get $more)))
            (local.set $point (i32.or
              (i32.shl (local.get $point) (i32.const 6))
              (i32.and (i32.load8_u (local.get $at)) (i32.const 0x3f))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (local.set $more (i32.sub (local.get $more) (i32.const 1)))
            (br $byte)))
        (local.set $index (local.get $classes))
        (loop $class
          (local.set $index (i32.sub (local.get $index) (i32.const 1)))
          (br_if $class (i32.lt_u
            (local.get $point)
            (i32.load (i32.add (local.get $starts) (i32.shl (local.get $index) (i32.const 2)))))))
        (local.set $point (i32.mul (local.get $index) (local.get $words)))
        (local.set $index (i32.const 0))
        (loop $clear
          (i64.store (call $word (local.get $next) (local.get $index)) (i64.const 0))
          (local.set $index (i32.add (local.get $index) (i32.const 1)))
          (br_if $clear (i32.lt_u (local.get $index) (local.get $words))))
        (local.set $state (i32.const 0))
        (loop $each
          (if (i32.wrap_i64 (i64.and (i64.const 1) (i64.shr_u
              (i64.load (call $word (local.get $now) (i32.shr_u (local.get $state) (i32.const 6))))
              (i64.extend_i32_u (local.get $state)))))
            (then
              (local.set $index (i32.const 0))
              (loop $add
                (i64.store
                  (call $word (local.get $next) (local.get $index))
                  (i64.or
                    (i64.load (call $word (local.get $next) (local.get $index)))
                    (i64.load (call $word
                      (local.get $follow)
                      (i32.add (i32.mul (local.get $state) (local.get $words)) (local.get $index))))))
                (local.set $index (i32.add (local.get $index) (i32.const 1)))
                (br_if $add (i32.lt_u (local.get $index) (local.get $words))))))
          (local.set $state (i32.add (local.get $state) (i32.const 1)))
          (br_if $each (i32.lt_u (local.get $state) (local.get $states))))
        (local.set $index (i32.const 0))
        (loop $take
          (i64.store
            (call $word (local.get $next) (local.get $index))
            (i64.and
              (i64.load (call $word (local.get $next) (local.get $index)))
              (i64.load (call $word (local.get $taking) (i32.add (local.get $point) (local.get $index))))))
          (local.set $index (i32.add (local.get $index) (i32.const 1)))
          (br_if $take (i32.lt_u (local.get $index) (local.get $words))))
        (local.set $state (local.get $now))
        (local.set $now (local.get $next))
        (local.set $next (local.get $state))
        (br $character)))
    (local.set $index (i32.const 0))
    (loop $accept (result i32)
      (if (i64.ne
          (i64.and
            (i64.load (call $word (local.get $now) (local.get $index)))
            (i64.load (call $word (local.get $machine) (local.get $index))))
          (i64.const 0))
        (then (return (i32.const 1))))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (if (i32.ge_u (local.get $index) (local.get $words)) (then (return (i32.const 0))))
      (br $accept)))`

/** Each part begins at the left, with its name. */
const partsByName = new Map(
  `${reading}${comparing}${lists}${machines}`.split(/\n(?= {2}\((?:func|global) )/).flatMap((part) => {
    const name = /^ {2}\((?:func|global) (\$\w+)/.exec(part)?.[1]
    return name === undefined ? [] : [[name, part] as const]
  })
)

const namesIn = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/(?:call|global\.[gs]et) (\$\w+)/g)].flatMap(([, name]) => (name === undefined ? [] : [name]))

/** The functions and globals that a text uses, and those that they use. Globals come first. */
export const partsFor = (text: string): string => {
  const used = new Set(namesIn(text))
  for (const name of used) for (const below of namesIn(partsByName.get(name) ?? "")) used.add(below)
  return [...partsByName].flatMap(([name, part]) => (used.has(name) ? [part] : [])).join("\n")
}
