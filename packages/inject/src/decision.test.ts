import { describe, expect, test } from "bun:test";
import { defaultInjectorValues, defaultMeshConfig, type JsonObject } from "@heddle/config";
import { decide } from "./decision.ts";

type Strings = Record<string, string>;

function verdict(
  namespace: { labels?: Strings; annotations?: Strings; name?: string; asked?: boolean },
  pod: { labels?: Strings; annotations?: Strings; spec?: JsonObject },
): string {
  const decision = decide(
    {
      metadata: { labels: pod.labels ?? {}, annotations: pod.annotations ?? {} },
      spec: pod.spec ?? { containers: [{ name: "a" }] },
    },
    {
      namespace: {
        name: namespace.name ?? "ns",
        labels: namespace.labels ?? {},
        annotations: namespace.annotations ?? {},
      },
      asked: namespace.asked ?? false,
      mesh: defaultMeshConfig(),
      values: defaultInjectorValues(),
    },
  );
  return decision.inject ? `yes ${decision.dialect}` : decision.reason.code;
}

const on = { labels: { "istio-injection": "enabled" } };
const inject = (value: string) => ({ labels: { "sidecar.istio.io/inject": value } });
const linkerd = (value: string) => ({ annotations: { "linkerd.io/inject": value } });

describe("decide", () => {
  test.each([
    ["a silent namespace", {}, {}, "not-asked"],
    ["istio-injection=enabled", on, {}, "yes istio"],
    ["…and the pod says no", on, inject("false"), "disabled-by-pod"],
    ["the pod says yes in a silent namespace", {}, inject("true"), "yes istio"],
    [
      "the pod says yes, the namespace no",
      { labels: { "istio-injection": "disabled" } },
      inject("true"),
      "disabled-by-namespace",
    ],
    [
      "the label beats the annotation",
      on,
      { labels: { "sidecar.istio.io/inject": "true" }, annotations: { "sidecar.istio.io/inject": "false" } },
      "yes istio",
    ],
    ["the API server saw a label that we have not", { asked: true }, {}, "yes istio"],
    ["…and sees no longer one that we do", { asked: true, labels: { "istio-injection": "disabled" } }, {}, "yes istio"],
    ["…and the pod says no", { asked: true }, inject("false"), "disabled-by-pod"],
    ["…and the pod asks for Linkerd's form", { asked: true }, linkerd("enabled"), "yes linkerd"],
    ["istio.io/rev of this revision", { labels: { "istio.io/rev": "default" } }, {}, "yes istio"],
    ["istio.io/rev of another", { labels: { "istio.io/rev": "canary" } }, {}, "other-revision"],
    [
      "istio-injection wins over istio.io/rev",
      { labels: { "istio-injection": "enabled", "istio.io/rev": "canary" } },
      {},
      "yes istio",
    ],
    ["Linkerd's namespace annotation", linkerd("enabled"), {}, "yes linkerd"],
    ["Linkerd's ingress mode", {}, linkerd("ingress"), "yes linkerd"],
    ["Linkerd's pod annotation says no", linkerd("enabled"), linkerd("disabled"), "disabled-by-pod"],
    ["host network", on, { spec: { hostNetwork: true, containers: [] } }, "host-network"],
    ["kube-system", { ...on, name: "kube-system" }, {}, "ignored-namespace"],
    ["Linkerd's own sidecar", on, { spec: { containers: [{ name: "linkerd-proxy" }] } }, "foreign-sidecar"],
    [
      "another istio-proxy",
      on,
      { spec: { containers: [{ name: "istio-proxy", image: "docker.io/istio/proxyv2:1.20" }] } },
      "foreign-sidecar",
    ],
  ] as const)("%s", (_name, namespace, pod, expected) => {
    expect(verdict(namespace as never, pod as never)).toBe(expected);
  });
});
