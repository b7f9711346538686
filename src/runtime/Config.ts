/** What a user may set in `cluster.config.ts`: one typed value that a cluster is started with. */
import { Duration, Effect, Option, type Redacted, Schema } from "effect"
import { ImageKind } from "../protocol/image/ImageKind.ts"
import { Budget } from "../protocol/vsm/Budget.ts"
import { areApart, areNames, OperatorAccount, Secret } from "./Accounts.ts"
import { FieldUnitRules } from "./FieldUnits.ts"
import { BoardWordRules } from "./FleetWords.ts"
import { TreeBounds } from "./TreeLimits.ts"
import { ZoneRules } from "./ZoneRules.ts"

/** At most this many nodes run on one machine, so that their ports do not meet. */
export const nodesMax = 10

/** A TCP port. 0 takes a free one, which suits tests. */
export const Port = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }))

const Positive = Schema.Int.check(Schema.isGreaterThan(0))

/** A field that may be left out. */
const withDefault = <S extends Schema.Constraint>(schema: S, value: S["Encoded"]) =>
  Schema.withDecodingDefaultKey<S>(Effect.succeed(value))(schema)

const isHeartbeat = Schema.makeFilter((self: Duration.Duration) =>
  Duration.between(self, { minimum: Duration.seconds(1), maximum: Duration.minutes(10) })
    ? undefined
    : "Expected 1 second to 10 minutes"
)

/** Times of the link between a board and the cluster. Both sides judge silence by them. */
const LinkTimes = (heartbeat: string, lease: string) =>
  Schema.Struct({
    /** A sign of life is sent when nothing else was for this long. 1 second to 10 minutes. */
    heartbeat: withDefault(Schema.DurationFromString.check(isHeartbeat), heartbeat),
    /** A side that is silent for this long is gone. At least twice the heartbeat and a second: one may be lost. */
    lease: withDefault(Schema.DurationFromString, lease)
  }).check(
    Schema.makeFilter(({ heartbeat, lease }) =>
      Duration.toMillis(lease) < 2 * Duration.toMillis(heartbeat) + 1000
        ? "Expected a lease of at least twice the heartbeat and one second"
        : undefined
    )
  )

/** Files of a listener's TLS, PEM. */
const Tls = Schema.Struct({
  /** The certificate chain, the listener's own first. */
  certificate: Schema.NonEmptyString,
  /** Its private key. */
  key: Schema.NonEmptyString,
  /** Certificates that sign boards' own; with it a client needs one. Default: clients show a token. */
  clientAuthority: Schema.optionalKey(Schema.NonEmptyString)
})

/** Files that prove nodes to each other, PEM: each shows a certificate of the cluster's own authority. */
const PeerTls = Schema.Struct({
  /** This node's certificate chain, its own first. It names `peers.host`. */
  certificate: Schema.NonEmptyString,
  /** Its private key. */
  key: Schema.NonEmptyString,
  /** The certificate of the authority that signs those of the nodes, and of nobody else. */
  authority: Schema.NonEmptyString
})

/** An address that means every address cannot be dialled. */
const isDialled = Schema.makeFilter((host: string) =>
  host === "0.0.0.0" || host === "::" ? "Expected an address of this machine that the other nodes can dial" : undefined
)

const Listener = (port: number) =>
  Schema.Struct({
    /** Where it listens. Default 127.0.0.1; any other address needs `tls` and `tokens`. */
    host: withDefault(Schema.NonEmptyString, "127.0.0.1"),
    /** Port of the first node; each further node on the machine takes the next one. */
    port: withDefault(Port, port),
    /** Default: plain, which only a loopback address may be. */
    tls: Schema.optionalKey(Tls)
  })

