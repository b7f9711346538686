/** Lists in order of time. */

/** Puts an item behind all that do not come after it, and gives its place; most belong at the end. */
export const insert = <T>(items: Array<T>, item: T, isAfter: (other: T) => boolean): number => {
  let place = items.length
  for (let before = items[place - 1]; before !== undefined && isAfter(before); before = items[place - 1]) place--
  if (place === items.length) items.push(item)
  else items.splice(place, 0, item)
  return place
}
