/** What proves a node to its peers: both sides show a certificate of the cluster's own authority. */

/** PEM texts. The certificate names the host peers dial. */
export interface TlsIdentity {
  readonly ca: string
  readonly cert: string
  readonly key: string
}