/** The config of a cluster, decoded: every default filled in, every secret read. */
export const ClusterConfig = Schema.Struct({
  /** Folder of PostgreSQL's data, keys and logs. Relative to the working folder. Default `.holon`. */
  data: withDefault(Schema.NonEmptyString, ".holon"),

  /**
   * Where states rest. Default `"embedded"`: a PostgreSQL of our own in the data folder, for one machine.
   * `{ url: { env: "HOLON_POSTGRES" } }` takes one that stands elsewhere; nodes on several machines need that.
   */
  storage: withDefault(Schema.Union([Schema.Literal("embedded"), Schema.Struct({ url: Secret })]), "embedded"),

  /** How many nodes `holon up` starts, each a process of its own when there are several. 1 to 10, default 1. */
  nodes: withDefault(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: nodesMax })), 1),

  /** HTTP: API, documentation, metrics, health, `/rpc` and boards at `/attach`. Default 127.0.0.1:7700. */
  http: withDefault(Listener(7700), {}),

  /** MQTT 3.1.1 and 5 for boards and everybody who reads them. Default 127.0.0.1:1883. */
  mqtt: withDefault(Listener(1883), {}),

  /** How nodes reach each other. Who reaches their sockets is trusted, so others than this machine need a certificate. */
  peers: withDefault(
    Schema.Struct({
      /** Where this machine's nodes listen and others dial them. Default 127.0.0.1; any other address needs `tls`. */
      host: withDefault(Schema.NonEmptyString.check(isDialled), "127.0.0.1"),
      /** The same for all nodes of a cluster, or for none. Default: plain, which only a loopback address may be. */
      tls: Schema.optionalKey(PeerTls),
      /** Port of the first node's runner, which carries asks; the next nodes take the next ones. Default 7710. */
      runnerPort: withDefault(Port, 7710),
      /** Port of the first node's relay, which carries the frames of boards. Default 7730. */
      relayPort: withDefault(Port, 7730),
      /**
       * Port mappings between nodes: `{ "127.0.0.1:7711": "127.0.0.1:9711" }` dials the second where a peer says the
       * first. Runner and relay ports alike. Default none.
       */
      via: withDefault(Schema.Record(Schema.NonEmptyString, Schema.String.check(Schema.isPattern(/^.+:\d{1,5}$/))), {})
    }),
    {}
  ),

  /** Boards that `holon up` simulates, besides the host board, so that there is something to see. */
  demo: withDefault(
    Schema.Struct({
      /** Default true; `--no-demo` turns it off. */
      isOn: withDefault(Schema.Boolean, true),
      /** How many simulated boards. Default 3. */
      boards: withDefault(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 })), 3),
      /** Shorter than in the field, so that pulling a plug shows at once. Default 3 and 8 seconds. */
      link: withDefault(LinkTimes("3 seconds", "8 seconds"), {})
    }),
    {}
  ),

  /** What a board is granted when it attaches. */
  link: withDefault(
    Schema.Struct({
      /** Default 10 and 25 seconds: a board on a cell network stays below a frame in 10 s, and is missed in 25 s. */
      times: withDefault(LinkTimes("10 seconds", "25 seconds"), {}),
      /** Numbered frames a board may have unacknowledged. 2 to 64, default 16. */
      window: withDefault(Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 64 })), 16),
      /** Numbered frames a second a board may send before it is told to slow down. 0, the default, is no limit. */
      framesPerSecond: withDefault(Schema.Natural, 0),
      /** Bytes of one frame, 512 to 262,144. Default 65,536. */
      frameBytesMax: withDefault(Schema.Int.check(Schema.isBetween({ minimum: 512, maximum: 262_144 })), 65_536),
      /** New links a second a listener takes. Default 300: a storm of reconnects must not starve the boards it has. */
      newPerSecond: withDefault(Positive, 300)
    }),
    {}
  ),

  /** Programs and firmware that people push for boards. */
  images: withDefault(
    Schema.Struct({
      /** Bytes of the largest one. Default 16777216, 16 MiB. */
      bytesMax: withDefault(Positive, 16_777_216),
      /**
       * Which are taken: `"none"` all but those with a wrong signature of a known key, `"any"` those that some signer has
       * signed, a list of key ids those of these signers. Default `"none"` on loopback, `"any"` elsewhere.
       */
      signatures: Schema.optionalKey(
        Schema.Union([
          Schema.Literals(["none", "any"]),
          Schema.Array(Schema.String.check(Schema.isPattern(/^[0-9a-f]{32}$/, { expected: "the id of a key" })))
        ])
      ),
      /** Who may sign: `{ key: "keys/ada.pub.pem" }`, and `kinds: ["hxe"]` for one who may sign no other. Default nobody. */
      signers: withDefault(
        Schema.Array(Schema.Struct({ key: Schema.NonEmptyString, kinds: Schema.optionalKey(Schema.Array(ImageKind)) })),
        []
      )
    }),
    {}
  ),

  /**
   * In which zones devices are: `[{ match: "press-*", zone: "hall.line-3" }]`, by their ids; the first that matches counts.
   * What people say with `holon devices zone` holds all the same; what a board says of itself holds only where neither says
   * anything. Looked at when a board attaches. Default none.
   */
  zones: withDefault(ZoneRules, []),

  /**
   * What fields of boards count in: `{ temp: "°C", power: "W", "motor.speed": "rpm" }`, by their names in what boards report.
   * Conditions may then say `temp > 300K`; a pattern keeps the number it had when it was written. The same on all nodes.
   * Default none.
   */
  units: withDefault(FieldUnitRules, {}),

  /**
   * What people call boards, their fields and commands in `holon ask`, and which fields can be set:
   * `{ fields: [{ name: "on", type: "boolean", isMain: true, isSettable: true, profiles: ["acme-kiln"], words: ["burner"] }] }`.
   * Default: what this release knows of its own boards, and fields that somebody has desired.
   */
  words: withDefault(BoardWordRules, {}),

  /**
   * What bounds the tree of VSMs. A value that differs from that of the start before is set when a node starts; what people set
   * with `holon vsm limits` holds until then. The same on all nodes.
   */
  vsm: withDefault(
    Schema.Struct({
      /** How far VSMs may spawn. */
      bounds: withDefault(TreeBounds, {}),
      /** What the root has to give: `{ mem_mb: 4096, spawn: 200 }`. Default 1024 of `spawn`, and 1000000000 of all else. */
      budget: withDefault(Budget, {})
    }),
    {}
  ),

  /** Who may come in. Loopback needs none of it, except for `/rpc`, whose token is made in the data folder. */
  tokens: withDefault(
    Schema.Struct({
      /** By board id: what the board shows as MQTT password or bearer token. */
      boards: withDefault(Schema.Record(Schema.NonEmptyString, Secret), {}),
      /**
       * By operator's name: the bearer token for HTTP, `{ env: "ADA" }`, of one who may do everything, or
       * `{ token: { env: "ADA" }, may: ["device.read", "program.*"] }`; with `zones: ["hall.a"]` it sees and touches no device
       * outside of them, and with `clearance: 2`, 0 to 4, policies know how much it is trusted with.
       */
      operators: withDefault(Schema.Record(Schema.NonEmptyString, OperatorAccount).check(areNames, areApart), {})
    }),
    {}
  ),

  /** How actors are spread. Stored at the first start: a node whose value differs refuses to start. */
  shards: withDefault(
    Schema.Struct({
      /** Shards of each group. Default 64, good for up to ten nodes: each is a lock to take when a node starts or joins. */
      perGroup: withDefault(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 })), 64)
    }),
    {}
  )
})
/** The config of a cluster, decoded: every default filled in, every secret read. */
export type ClusterConfig = typeof ClusterConfig.Type

