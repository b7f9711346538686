/** The token of an `Authorization: Bearer` header (RFC 6750, section 2.1). */

// A token of the config may hold spaces, which the standard leaves out.
const pattern = /^Bearer +([!-~](?:[ -~]*[!-~])?) *$/i

/** The token; nothing when the header is missing or of another form. */
export const bearerToken = (header: string | undefined): string | undefined =>
  header === undefined ? undefined : pattern.exec(header)?.[1]
