import { expect, test } from "bun:test";
import { parseMeshConfig } from "@heddle/config";
import { applyEvents, createViews, emptyMesh, readProxyNode } from "@heddle/model";
import { accessRules } from "./rbac.ts";

const providers = `extensionProviders:
- {name: opa, envoyExtAuthzGrpc: {service: a/authz.a.svc.cluster.local, port: 9000}}
- {name: other, envoyExtAuthzHttp: {service: authz.a.svc.cluster.local, port: 9000}}
- {name: lost, envoyExtAuthzHttp: {service: gone.a.svc.cluster.local, port: 9000}}
- {name: wrong-port, envoyExtAuthzHttp: {service: authz.a.svc.cluster.local, port: 1}}
- {name: logs, envoyFileAccessLog: {path: /dev/stdout}}
`;

/** What a workload with a policy for each of these providers does. */
function accessWith(names: readonly string[], http = true) {
  const parsed = parseMeshConfig(providers);
  if (!parsed.ok) throw new Error(parsed.problems.map(({ reason }) => reason).join());
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "authz", namespace: "a" },
    spec: { clusterIP: "10.0.0.1", ports: [{ name: "grpc", port: 9000 }] },
  };
  const policies = names.map((name) => ({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name, namespace: "a" },
    spec: { action: "CUSTOM", provider: { name }, rules: [{ to: [{ operation: { paths: ["/x"] } }] }] },
  }));
  const events = [service, ...policies].map((object) => ({ kind: "upsert", object }) as const);
  const { state } = applyEvents(emptyMesh({ mesh: parsed.value }), events);
  const node = readProxyNode("sidecar~10.0.0.9~p.a~a.svc.cluster.local", {});
  if (!node.ok) throw new Error("node");
  const { inbound } = createViews().viewFor(state, node.value);
  return accessRules(inbound.authorization, inbound.settings, http).custom;
}

test("one provider that is there is asked, and nothing is denied beforehand", () => {
  const { authorizer, marks, deny } = accessWith(["opa"]);
  expect(authorizer?.cluster).toBe("outbound|9000||authz.a.svc.cluster.local");
  expect(Object.keys(marks?.policies ?? {})).toEqual(["istio-ext-authz-ns[a]-policy[opa]-rule[0]"]);
  expect(deny).toBeUndefined();
});

test.each([["nobody"], ["lost"], ["wrong-port"], ["logs"], ["opa other"]])("%s can't decide: denied", (names) => {
  const { authorizer, marks, deny } = accessWith(names.split(" "));
  expect(authorizer).toBeUndefined();
  expect(marks).toBeUndefined();
  expect(Object.keys(deny?.policies ?? {})).toHaveLength(names.split(" ").length);
});

test("a rule about HTTP selects no other bytes, and without policies nobody is asked", () => {
  expect(accessWith(["opa"], false)).toEqual({ marks: undefined, authorizer: undefined, deny: undefined });
  expect(accessWith([])).toEqual({ marks: undefined, authorizer: undefined, deny: undefined });
});
