/** What it means that a board does not take an image which is offered to it: a board says that with a number alone. */
import { codeEntry, codes } from "../Codes.ts"

const reasons: Readonly<Record<number, string>> = {
  [codes.EPERM]:
    "the board does not allow it: it is not signed as the board asks, or its security version is below one that the board took before",
  [codes.ENOKEY]: "the board does not trust the key that signed it",
  [codes.EKEYREVOKED]: "the key that signed it is disabled on the board",
  [codes.EKEYREJECTED]: "its signature is not that of the key it names",
  [codes.EINVAL]: "its manifest says something the board cannot make sense of",
  [codes.EDQUOT]: "the program is larger than its manifest lets it be",
  [codes.ENOTSUP]: "the board takes no images of this kind, or lacks what this one requires",
  [codes.ENOMEM]: "the board has no memory left for it",
  [codes.ENOSPC]: "the board has no storage left for it, or takes none of this size",
  [codes.EBUSY]: "the board is busy with another image; try again when that is over",
  [codes.EEXIST]: "a program of that name runs on the board, and is not to be replaced",
  [codes.EBADMSG]: "the image is damaged, or its manifest is that of another one"
}

/** Why a board declines an image, as a sentence without a full stop. */
export const declinedSentence = (code: number): string => reasons[code] ?? codeEntry(code).sentence.replace(/\.$/, "")
