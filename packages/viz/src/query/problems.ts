import type { FindingRow, GatewaysAnswer } from "../config-contract.ts";
import type { FailureRow, MeshAnswer, OverviewRow, Problem, TrafficRow } from "../dashboard-contract.ts";
import type { PodInfo } from "../inventory.ts";
import { findingProblems } from "./finding-problems.ts";
import { gatewayProblems } from "./gateway-problems.ts";

/** What is looked through. */
export interface Evidence {
  readonly workloads: readonly OverviewRow[];
  readonly traffic: readonly TrafficRow[];
  readonly failures: readonly FailureRow[];
  readonly mesh: MeshAnswer;
  readonly findings: readonly FindingRow[];
  /** Undefined where nobody can be asked. */
  readonly gateways?: GatewaysAnswer;
  readonly pods: readonly PodInfo[];
  /** Proxies whose metrics could not be read, as sentences. */
  readonly scrapeGaps: readonly string[];
  readonly timeMs: number;
}

/** Share of failures that is worth a word, and from which it is an error. */
const NOTABLE = 0.01;
const GRAVE = 0.05;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Certificates are renewed long before: one this close to its end was not. Units: ms. */
const WORKLOAD_CERTIFICATE_MS = HOUR_MS;
const ROOT_MS = 60 * DAY_MS;

/** Everything that is wrong now, gravest first, each with its cause and the next step. */
export function problems(evidence: Evidence): readonly Problem[] {
  const all = [
    ...failing(evidence),
    ...plainText(evidence),
    ...controlPlane(evidence),
    ...certificates(evidence),
    ...proxies(evidence),
    ...findingProblems(evidence.findings),
    ...(evidence.gateways ? gatewayProblems(evidence.gateways) : []),
  ];
  const rank = (p: Problem) => (p.severity === "error" ? 0 : 1);
  return all.sort((a, b) => rank(a) - rank(b) || a.id.localeCompare(b.id));
}

const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

/** A destination that fails; callers that only pass its failures on are not named again where the cause is further down. */
function failing({ workloads, traffic, failures }: Evidence): readonly Problem[] {
  const found: Problem[] = [];
  for (const way of traffic) {
    const share = way.requests > 0 ? way.failures / way.requests : 0;
    if (share <= NOTABLE) continue;
    const reasons = failures.filter(
      (f) =>
        f.dst === way.dst &&
        f.dstNamespace === way.dstNamespace &&
        f.src === way.src &&
        f.srcNamespace === way.srcNamespace,
    );
    const row = workloads.find((w) => w.name === way.dst && w.namespace === way.dstNamespace);
    const deeper = traffic.filter(
      (t) =>
        t.src === way.dst && t.srcNamespace === way.dstNamespace && t.failures > 0 && t.failures / t.requests > NOTABLE,
    );
    const because = reasons[0]
      ? `${reasons[0].reason}, ${timesOf(reasons[0].count)} in the window`
      : "the answers were failures";
    const passedOn = deeper.map((d) => d.dst).join(", ");
    found.push({
      id: `failing/${way.srcNamespace}/${way.src}/${way.dstNamespace}/${way.dst}`,
      severity: share > GRAVE && deeper.length === 0 ? "error" : "warning",
      what: `${way.src} → ${way.dst}: ${percent(share)} of requests fail`,
      cause:
        deeper.length > 0
          ? `${because}; ${way.dst} itself calls ${passedOn}, which fails too and is probably the cause`
          : because,
      next:
        deeper.length > 0
          ? `look at ${passedOn} first`
          : `open ${way.dst}: “Recent failures” names the paths that fail`,
      namespace: deeper[0]?.dstNamespace ?? way.dstNamespace,
      name: deeper[0]?.dst ?? way.dst,
      sinceMs: row?.failingSinceMs ?? null,
    });
  }
  return found;
}

function plainText({ traffic }: Evidence): readonly Problem[] {
  return traffic
    .filter((way) => !way.secured && (way.requests > 0 || way.tcp))
    .map((way) => ({
      id: `plain/${way.srcNamespace}/${way.src}/${way.dstNamespace}/${way.dst}`,
      severity: "warning" as const,
      what: `${way.src} → ${way.dst} is not encrypted`,
      cause: way.noTlsReason,
      next: way.noTlsReason.startsWith("the caller")
        ? "inject the caller, or refuse plain text with a PeerAuthentication in mode STRICT"
        : "inject the destination: label its namespace istio-injection=enabled and restart it",
      namespace: way.dstNamespace,
      name: way.dst,
      sinceMs: null,
    }));
}

