import { parseArgs } from "node:util";
import {
  type DurationMs,
  durationMs,
  err,
  type LogLevel,
  ok,
  parseGoDuration,
  parseLogLevel,
  type Result,
} from "@heddle/std";

/** Where a server listens; undefined: not at all. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** What `heddle discovery` was told, checked. */
export interface DiscoveryOptions {
  readonly grpc: ListenAddress | undefined;
  readonly secureGrpc: ListenAddress | undefined;
  readonly http: ListenAddress | undefined;
  readonly https: ListenAddress | undefined;
  readonly monitoring: ListenAddress | undefined;
  readonly registries: readonly ("Kubernetes" | "Mock")[];
  /** Folder of resources, hot reloaded. */
  readonly configDir: string | undefined;
  readonly kubeconfig: string | undefined;
  /** File with the MeshConfig, for runs without a cluster. */
  readonly meshConfigFile: string | undefined;
  /** Folder with the CA's files, for runs without a cluster. */
  readonly caDir: string;
  readonly domain: string;
  readonly clusterId: string;
  /** Idle streams are pinged this often, and ended when no answer comes in that time. */
  readonly keepaliveIntervalMs: DurationMs;
  readonly keepaliveTimeoutMs: DurationMs;
  readonly namespace: string;
  readonly podName: string;
  readonly logLevel: LogLevel;
  readonly logJson: boolean;
  readonly debounceAfterMs: DurationMs;
  readonly debounceMaxMs: DurationMs;
  readonly defaultTtlMs: DurationMs;
  readonly maxTtlMs: DurationMs;
  /** How long to wait for open streams at the end. */
  readonly drainMs: DurationMs;
  /** How long a workload outside of the cluster may be away before its WorkloadEntry goes. */
  readonly workloadGraceMs: DurationMs;
  /** When a cluster that does not answer at the start counts as timed out. */
  readonly remoteClusterTimeoutMs: DurationMs;
  /** Refuse streams without credentials on the plaintext port too. */
  readonly authenticatePlaintext: boolean;
  /** Write what analysis finds into the status of resources. */
  readonly analyse: boolean;
}

export const usage = `Usage: heddle discovery [flags]

  --grpcAddr ADDR          plaintext xDS and CA (default :15010; empty switches off)
  --secureGRPCAddr ADDR    TLS xDS and CA (default :15012)
  --httpAddr ADDR          readiness and debug (default :8080)
  --httpsAddr ADDR         webhooks (default :15017)
  --monitoringAddr ADDR    metrics and debug (default :15014)
  --registries LIST        Kubernetes, Mock, or empty (default Kubernetes)
  --configDir DIR          read resources from files too
  --kubeconfig FILE        default: KUBECONFIG, ~/.kube/config, or the pod's service account
  --meshConfig FILE        MeshConfig, where there is no ConfigMap istio
  --caDir DIR              ca-cert.pem, ca-key.pem, root-cert.pem, cert-chain.pem, where there is no cluster (default ./etc/cacerts)
  --domain NAME            DNS suffix of services (default cluster.local)
  --clusterID NAME         default Kubernetes
  --keepaliveInterval DUR  proxies are pinged this often (default 30s)
  --keepaliveTimeout DUR   and their streams ended when no answer came in this time (default 10s)
  --log_output_level L     debug, info, warn, error, or default:L
  --log_as_json

Environment: POD_NAMESPACE POD_NAME CLUSTER_ID PILOT_DEBOUNCE_AFTER (100ms) PILOT_DEBOUNCE_MAX (10s) DEFAULT_WORKLOAD_CERT_TTL (24h)
MAX_WORKLOAD_CERT_TTL (2160h) ROOT_CA_DIR XDS_AUTH_PLAINTEXT (false) HEDDLE_DRAIN (5s)
PILOT_WORKLOAD_ENTRY_GRACE_PERIOD (10s) PILOT_REMOTE_CLUSTER_TIMEOUT (30s)
PILOT_ENABLE_ANALYSIS (false): findings of analysis in status.validationMessages
`;

type Env = Readonly<Record<string, string | undefined>>;

