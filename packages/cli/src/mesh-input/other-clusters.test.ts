import { expect, test } from "bun:test";
import type { KubeClient, KubeObject } from "@heddle/kube-client";
import { remoteClusterClients } from "./other-clusters.ts";

const secret = (name: string, cluster: string, server: string, creationTimestamp: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "istio-system", creationTimestamp },
  data: { [cluster]: Buffer.from(kubeconfig(server)).toString("base64") },
});

const kubeconfig = (server: string) => `
clusters: [{name: c, cluster: {server: "${server}"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`;

test("two Secrets that name one cluster: the older one's is asked, as by the control plane; the own name is refused", async () => {
  const items = [
    secret("newer", "west", "https://192.0.2.2", "2026-02-01T00:00:00Z"),
    secret("older", "west", "https://192.0.2.1", "2026-01-01T00:00:00Z"),
    secret("home", "east", "https://192.0.2.3", "2026-01-01T00:00:00Z"),
  ];
  const kube = { list: async () => ({ items, resourceVersion: "1" }) } as unknown as KubeClient;
  const { clients, refused } = await remoteClusterClients(kube, "istio-system", "east");
  expect([...clients.keys()]).toEqual(["west"]);
  expect((await clients.get("west")?.())?.server).toBe("https://192.0.2.1");
  expect(refused[0]).toStartWith(
    "Secret istio-system/home is not used: cluster east is the name of this cluster itself",
  );
  expect(refused[1]).toContain("newer is not used: cluster west is described by the older Secret istio-system/older");
});