function controlPlane({ mesh }: Evidence): readonly Problem[] {
  const down = mesh.gaps.map((gap) => ({
    id: "control-plane/none",
    severity: "error" as const,
    what: "No control plane",
    cause: gap,
    next: "kubectl get pods -n istio-system; reinstall with heddle install | kubectl apply -f -",
    sinceMs: null,
  }));
  const mute = mesh.replicas
    .filter((r) => r.error !== "")
    .map((r) => ({
      id: `control-plane/${r.namespace}/${r.name}`,
      severity: "error" as const,
      what: `Control plane ${r.name} does not answer`,
      cause: r.error,
      next: `kubectl logs -n ${r.namespace} ${r.name}`,
      sinceMs: null,
    }));
  const refused = mesh.proxies
    .filter((p) => p.rejections.length > 0)
    .map((p) => ({
      id: `rejected/${p.namespace}/${p.name}`,
      severity: "error" as const,
      what: `${p.name} refused its configuration`,
      cause: p.rejections.join("; "),
      next: `the proxy goes on with its last good one; see heddle proxy-status ${p.name}.${p.namespace} and mend the resource that the message names`,
      sinceMs: null,
    }));
  return [...down, ...mute, ...refused];
}

function certificates({ mesh, timeMs }: Evidence): readonly Problem[] {
  const leaf = mesh.proxies.flatMap((p): readonly Problem[] => {
    const left = p.certificateExpiresInMs;
    if (left === null || left > WORKLOAD_CERTIFICATE_MS) return [];
    return [
      {
        id: `certificate/${p.namespace}/${p.name}`,
        severity: "error",
        what:
          left > 0
            ? `The certificate of ${p.name} ends in ${Math.round(left / 60_000)} min`
            : `The certificate of ${p.name} has ended`,
        cause:
          "the proxy has not renewed it, as it does at half of its life: the CA refuses or is not reachable, or it was made for so short a life (SECRET_TTL)",
        next: `kubectl logs -n ${p.namespace} ${p.name} -c istio-proxy | grep -i certificate`,
        sinceMs: null,
      },
    ];
  });
  const roots = mesh.replicas.flatMap((r): readonly Problem[] => {
    if (r.rootExpiresMs === null || r.rootExpiresMs - timeMs > ROOT_MS) return [];
    return [
      {
        id: `root/${r.name}`,
        severity: r.rootExpiresMs - timeMs > 7 * DAY_MS ? "warning" : "error",
        what: `The mesh's root certificate ends in ${Math.max(0, Math.round((r.rootExpiresMs - timeMs) / DAY_MS))} days`,
        cause: "roots are not renewed by themselves",
        next: "bring a new root in the Secret cacerts beside the old one before that",
        sinceMs: null,
      },
    ];
  });
  return [...leaf, ...roots];
}

function proxies({ pods, mesh, scrapeGaps }: Evidence): readonly Problem[] {
  const connected = new Set(mesh.proxies.map((p) => `${p.namespace}/${p.name}`));
  const asked = mesh.replicas.some((r) => r.error === "");
  const lost = pods
    .filter((p) => asked && p.meshed && p.running && !connected.has(`${p.namespace}/${p.name}`))
    .map((p) => ({
      id: `disconnected/${p.namespace}/${p.name}`,
      severity: "warning" as const,
      what: `${p.name} has no stream to the control plane`,
      cause:
        "its proxy is starting, or cannot reach or convince the control plane; it goes on with the configuration it has",
      next: `kubectl logs -n ${p.namespace} ${p.name} -c istio-proxy`,
      namespace: p.namespace,
      name: p.owners[0]?.name ?? p.name,
      sinceMs: null,
    }));
  const mute = scrapeGaps.map((gap) => ({
    id: `scrape/${gap.split(":")[0]}`,
    severity: "warning" as const,
    what: "A proxy's metrics are missing",
    cause: gap,
    next: "its figures stand still until it answers; look at the pod's state",
    sinceMs: null,
  }));
  return [...lost, ...mute];
}

function timesOf(count: number): string {
  const rounded = Math.round(count);
  return rounded === 1 ? "once" : `${rounded} times`;
}
