import { expect, test } from "bun:test";
import { defaultInjectorValues, defaultMeshConfig } from "@heddle/config";
import { annotateManifest, renderManifest } from "./annotate.ts";
import { outcomeLine } from "./outcome.ts";
import { uninjectManifest } from "./uninject.ts";

const deployment = (template: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "emojivoto" },
  spec: {
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "x:1" }] },
      ...template,
    },
  },
});
const options = { mode: "enabled", annotations: {} } as const;
const contextOf = (namespace: string | undefined) => ({
  namespace: { name: namespace ?? "default", labels: {}, annotations: {} },
  mesh: defaultMeshConfig(),
  values: defaultInjectorValues(),
});

test("annotates the pod template and nothing else", () => {
  const before = deployment();
  const { object, outcomes } = annotateManifest(before, options);
  expect(object).toEqual(
    deployment({
      metadata: {
        labels: { app: "web", "sidecar.istio.io/inject": "true" },
        annotations: { "linkerd.io/inject": "enabled" },
      },
    }),
  );
  expect(outcomes.map(outcomeLine)).toEqual(['deployment "web" injected']);
  expect(before).toEqual(deployment());
});

test("services are skipped, lists are walked, host network fails with its reason", () => {
  const list = {
    apiVersion: "v1",
    kind: "List",
    items: [
      { kind: "Service", metadata: { name: "s" } },
      deployment(),
      deployment({ spec: { hostNetwork: true, containers: [] } }),
    ],
  };
  expect(annotateManifest(list, options).outcomes.map(outcomeLine)).toEqual([
    'service "s" skipped',
    'deployment "web" injected',
    "failed to inject deployment/web: hostNetwork is enabled",
  ]);
});

test("cron jobs have their template two levels down", () => {
  const cron = {
    kind: "CronJob",
    metadata: { name: "c" },
    spec: { jobTemplate: { spec: { template: { spec: { containers: [] } } } } },
  };
  expect(JSON.stringify(annotateManifest(cron, options).object)).toContain(
    '"jobTemplate":{"spec":{"template":{"spec":{"containers":[]},"metadata"',
  );
});

test("manual injection brings the sidecar, uninject takes everything out again", () => {
  const rendered = renderManifest(deployment(), contextOf);
  expect(JSON.stringify(rendered.object)).toContain("istio-proxy");
  const back = uninjectManifest(rendered.object).object;
  expect(JSON.stringify(back)).not.toContain("istio-proxy");
  expect(uninjectManifest(annotateManifest(deployment(), options).object).object).toEqual(deployment());
});

test("UDP is warned about", () => {
  const udp = deployment({ spec: { containers: [{ name: "dns", ports: [{ containerPort: 53, protocol: "UDP" }] }] } });
  expect(annotateManifest(udp, options).outcomes[0]?.warnings[0]).toContain("UDP");
});

test("uninject gives probes and metrics annotations back as their author wrote them", () => {
  const web = {
    name: "web",
    image: "x:1",
    readinessProbe: { httpGet: { path: "/ok", port: 8080 }, periodSeconds: 3 },
    livenessProbe: { tcpSocket: { port: 9000 } },
  };
  const annotations = { "prometheus.io/scrape": "true", "prometheus.io/path": "/m", "prometheus.io/port": "9" };
  const written = deployment({ metadata: { labels: { app: "web" }, annotations }, spec: { containers: [web] } });
  const rendered = renderManifest(written, contextOf);
  expect(JSON.stringify(rendered.object)).toContain("/app-health/web/readyz");
  expect(uninjectManifest(rendered.object).object).toEqual(written);
});
