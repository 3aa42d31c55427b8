import type { FailureRow, Problem, TrafficRow } from "../dashboard-contract.ts";
import { troublesOf } from "./pod-problems.ts";
import type { Evidence } from "./problems.ts";

/** Share of failures that is worth a word, and from which it is an error. */
const NOTABLE = 0.01;
const GRAVE = 0.05;

/** A destination that fails; callers that only pass its failures on are not named again where the cause is further down. */
export function failing(evidence: Evidence): readonly Problem[] {
  const { workloads, traffic } = evidence;
  return traffic
    .filter((way) => failedShare(way) > NOTABLE)
    .map((way) => {
      const share = failedShare(way);
      const row = workloads.find((w) => w.name === way.dst && w.namespace === way.dstNamespace);
      const deeper = traffic.filter(
        (t) => t.src === way.dst && t.srcNamespace === way.dstNamespace && failedShare(t) > NOTABLE,
      );
      return {
        id: `failing/${way.srcNamespace}/${way.src}/${way.dstNamespace}/${way.dst}`,
        severity: share > GRAVE && deeper.length === 0 ? ("error" as const) : ("warning" as const),
        what: `${way.src} → ${way.dst}: ${percent(share)} of requests fail`,
        sinceMs: row?.failingSinceMs ?? null,
        ...(deeper[0] ? passedOn(evidence, way, deeper) : ownFault(evidence, way)),
      };
    });
}

type Advice = Pick<Problem, "cause" | "next" | "namespace" | "name">;

function passedOn(evidence: Evidence, way: TrafficRow, deeper: readonly TrafficRow[]): Advice {
  const further = deeper.map((d) => d.dst).join(", ");
  const [first = way] = deeper;
  return {
    cause: `${because(mainReason(evidence, way))}; ${way.dst} itself calls ${further}, which fails too and is probably the cause`,
    next: `look at ${further} first`,
    ...placeOf(first, mainReason(evidence, first)),
  };
}

function ownFault(evidence: Evidence, way: TrafficRow): Advice {
  const reason = mainReason(evidence, way);
  const trouble = troublesOf(evidence.pods, way.dstNamespace, way.dst)[0];
  return {
    cause: `${because(reason)}${trouble ? `; its pod ${trouble.pod} is in ${trouble.reason}` : ""}`,
    next: trouble?.next ?? nextStep(way, reason),
    ...placeOf(way, reason),
  };
}

function mainReason({ failures }: Evidence, way: TrafficRow): FailureRow | undefined {
  return failures.find(
    (f) =>
      f.dst === way.dst &&
      f.dstNamespace === way.dstNamespace &&
      f.src === way.src &&
      f.srcNamespace === way.srcNamespace,
  );
}

const has = (reason: FailureRow | undefined, ...flags: readonly string[]) =>
  reason?.flags.split(",").some((flag) => flags.includes(flag)) ?? false;

/** What never left the caller is seen at the caller: the destination may not even exist. */
function placeOf(way: TrafficRow, reason: FailureRow | undefined): Pick<Problem, "namespace" | "name"> {
  const isHere = has(reason, "NC", "NR") || way.dstNamespace === "unknown";
  return isHere ? { namespace: way.srcNamespace, name: way.src } : { namespace: way.dstNamespace, name: way.dst };
}

/** Labels are what a pod says of itself, and commands are copied: what is no namespace's name does not stand in one. */
const inCommand = (namespace: string) => (/^[a-z0-9-]+$/.test(namespace) ? namespace : "NAMESPACE");

function nextStep(way: TrafficRow, reason: FailureRow | undefined): string {
  if (has(reason, "NC", "NR"))
    return `a route of ${way.dst} names a host or subset that nothing defines: heddle analyze -n ${inCommand(way.srcNamespace)} says which`;
  if (has(reason, "UH"))
    return `no pod of it is ready: kubectl get pods -n ${inCommand(way.dstNamespace)}; if they are, compare the Service's selector and targetPort with them, and see whether outlier detection took them out`;
  if (has(reason, "UF"))
    return `is its container up, and does it listen at the Service's targetPort? kubectl get pods -n ${inCommand(way.dstNamespace)}; between a caller without mutual TLS and a STRICT destination it looks the same: heddle analyze -n ${inCommand(way.dstNamespace)}`;
  if (has(reason, "UPE", "DPE"))
    return "does the Service's port name (or appProtocol) say the protocol that callers and destination speak, http or grpc?";
  if (reason?.code === "403" || reason?.grpcStatus === "7")
    return `open ${way.dst}: “Policies in force” names the policies that may refuse it; if none does, the application itself did`;
  return `open ${way.dst}: “Recent failures” names the paths that fail`;
}

function because(reason: FailureRow | undefined): string {
  if (!reason) return "the answers were failures";
  const rounded = Math.round(reason.count);
  return `${reason.reason}, ${rounded === 1 ? "once" : `${rounded} times`} in the window`;
}

const failedShare = (way: TrafficRow): number => (way.requests > 0 ? way.failures / way.requests : 0);

const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