/** Reads flags and environment. Errors: every problem as a sentence. */
export function readOptions(argv: readonly string[], env: Env): Result<DiscoveryOptions, readonly string[]> {
  const problems: string[] = [];
  const string = { type: "string" } as const;
  let flags: Readonly<Record<string, string | boolean | undefined>>;
  try {
    flags = parseArgs({
      args: [...argv],
      strict: true,
      options: {
        grpcAddr: string,
        secureGRPCAddr: string,
        httpAddr: string,
        httpsAddr: string,
        monitoringAddr: string,
        registries: string,
        configDir: string,
        kubeconfig: string,
        meshConfig: string,
        caDir: string,
        domain: string,
        clusterID: string,
        keepaliveInterval: string,
        keepaliveTimeout: string,
        log_output_level: string,
        log_as_json: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    return err([`${error instanceof Error ? error.message : String(error)}; see heddle discovery --help`]);
  }
  const text = (flag: string): string | undefined => {
    const value = flags[flag];
    return typeof value === "string" ? value : undefined;
  };
  const address = (flag: string, fallback: string): ListenAddress | undefined => {
    const value = text(flag) ?? fallback;
    if (value === "") return undefined;
    const match = /^(.*):(\d+)$/.exec(value);
    const port = Number(match?.[2]);
    if (match === null || port > 65535) {
      problems.push(`--${flag} ${value}: expected host:port or :port`);
      return undefined;
    }
    return { host: match[1] === "" ? "0.0.0.0" : (match[1] ?? "").replace(/^\[(.*)\]$/, "$1"), port };
  };
  const duration = (name: string, fallbackMs: number): DurationMs => {
    const value = name.startsWith("--") ? text(name.slice(2)) : env[name];
    if (value === undefined || value === "") return durationMs(fallbackMs);
    const parsed = parseGoDuration(value);
    if (parsed.ok && parsed.value >= 0) return parsed.value;
    problems.push(`${name}: ${parsed.ok ? "must not be negative" : parsed.error}`);
    return durationMs(fallbackMs);
  };
  const registries: ("Kubernetes" | "Mock")[] = [];
  for (const name of (text("registries") ?? "Kubernetes").split(",").filter((part) => part !== "")) {
    if (name === "Kubernetes" || name === "Mock") registries.push(name);
    else problems.push(`--registries ${name}: known are Kubernetes and Mock`);
  }
  const levelText = (text("log_output_level") ?? "info")
    .split(",")
    .find((part) => !part.includes(":") || part.startsWith("default:"));
  const logLevel = parseLogLevel((levelText ?? "info").replace(/^default:/, ""));
  if (logLevel === undefined)
    problems.push(`--log_output_level ${levelText}: known are debug, info, warn, error and none`);
  const options: DiscoveryOptions = {
    grpc: address("grpcAddr", ":15010"),
    secureGrpc: address("secureGRPCAddr", ":15012"),
    http: address("httpAddr", ":8080"),
    https: address("httpsAddr", ":15017"),
    monitoring: address("monitoringAddr", ":15014"),
    registries,
    configDir: text("configDir"),
    kubeconfig: text("kubeconfig"),
    meshConfigFile: text("meshConfig"),
    caDir: text("caDir") ?? env["ROOT_CA_DIR"] ?? "./etc/cacerts",
    domain: text("domain") ?? "cluster.local",
    keepaliveIntervalMs: duration("--keepaliveInterval", 30_000),
    keepaliveTimeoutMs: duration("--keepaliveTimeout", 10_000),
    clusterId: text("clusterID") ?? env["CLUSTER_ID"] ?? "Kubernetes",
    namespace: env["POD_NAMESPACE"] || "istio-system",
    podName: env["POD_NAME"] || "istiod",
    logLevel: logLevel ?? "info",
    logJson: flags["log_as_json"] === true,
    debounceAfterMs: duration("PILOT_DEBOUNCE_AFTER", 100),
    debounceMaxMs: duration("PILOT_DEBOUNCE_MAX", 10_000),
    defaultTtlMs: duration("DEFAULT_WORKLOAD_CERT_TTL", 24 * 3_600_000),
    maxTtlMs: duration("MAX_WORKLOAD_CERT_TTL", 90 * 24 * 3_600_000),
    drainMs: duration("HEDDLE_DRAIN", 5000),
    workloadGraceMs: duration("PILOT_WORKLOAD_ENTRY_GRACE_PERIOD", 10_000),
    remoteClusterTimeoutMs: duration("PILOT_REMOTE_CLUSTER_TIMEOUT", 30_000),
    authenticatePlaintext: env["XDS_AUTH_PLAINTEXT"] === "true",
    analyse: env["PILOT_ENABLE_ANALYSIS"] === "true",
  };
  return problems.length > 0 ? err(problems) : ok(options);
}
