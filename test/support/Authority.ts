/** An authority of a cluster, and certificates of it, made for a test. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly authority: string
  readonly certificate: string
  readonly key: string
}

/** An authority and one certificate of it for the node at this address, gone with the scope. */
export const certificateFor = (address: string): Effect.Effect<CertificateFiles, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "holon-tls-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  ).pipe(
    Effect.map((folder) => {
      const openssl = (...args: ReadonlyArray<string>) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" })
      const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
      openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "1", "-subj", "/CN=cluster")
      openssl("req", ...key, "-keyout", "node.key", "-out", "node.csr", "-subj", "/CN=node")
      writeFileSync(join(folder, "names"), `subjectAltName=IP:${address}`)
      const signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "1"]
      openssl("x509", "-req", "-in", "node.csr", "-out", "node.pem", ...signing)
      const path = (name: string) => join(folder, name)
      return { authority: path("ca.pem"), certificate: path("node.pem"), key: path("node.key") }
    })
  )

/** Their texts, as Node's TLS takes them. */
export const readFiles = ({ authority, certificate, key }: CertificateFiles) => {
  const read = (path: string) => readFileSync(path, "utf8")
  return { ca: read(authority), cert: read(certificate), key: read(key) }
}
