/** What annotations of both dialects leave out of the mesh, seen in the traffic of pods. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { at, listOf, textOf } from "@heddle/std";
import { waitForPods } from "../src/demo/wait.ts";
import { podGet } from "../src/pod-http.ts";
import {
  echoPod,
  eventually,
  injectedNamespace,
  type MeshCluster,
  NAMESPACE,
  startMeshCluster,
  strict,
} from "./mesh-cluster.ts";

setDefaultTimeout(60_000);

interface Echo {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
}

describe("annotations of the redirection", () => {
  let mesh: MeshCluster;

  beforeAll(async () => {
    mesh = await startMeshCluster("test-intercept");
    await mesh.kube.applyObjects([
      injectedNamespace,
      strict,
      ...echoPod("outside", { "sidecar.istio.io/inject": "false" }),
      ...echoPod("istio", {
        "traffic.sidecar.istio.io/excludeInboundPorts": "8999-9001",
        "traffic.sidecar.istio.io/excludeOutboundIPRanges": mesh.cluster.plan.serviceCidr,
      }),
      ...echoPod("linkerd", {
        "config.linkerd.io/skip-inbound-ports": "9000-65535",
        "config.linkerd.io/skip-outbound-ports": "8080,9000-9010",
      }),
    ]);
    await waitForPods(mesh.kube, NAMESPACE, 3, 60_000, () => undefined);
  }, 150_000);

  afterAll(async () => {
    await mesh?.close();
  }, 60_000);

  const tcp = (from: string, to: string, port: number, say: string) =>
    mesh.ask<{ said?: string; error?: string }>(from, `/tcp?host=${to}&port=${port}&say=${say}`);
  const call = async (from: string, url: string): Promise<Echo> => {
    const { body } = await mesh.ask<{ body: string }>(from, `/call?url=${encodeURIComponent(url)}`);
    return JSON.parse(body) as Echo;
  };

  /** Connections that the pod's proxy led on to wherever they were going. */
  const passedThrough = async (pod: string): Promise<number> => {
    const stats = await podGet(mesh.kube, NAMESPACE, pod, 15000, "/stats");
    return Number(/^cluster\.PassthroughCluster\.upstream_cx_total: (\d+)$/m.exec(stats)?.[1]);
  };

  test.each([
    "istio",
    "linkerd",
  ])("incoming ports that %s leaves out take plain text under STRICT, others do not", async (pod) => {
    // STRICT arrives a moment after the pod is ready.
    await eventually("plain text refused", () =>
      call("outside", `http://${pod}:8080/echo`).then(
        () => false,
        (error) => String(error).includes("closed"),
      ),
    );
    expect(await tcp("outside", pod, 9000, "hello")).toEqual({ said: "hello" });
    expect((await tcp("outside", pod, 9001, "")).said).toStartWith(`220 ${pod}`);
  });

  test("outgoing traffic that is left out does not see the proxy", async () => {
    for (const pod of ["istio", "linkerd"]) {
      const { name, headers } = await call(pod, "http://outside:8080/echo");
      expect(name).toBe("outside");
      expect(headers["x-request-id"]).toBeUndefined();
    }
    // What is not left out does: a pod's own address is in no excluded range.
    const pod = await mesh.kube.get({ apiVersion: "v1", kind: "Pod", namespace: NAMESPACE, name: "outside" });
    const url = `http://${textOf(at(pod, "status", "podIP"))}:8081`;
    expect(url).not.toBe("http://:8081");
    const before = await passedThrough("istio");
    await mesh.ask("istio", `/http2?url=${encodeURIComponent(url)}`);
    await eventually("the proxy counted it", async () => (await passedThrough("istio")) > before);
  });

  test("TPROXY is refused with a sentence in the pod's status", async () => {
    const bad = echoPod("tproxy", { "sidecar.istio.io/interceptionMode": "TPROXY" });
    await mesh.kube.applyObjects(bad);
    const message = await eventually("the sentence", async () => {
      const pod = await mesh.kube.get({ apiVersion: "v1", kind: "Pod", namespace: NAMESPACE, name: "tproxy" });
      const [init] = listOf(at(pod, "status", "initContainerStatuses"));
      return (
        textOf(at(init, "lastState", "terminated", "message")) || textOf(at(init, "state", "terminated", "message"))
      );
    });
    expect(message).toContain("TPROXY is not available; use REDIRECT");
    expect(message.trim().split("\n")).toHaveLength(1);
  });
});