/** The config as a user writes it: every field may be left out, secrets are `{ env: "NAME" }`. */
export type ClusterInput = typeof ClusterConfig.Encoded

/** Types the value of a `cluster.config.ts`: `export default defineCluster({ mqtt: { port: 1884 } })`. */
export const defineCluster = (config: ClusterInput): ClusterInput => config

/** What the command line changes about a config. What is left out stays. */
export interface Overrides {
  /** `--nodes` */
  readonly nodes?: number | undefined
  /** `--boards` */
  readonly boards?: number | undefined
  /** `--data` */
  readonly data?: string | undefined
  /** `false` for `--no-demo` */
  readonly demo?: boolean | undefined
  /** `--http-port` */
  readonly httpPort?: number | undefined
  /** `--mqtt-port` */
  readonly mqttPort?: number | undefined
  /** `--postgres URL` */
  readonly postgres?: Redacted.Redacted | undefined
}

/** The config with what the command line changes. */
export const applyOverrides = (config: ClusterConfig, overrides: Overrides): ClusterConfig => ({
  ...config,
  nodes: overrides.nodes ?? config.nodes,
  data: overrides.data ?? config.data,
  storage: overrides.postgres === undefined ? config.storage : { url: overrides.postgres },
  http: { ...config.http, port: overrides.httpPort ?? config.http.port },
  mqtt: { ...config.mqtt, port: overrides.mqttPort ?? config.mqtt.port },
  demo: {
    ...config.demo,
    boards: overrides.boards ?? config.demo.boards,
    // Who asks for boards wants to see them, whatever the file says.
    isOn: overrides.demo ?? (config.demo.isOn || overrides.boards !== undefined)
  }
})

/** The ports of one node. */
export interface NodePorts {
  readonly http: number
  readonly mqtt: number
  readonly runner: number
  readonly relay: number
}

/** The ports of the node with this index, counted from 0, on its machine. */
export const portsOf = (config: ClusterConfig, index: number): NodePorts => {
  const next = (port: number) => (port === 0 ? 0 : port + index)
  return {
    http: next(config.http.port),
    mqtt: next(config.mqtt.port),
    runner: next(config.peers.runnerPort),
    relay: next(config.peers.relayPort)
  }
}

/** The first thing wrong with ports that meet or do not exist, as a sentence. */
export const findPortConflict = (config: ClusterConfig): Option.Option<string> => {
  const users = new Map<number, string>()
  for (let index = 0; index < config.nodes; index++) {
    for (const [name, port] of Object.entries(portsOf(config, index))) {
      if (port === 0) continue
      const user = `${name} of node ${index + 1}`
      const other = users.get(port)
      if (port > 65_535) return Option.some(`${user} would take port ${port}, the last is 65535`)
      if (other !== undefined) return Option.some(`${user} and ${other} would both take port ${port}`)
      users.set(port, user)
    }
  }
  return Option.none()
}
