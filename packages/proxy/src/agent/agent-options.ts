/** Everything that the sidecar's environment tells the agent. Source: docs/decisions/0001, Istio's pilot-agent. */
export interface AgentOptions {
  /** `router` is a gateway: it has no application behind it. */
  readonly role: "sidecar" | "router";
  readonly podName: string;
  readonly namespace: string;
  readonly podIp: string;
  readonly serviceAccount: string;
  readonly trustDomain: string;
  /** DNS suffix of the pod's namespace: `<ns>.svc.cluster.local`. */
  readonly domain: string;
  /** `host:port` of the certificate authority. */
  readonly caAddress: string;
  /** `host:port` of the discovery service. */
  readonly discoveryAddress: string;
  readonly dataPlane: "heddle" | "envoy";
  readonly statusPort: number;
  /** Units: ms. */
  readonly terminationDrainMs: number;
  /** As written in ProxyConfig; undefined: not at all. */
  readonly concurrency: string | undefined;
  /** Units: s. */
  readonly certificateTtlSeconds: number;
  /** Part of a certificate's life that must remain when it is renewed. */
  readonly certificateGraceRatio: number;
  /** The certificate at hand vouches for the next one where the token has expired: a host outside of a cluster. */
  readonly renewByCertificate: boolean;
  readonly files: AgentFiles;
  /** Of a workload that has no downward API (`ISTIO_METAJSON_LABELS`). */
  readonly labels: Readonly<Record<string, string>>;
  /** Every `ISTIO_META_*` variable without its prefix. */
  readonly meta: Readonly<Record<string, string>>;
  /** MeshConfig.defaultConfig as the injector wrote it, for node metadata. */
  readonly proxyConfig: Readonly<Record<string, unknown>>;
  /** JSON of `ISTIO_KUBE_APP_PROBERS`; empty when no probe was rewritten. */
  readonly appProbers: string;
  /** JSON of `ISTIO_PROMETHEUS_ANNOTATIONS`; empty when the application has no metrics of its own. */
  readonly appMetrics: string;
}

export interface AgentFiles {
  readonly token: string;
  readonly rootCertificate: string;
  readonly podLabels: string;
  readonly podAnnotations: string;
  /** Folder of a certificate that vouches for the first one issued, instead of a token (`PROV_CERT`); "": there is none. */
  readonly provisioned: string;
  /** Folder that each issued certificate is kept in (`OUTPUT_CERTS`); "": nowhere. */
  readonly output: string;
  /** Writable folder for Envoy's bootstrap and the secret discovery socket. */
  readonly configFolder: string;
}

export interface OptionProblem {
  readonly path: string;
  readonly reason: string;
}

type Env = Readonly<Record<string, string | undefined>>;

const DEFAULT_DRAIN_MS = 5000;
const DEFAULT_TTL_SECONDS = 86_400;
const DEFAULT_GRACE_RATIO = 0.5;

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "{}");
  } catch {
    return undefined;
  }
}

function stringsOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go durations such as `24h0m0s` or `1.5h`; `fallback` when there is none. Errors: undefined. Units: ms. */
export function durationMs(value: unknown, fallback: number): number | undefined {
  if (value === undefined || value === "") return fallback;
  if (typeof value !== "string" || !/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(value)) return undefined;
  let total = 0;
  for (const [, amount, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    total += Number(amount) * (UNIT_MS[unit ?? ""] ?? 0);
  return total;
}

/** Reads the environment. Every missing variable is named at once. */
export function readAgentOptions(
  argv: readonly string[],
  env: Env,
): { readonly options: AgentOptions; readonly problems: readonly OptionProblem[] } {
  const problems: OptionProblem[] = [];
  const need = (name: string): string => {
    const value = env[name];
    if (value) return value;
    problems.push({
      path: name,
      reason: "is not set; a sidecar gets it from injection, so look at the pod's istio-proxy container",
    });
    return "";
  };
  const parsed = parseJson(env["PROXY_CONFIG"]);
  if (parsed === undefined) problems.push({ path: "PROXY_CONFIG", reason: "is not JSON" });
  const proxyConfig = typeof parsed === "object" && parsed !== null ? Object.fromEntries(Object.entries(parsed)) : {};
  const namespace = need("POD_NAMESPACE");
  const caAddress = env["CA_ADDR"] || String(proxyConfig["discoveryAddress"] ?? "istiod.istio-system.svc:15012");
  const domainFlag = argv.indexOf("--domain");
  const dataPlane = env["HEDDLE_DATA_PLANE"] ?? "heddle";
  if (dataPlane !== "heddle" && dataPlane !== "envoy") {
    problems.push({ path: "HEDDLE_DATA_PLANE", reason: `is ${JSON.stringify(dataPlane)}; use heddle or envoy` });
  }
  const ttlMs = durationMs(env["SECRET_TTL"], DEFAULT_TTL_SECONDS * 1000);
  if (ttlMs === undefined || ttlMs < 1000)
    problems.push({ path: "SECRET_TTL", reason: `is ${env["SECRET_TTL"]}; use a duration such as 24h or 90m` });
  const graceRatio = Number(env["SECRET_GRACE_PERIOD_RATIO"] || DEFAULT_GRACE_RATIO);
  if (!(graceRatio > 0 && graceRatio < 1))
    problems.push({
      path: "SECRET_GRACE_PERIOD_RATIO",
      reason: `is ${env["SECRET_GRACE_PERIOD_RATIO"]}; use a number between 0 and 1, such as 0.5`,
    });
  const options: AgentOptions = {
    role: argv[0] === "router" ? "router" : "sidecar",
    podName: need("POD_NAME"),
    namespace,
    podIp: need("INSTANCE_IP"),
    serviceAccount: env["SERVICE_ACCOUNT"] || "default",
    trustDomain: env["TRUST_DOMAIN"] || "cluster.local",
    domain: (domainFlag >= 0 ? argv[domainFlag + 1] : undefined) ?? `${namespace}.svc.cluster.local`,
    caAddress,
    discoveryAddress: String(proxyConfig["discoveryAddress"] ?? caAddress),
    dataPlane: dataPlane === "envoy" ? "envoy" : "heddle",
    statusPort: Number(proxyConfig["statusPort"] ?? 15020),
    terminationDrainMs: durationMs(proxyConfig["terminationDrainDuration"], DEFAULT_DRAIN_MS) ?? DEFAULT_DRAIN_MS,
    concurrency: proxyConfig["concurrency"] === undefined ? undefined : String(proxyConfig["concurrency"]),
    certificateTtlSeconds: (ttlMs ?? 0) / 1000,
    certificateGraceRatio: graceRatio,
    renewByCertificate: env["HEDDLE_RENEW_BY_CERTIFICATE"] === "true" || Boolean(env["PROV_CERT"]),
    files: {
      token: env["HEDDLE_TOKEN_FILE"] ?? "/var/run/secrets/tokens/istio-token",
      rootCertificate: env["HEDDLE_ROOT_CERT_FILE"] ?? "/var/run/secrets/istio/root-cert.pem",
      podLabels: env["HEDDLE_POD_LABELS_FILE"] ?? "/etc/istio/pod/labels",
      podAnnotations: env["HEDDLE_POD_ANNOTATIONS_FILE"] ?? "/etc/istio/pod/annotations",
      provisioned: env["PROV_CERT"] ?? "",
      // The agent of proxyless gRPC writes its clients' files itself.
      output: env["ISTIO_META_GENERATOR"] === "grpc" ? "" : (env["OUTPUT_CERTS"] ?? ""),
      configFolder: env["HEDDLE_CONFIG_FOLDER"] ?? "/etc/istio/proxy",
    },
    meta: Object.fromEntries(
      Object.entries(env).flatMap(([k, v]) =>
        k.startsWith("ISTIO_META_") && v !== undefined ? [[k.slice(11), v]] : [],
      ),
    ),
    labels: stringsOf(parseJson(env["ISTIO_METAJSON_LABELS"])),
    proxyConfig,
    appProbers: env["ISTIO_KUBE_APP_PROBERS"] ?? "",
    appMetrics: env["ISTIO_PROMETHEUS_ANNOTATIONS"] ?? "",
  };
  return { options, problems };
}
