import { expect, test } from "bun:test";
import { defaultMeshConfig, type KubeObject } from "@heddle/config";
import { applyEvents } from "./apply.ts";
import { readProxyNode } from "./node.ts";
import { emptyMesh } from "./state.ts";
import { createViews } from "./views.ts";

const rule = (name: string, match: object): KubeObject => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name, namespace: "a" },
  spec: { hosts: [name], http: [{ match: [match], route: [{ destination: { host: name } }] }] },
});

test("namespaces share the rules that ask nothing about the caller, and no others", () => {
  const objects = [rule("all", { uri: { prefix: "/" } }), rule("some", { sourceNamespace: "a" })];
  const { state } = applyEvents(
    emptyMesh({ mesh: defaultMeshConfig() }),
    objects.map((object) => ({ kind: "upsert", object })),
  );
  const views = createViews();
  const rules = (namespace: string) => {
    const node = readProxyNode(`sidecar~10.0.0.9~p.${namespace}~${namespace}.svc.cluster.local`, {});
    if (!node.ok) throw new Error("node");
    const found = views.viewFor(state, node.value).outbound.rules;
    return (host: string) => found.find(({ hosts }) => hosts.includes(`${host}.a.svc.cluster.local`));
  };
  const [a, b] = [rules("a"), rules("b")];
  expect(a("all")).toBe(b("all"));
  expect(a("some")?.http).toHaveLength(1);
  expect(b("some")?.http).toHaveLength(0);
});
