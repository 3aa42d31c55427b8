import type { MirrorStatus } from "@heddle/model";

/** What is said in `status` of a Link. Source: Linkerd's Link v1alpha3, and a condition on the whole. */
export function linkStatus(
  statuses: readonly MirrorStatus[],
  problem: string,
  shared: boolean | undefined,
  now: string,
): object {
  const entries = (form: MirrorStatus["form"]) =>
    statuses
      .filter((one) => one.form === form)
      .map(({ name, namespace, mirrored, reason, message }) => ({
        controllerName: "linkerd.io/service-mirror",
        remoteRef: { group: "", kind: "Service", name, namespace },
        conditions: [
          { type: "Mirrored", status: mirrored ? "True" : "False", reason, message, lastTransitionTime: now },
        ],
      }));
  return {
    mirrorServices: entries("mirror"),
    federatedServices: entries("federated"),
    conditions: [
      {
        type: "Reachable",
        status: problem === "" ? "True" : "False",
        reason: problem === "" ? "Reachable" : "Unreachable",
        message: problem,
        lastTransitionTime: now,
      },
      {
        type: "TrustAnchorsShared",
        status: shared === undefined ? "Unknown" : shared ? "True" : "False",
        reason: shared === false ? "NoCommonRoot" : shared ? "CommonRoot" : "NotRead",
        message:
          shared === false
            ? "the clusters have no root certificate in common, so they refuse each other's calls; give both a CA of one root (heddle ca root, heddle ca intermediate)"
            : "",
        lastTransitionTime: now,
      },
    ],
  };
}

/** Whether two statuses say the same, whenever they were written. */
export function sameStatus(a: unknown, b: unknown): boolean {
  const text = (value: unknown) =>
    JSON.stringify(value, (key, inner: unknown) => (key === "lastTransitionTime" ? undefined : sorted(inner)));
  return text(a) === text(b);
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
