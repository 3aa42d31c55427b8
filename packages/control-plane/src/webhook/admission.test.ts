import { expect, test } from "bun:test";
import { defaultInjectorValues, defaultMeshConfig } from "@heddle/config";
import { emptyMesh } from "@heddle/model";
import { type Clock, createManualClock, createMetricsRegistry, createNullLogger } from "@heddle/std";
import { createTelemetry } from "../telemetry.ts";
import { injectionHandler, type NamespaceLookup } from "./admission.ts";

const time = createManualClock();
/** What is waited for comes at once. */
const clock: Clock = {
  now: () => time.now(),
  monotonic: () => time.monotonic(),
  every: (period, callback) => time.every(period, callback),
  after: (delay, callback) => {
    const timer = time.after(delay, callback);
    queueMicrotask(() => time.advance(delay));
    return timer;
  },
};

async function answered(lookup: NamespaceLookup, path: string): Promise<"injected" | "skipped"> {
  const handler = injectionHandler({
    state: () => emptyMesh({ mesh: defaultMeshConfig() }),
    clusterId: "Kubernetes",
    namespacesOf: () => lookup,
    values: () => defaultInjectorValues(),
    clock,
    log: createNullLogger(),
    telemetry: createTelemetry(createMetricsRegistry()),
  });
  const volume = { name: "kube-api-access-x", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } };
  const mount = { name: volume.name, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" };
  const pod = {
    metadata: { name: "a", namespace: "new" },
    spec: {
      serviceAccountName: "a",
      containers: [{ name: "a", image: "a", volumeMounts: [mount] }],
      volumes: [volume],
    },
  };
  const request = { uid: "1", namespace: "new", kind: { kind: "Pod" }, name: "a", object: pod };
  const review = (await handler({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request }, path)) as {
    response: { allowed: boolean; patch?: string };
  };
  expect(review.response.allowed).toBe(true);
  return review.response.patch === undefined ? "skipped" : "injected";
}

/** A watch that learns of the namespace `ms` from now. */
function learnsAfter(ms: number, labels: Record<string, string>): NamespaceLookup {
  const at = clock.monotonic() + ms;
  return () => (clock.monotonic() < at ? undefined : { labels, annotations: {} });
}

test("a namespace that was made a moment ago is waited for", async () => {
  expect(await answered(learnsAfter(120, { "istio-injection": "enabled" }), "/inject")).toBe("injected");
  expect(await answered(learnsAfter(120, {}), "/inject")).toBe("skipped");
});

test("what the API server chose by labels is injected, whatever is known of its namespace", async () => {
  const before = clock.monotonic();
  expect(await answered(() => undefined, "/inject/asked/label")).toBe("injected");
  expect(clock.monotonic() - before).toBe(1000);
  expect(await answered(() => ({ labels: {}, annotations: {} }), "/inject/asked/label")).toBe("injected");
  expect(await answered(() => ({ labels: {}, annotations: {} }), "/inject")).toBe("skipped");
});
