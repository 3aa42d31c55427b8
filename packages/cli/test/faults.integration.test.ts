import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { KubeObject } from "@heddle/kube-client";
import { at, listOf, numberOf, textOf } from "@heddle/std";
import type { Demo } from "../src/demo/run.ts";
import { waitForPods } from "../src/demo/wait.ts";
import { findPod } from "../src/pods.ts";
import { eventually } from "./mesh-cluster.ts";
import { startTestDemo } from "./test-demo.ts";

const NAMESPACE = "emojivoto";
const READY_MS = 60_000;
let demo: Demo;

beforeAll(async () => {
  demo = await startTestDemo("test-faults", 10);
}, 180_000);

afterAll(async () => {
  await demo?.close();
}, 60_000);

const deployment = (name: string, namespace = NAMESPACE) => ({
  group: "apps",
  version: "v1",
  resource: "deployments",
  name,
  namespace,
});
const scale = (name: string, replicas: number, namespace = NAMESPACE) =>
  demo.kube.patch(deployment(name, namespace), { spec: { replicas } });
const pods = async (labelSelector: string, namespace = NAMESPACE) =>
  (await demo.kube.list({ apiVersion: "v1", kind: "Pod", namespace }, { labelSelector })).items;

/** What the bot logged in the last seconds: votes that got through, votes that were answered with an error, and calls without any answer. */
async function botLog(sinceSeconds: number): Promise<string> {
  const { pod } = await findPod(demo.kube, "deploy/vote-bot", NAMESPACE);
  const query = { container: "vote-bot", sinceSeconds };
  return (await demo.kube.request("GET", `/api/v1/namespaces/${NAMESPACE}/pods/${pod}/log`, { query })).text();
}

async function meshTraffic(windowMs = 15_000): Promise<{ requests: number; failures: number }> {
  const report = await demo.report(windowMs, windowMs / 1000);
  const web = report.stat.find((r) => r.name === "web");
  return { requests: web?.requests ?? 0, failures: web?.failures ?? 0 };
}

describe("control plane away", () => {
  test("traffic goes on, new pods wait, and work when it is back", async () => {
    await scale("istiod", 0, "istio-system");
    await eventually("istiod gone", async () => (await pods("app=istiod", "istio-system")).length === 0);
    // A window that lies behind the end of istiod.
    await Bun.sleep(7000);
    const during = await eventually("traffic without control plane", async () => {
      const traffic = await meshTraffic(6_000);
      return traffic.requests > 50 && traffic;
    });
    console.log(`without control plane: ${during.requests} requests, ${during.failures} failed`);
    // A vote in six fails, and half of the requests are votes: this many by chance once in ten thousand million runs.
    expect(during.failures / during.requests).toBeLessThan(0.35);
    await scale("emoji", 2);
    await eventually("a refused pod is told as an event", async () => {
      const events = await demo.kube.list({ apiVersion: "v1", kind: "Event", namespace: NAMESPACE });
      return events.items.some(
        (e) => textOf(e["reason"]) === "FailedCreate" && textOf(e["message"]).includes("failed calling webhook"),
      );
    });
    expect((await pods("app=emoji-svc")).length).toBe(1);
    await scale("istiod", 1, "istio-system");
    await waitForPods(demo.kube, "istio-system", 1, READY_MS, () => undefined);
    const two = await eventually("the second emoji pod", async () => {
      const all = await pods("app=emoji-svc");
      return all.length === 2 && all.every(isMeshedAndReady) && all;
    });
    expect(two.length).toBe(2);
    await scale("emoji", 1);
  }, 180_000);
});

function isMeshedAndReady(pod: KubeObject): boolean {
  const ready = listOf(at(pod, "status", "conditions")).some(
    (c) => textOf(at(c, "type")) === "Ready" && textOf(at(c, "status")) === "True",
  );
  return ready && JSON.stringify(pod["spec"]).includes('"istio-proxy"');
}

