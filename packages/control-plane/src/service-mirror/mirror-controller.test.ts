import { expect, test } from "bun:test";
import type { KubeClient, KubeObject, WatchHandlers } from "@heddle/kube-client";
import { createLineSink, createLogger, createManualClock, createMetricsRegistry, type ManualClock } from "@heddle/std";
import { startMirrorController } from "./mirror-controller.ts";

/** An API server that keeps what is written and tells it to those who watch. */
function apiServer() {
  const watches = new Map<string, WatchHandlers>();
  const writes: string[] = [];
  const plurals: Readonly<Record<string, string>> = {
    Service: "services",
    Endpoints: "endpoints",
    EndpointSlice: "endpointslices",
    Link: "links",
  };
  const tell = (type: "MODIFIED" | "DELETED", object: KubeObject) =>
    watches.get(plurals[object.kind] ?? "")?.onEvent({ type, object });
  const objects = new Map<string, KubeObject>();
  const keyOf = ({ kind, name }: { readonly kind?: string; readonly name: string }) => `${kind} ${name}`;
  const kube = {
    watch: ({ resource }: { readonly resource: string }, handlers: WatchHandlers) => {
      watches.set(resource, handlers);
      queueMicrotask(() => handlers.onSync?.());
      return { close: () => undefined };
    },
    get: async () => {
      throw new Error("the test has no roots");
    },
    patch: async (ref: { kind?: string; name: string }, body: KubeObject, options?: { subresource?: string }) => {
      if (options?.subresource === "status") return;
      writes.push(`+ ${keyOf(ref)}`);
      objects.set(keyOf(ref), body);
      tell("MODIFIED", body);
    },
    delete: async (ref: { kind?: string; name: string }) => {
      writes.push(`- ${keyOf(ref)}`);
      const object = objects.get(keyOf(ref));
      if (object !== undefined) tell("DELETED", object);
    },
  };
  return { tell, writes, kube: kube as unknown as KubeClient };
}

function setup() {
  const api = apiServer();
  const clock: ManualClock = createManualClock();
  const lines: string[] = [];
  const controller = startMirrorController({
    kube: api.kube,
    clock,
    random: () => 0.5,
    log: createLogger({ clock, level: "warn", sink: createLineSink("text", (line) => lines.push(line)) }),
    metrics: createMetricsRegistry(),
    userAgent: "test",
    namespace: "links",
    headless: false,
  });
  const round = async () => {
    await Bun.sleep(0);
    clock.advance(100);
    await Bun.sleep(0);
  };
  return { ...api, lines, controller, round };
}

const link = (name: string, createdAt: string): KubeObject => ({
  apiVersion: "multicluster.linkerd.io/v1alpha3",
  kind: "Link",
  metadata: { name, namespace: "links", creationTimestamp: createdAt },
  spec: {
    targetClusterName: "west",
    clusterCredentialsSecret: "west",
    gatewayAddress: "127.0.0.1",
    probeSpec: { path: "/ready", port: "1", period: "3s", timeout: "1s", failureThreshold: "3" },
  },
});

test("a mirror that was removed is written again at once when its Link comes back", async () => {
  const { tell, writes, controller, round } = setup();
  const west = link("west", "2026-01-01T00:00:00Z");
  tell("MODIFIED", west);
  await round();
  await round();
  expect(writes).toContain("+ Service probe-gateway-west");
  tell("DELETED", west);
  await round();
  await round();
  expect(writes).toContain("- Service probe-gateway-west");
  writes.length = 0;
  tell("MODIFIED", west);
  await round();
  expect(writes).toContain("+ Service probe-gateway-west");
  controller.close();
});

test("of two Links to one cluster the younger has no effect, and that is said once", async () => {
  const { tell, lines, controller, round } = setup();
  tell("MODIFIED", link("west", "2026-01-01T00:00:00Z"));
  for (const day of ["02", "03", "04"]) {
    tell("MODIFIED", link("other", `2026-01-${day}T00:00:00Z`));
    await round();
  }
  expect(lines.filter((line) => line.includes("linked by links/west already"))).toHaveLength(1);
  controller.close();
});
