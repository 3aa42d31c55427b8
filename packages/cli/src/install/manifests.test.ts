import { expect, test } from "bun:test";
import { controlPlaneManifests, uninstallManifests } from "./manifests.ts";
import { defaultInstallOptions } from "./options.ts";
import { vizManifests } from "./viz.ts";

const options = defaultInstallOptions("0.1.0", "istio-system");
const names = (objects: readonly { kind: string; metadata: { name: string } }[]) =>
  objects.map((o) => `${o.kind}/${o.metadata.name}`);

test("the install has what existing tools look for", () => {
  const all = names(controlPlaneManifests(options));
  expect(all[0]).toBe("Namespace/istio-system");
  expect(all).toContain("Service/istiod");
  expect(all).toContain("ConfigMap/istio");
  expect(all).toContain("MutatingWebhookConfiguration/istio-sidecar-injector");
});

test("high availability: three replicas, a disruption budget, every injection door closed", () => {
  const all = controlPlaneManifests({ ...options, replicas: 3, highAvailability: true });
  expect(names(all)).toContain("PodDisruptionBudget/istiod");
  expect(JSON.stringify(all.find((o) => o.kind === "MutatingWebhookConfiguration"))).not.toContain("Ignore");
});

test("uninstall names every object of the install, children first", () => {
  const removed = names(uninstallManifests(options));
  for (const name of names(controlPlaneManifests(options))) expect(removed).toContain(name);
  expect(removed.indexOf("Deployment/istiod")).toBeLessThan(removed.indexOf("Namespace/istio-system"));
});

test("each extension object names the mesh's version", () => {
  expect(JSON.stringify(vizManifests(options))).toContain("heddle/heddle:0.1.0");
});

test("live calls of the dashboard in the cluster need a right of their own, and are off by default", () => {
  const bound = (viz: object) =>
    names(vizManifests(options, viz)).includes("ClusterRoleBinding/heddle-viz-metrics-api-tap");
  const asked = { liveCalls: true, enforcedHost: "^mesh\\.example$" };
  expect([bound({}), bound(asked)]).toEqual([false, true]);
  expect(JSON.stringify(vizManifests(options, asked))).toContain(
    '"--enforced-host","^mesh\\\\.example$","--live-calls"',
  );
  expect(JSON.stringify(vizManifests(options))).not.toContain("--live-calls");
});