describe("a pod dies", () => {
  test("killed in the middle of requests, its callers get an answer, never a hang, and the next pod serves", async () => {
    const { pod } = await findPod(demo.kube, "deploy/voting", NAMESPACE);
    await demo.kube.delete(
      { apiVersion: "v1", kind: "Pod", name: pod, namespace: NAMESPACE },
      { gracePeriodSeconds: 0 },
    );
    await eventually("a new voting pod", async () => {
      const all = await pods("app=voting-svc");
      return all.length === 1 && all[0]?.metadata.name !== pod && all.every(isMeshedAndReady);
    });
    await Bun.sleep(5000);
    // The bot gives up on a call after ten seconds; a hang would be such a line.
    expect(await botLog(30)).not.toContain("timed out");
    await eventually("traffic afterwards", async () => (await meshTraffic()).requests > 0);
  }, 120_000);
});

describe("a proxy dies", () => {
  test("it is started again and the pod recovers", async () => {
    const { pod } = await findPod(demo.kube, "deploy/web", NAMESPACE);
    const restarts = async () => {
      const [found] = await pods("app=web-svc");
      const statuses = [
        ...listOf(at(found, "status", "initContainerStatuses")),
        ...listOf(at(found, "status", "containerStatuses")),
      ];
      return numberOf(
        at(
          statuses.find((s) => textOf(at(s, "name")) === "istio-proxy"),
          "restartCount",
        ),
      );
    };
    const before = await restarts();
    const session = await demo.kube.exec(NAMESPACE, pod, ["/bin/sh", "-c", "kill -9 -1"], { container: "istio-proxy" });
    await Promise.race([session.done.catch(() => undefined), Bun.sleep(5000)]);
    await eventually("a restart of istio-proxy", async () => (await restarts()) > before);
    await eventually("the pod is ready again", async () => (await pods("app=web-svc")).every(isMeshedAndReady));
    await eventually(
      "requests pass again",
      async () => (await botLog(3)).includes("/api/vote") || (await botLog(3)).includes("Voting"),
    );
  }, 120_000);
});

describe("STRICT", () => {
  const policy = {
    apiVersion: "security.istio.io/v1",
    kind: "PeerAuthentication",
    metadata: { name: "default", namespace: NAMESPACE },
    spec: { mtls: { mode: "STRICT" } },
  };

  test("plain text is refused, meshed callers and probes go on; removed, plain text passes again", async () => {
    const url = demo.urls["emojivoto"] ?? "";
    const answers = () =>
      fetch(url, { signal: AbortSignal.timeout(3000) }).then(
        (r) => r.ok,
        () => false,
      );
    await eventually("plain text accepted", answers);
    await demo.kube.applyObjects([policy]);
    await eventually("plain text refused", async () => !(await answers()));
    await Bun.sleep(3000);
    await eventually("meshed callers go on", async () => (await meshTraffic()).requests > 20);
    expect((await pods("app=web-svc")).every(isMeshedAndReady)).toBe(true);
    await demo.kube.delete({ apiVersion: policy.apiVersion, kind: policy.kind, name: "default", namespace: NAMESPACE });
    await eventually("plain text accepted again", answers);
  }, 120_000);
});

describe("wrong input", () => {
  test("an invalid PeerAuthentication is refused with its field", async () => {
    const bad = {
      apiVersion: "security.istio.io/v1",
      kind: "PeerAuthentication",
      metadata: { name: "bad", namespace: NAMESPACE },
      spec: { mtls: { mode: "SOMETIMES" } },
    };
    await expect(demo.kube.create(bad)).rejects.toThrow(/mode/);
  });

  test("an unknown image says what to do", async () => {
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "nosuch", namespace: "default" },
      spec: { containers: [{ name: "x", image: "example.com/nosuch:1" }] },
    };
    await demo.kube.create(pod);
    const message = await eventually("ErrImagePull", async () => {
      const found = await demo.kube.get({ apiVersion: "v1", kind: "Pod", name: "nosuch", namespace: "default" });
      const waiting = at(listOf(at(found, "status", "containerStatuses"))[0], "state", "waiting");
      return /ImagePull/.test(textOf(at(waiting, "reason"))) && textOf(at(waiting, "message"));
    });
    expect(message).toContain("images.json");
  }, 60_000);
});
