import type { FindingRow, GatewaysAnswer } from "../config-contract.ts";
import type { FailureRow, MeshAnswer, OverviewRow, Problem, TrafficRow } from "../dashboard-contract.ts";
import type { PodInfo } from "../inventory.ts";
import { failing } from "./failing-problems.ts";
import { findingProblems } from "./finding-problems.ts";
import { gatewayProblems } from "./gateway-problems.ts";
import { workloadOf } from "./overview.ts";
import { podProblems, type RefusedConnections } from "./pod-problems.ts";
import { UNREACHED } from "./traffic.ts";

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
  /** Connections that no filter chain took. */
  readonly refused: readonly RefusedConnections[];
  /** What of proxies' metrics could not be read or kept, as sentences. */
  readonly scrapeGaps: readonly string[];
  readonly timeMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Certificates are renewed long before: one this close to its end was not. Units: ms. */
const WORKLOAD_CERTIFICATE_MS = HOUR_MS;
const ROOT_MS = 60 * DAY_MS;
/** Letters of a rejection that a reader takes in. */
const WORDS = 240;

/** Everything that is wrong now, gravest first, each with its cause and the next step. */
export function problems(evidence: Evidence): readonly Problem[] {
  const all = [
    ...failing(evidence),
    ...podProblems(evidence),
    ...denied(evidence),
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

/** Refusals are answers, no failures: callers that should not be there may well be refused, so they are told apart. */
function denied({ workloads }: Evidence): readonly Problem[] {
  return workloads
    .filter((w) => w.unauthorized > 0)
    .map((w) => {
      const count = Math.max(1, Math.round(w.unauthorized));
      return {
        id: `denied/${w.namespace}/${w.name}`,
        severity: "warning" as const,
        what: `${w.name}: ${count} ${count === 1 ? "request was" : "requests were"} refused by policy`,
        cause: "an AuthorizationPolicy denies them, or none of those that allow names their caller",
        next: `open ${w.name}: “Policies in force” names them; heddle viz authz -n ${w.namespace} deploy/${w.name}`,
        namespace: w.namespace,
        name: w.name,
        sinceMs: null,
      };
    });
}

function plainText({ traffic }: Evidence): readonly Problem[] {
  return traffic
    .filter((way) => !way.secured && way.noTlsReason !== UNREACHED && (way.requests > 0 || way.tcp))
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
      cause: p.rejections.map(clipped).join("; "),
      next: `the proxy goes on with its last good one; see heddle proxy-status ${p.name}.${p.namespace} and mend the resource that the message names`,
      sinceMs: null,
    }));
  return [...down, ...mute, ...refused];
}

/** A proxy may repeat itself for every listener; `proxy-status` has all of it. */
function clipped(text: string): string {
  return text.length > WORDS ? `${text.slice(0, WORDS)}…` : text;
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
      name: workloadOf(p).name,
      sinceMs: null,
    }));
  const mute = scrapeGaps.map((gap) => ({
    id: `scrape/${gap.split(":")[0]}`,
    severity: "warning" as const,
    what: "Metrics are missing",
    cause: gap,
    next: "figures stand still where they are missing; for a proxy that does not answer, look at its pod's state",
    sinceMs: null,
  }));
  return [...lost, ...mute];
}
