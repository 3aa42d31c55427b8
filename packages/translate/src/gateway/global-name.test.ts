import { expect, test } from "bun:test";
import { defaultMeshConfig } from "@heddle/config";
import { applyEvents, emptyMesh } from "@heddle/model";
import { namesAmong } from "./global-name.ts";

function namesOf(hosts: readonly string[], domain: string, otherDomains: readonly string[]) {
  const object = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "shop" },
    spec: { clusterIP: "10.1.0.1", ports: [{ name: "http", port: 80 }] },
  };
  const { state } = applyEvents(emptyMesh({ mesh: defaultMeshConfig(), domain }), [{ kind: "upsert", object }]);
  const service = state.services.get(`web.shop.svc.${domain}`);
  if (service === undefined) throw new Error("no service");
  return namesAmong(hosts, service, { ...state.settings, otherDomains });
}

test("a service that a gateway lets through is there under the names of all clusters' domains", () => {
  const [own, other] = ["web.shop.svc.cluster.local", "web.shop.svc.west.internal"];
  expect(namesOf(["*.local"], "cluster.local", ["west.internal"])).toEqual([own, other]);
  // Istio's own walkthrough, in a cluster of another domain.
  expect(namesOf(["*.local"], "west.internal", ["cluster.local"])).toEqual([other, own]);
  expect(namesOf(["*.global"], "cluster.local", ["west.internal"])).toEqual(["web.shop.global"]);
  expect(namesOf(["web.shop.svc.cluster.local", "*.global"], "cluster.local", [])).toEqual([own, "web.shop.global"]);
  expect(namesOf(["*.elsewhere"], "cluster.local", ["west.internal"])).toEqual([]);
});
