import { expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import type { KubeObject, WatchHandlers } from "@heddle/kube-client";
import { createLineSink, createLogger, createSystemClock } from "@heddle/std";
import { SecretSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/secret";
import { createClusterSecrets } from "./cluster-secrets.ts";
import { createCredentialSecrets } from "./credential-secrets.ts";

const encode = (text: string) => Buffer.from(text).toString("base64");

/** An API server that allows one service account, and lets the test say what happens to Secrets. */
function apiServer(allowed: string) {
  const watches = new Map<string, WatchHandlers>();
  const kube = {
    request: async (_method: string, _path: string, options?: { readonly body?: unknown }) => {
      const user = JSON.stringify(options?.body);
      return new Response(JSON.stringify({ status: { allowed: user.includes(`:${allowed}"`) } }));
    },
    watch: (type: { readonly namespace?: string }, handlers: WatchHandlers, options?: { fieldSelector?: string }) => {
      watches.set(`${type.namespace}/${options?.fieldSelector}`, handlers);
      return { close: () => undefined };
    },
  };
  return { watches, kube: kube as unknown as Parameters<typeof createCredentialSecrets>[0]["kube"] };
}

const secret = (name: string, data: Record<string, string>): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "shop" },
  data,
});

const surroundings = () => ({
  clock: createSystemClock(),
  log: createLogger({ clock: createSystemClock(), level: "error", scope: "t", sink: createLineSink("text", () => {}) }),
});

function setup() {
  const api = apiServer("gate");
  const changes: string[] = [];
  const secrets = createCredentialSecrets({
    kube: api.kube,
    ...surroundings(),
    onChange: (namespace) => changes.push(namespace),
  });
  return { ...api, secrets, changes };
}

const textOf = (resource: { readonly body: Uint8Array } | undefined) =>
  resource === undefined ? undefined : JSON.stringify(fromBinary(SecretSchema, resource.body));

test("a Secret is watched once asked for, and its parts are served under Istio's names", async () => {
  const { watches, secrets, changes } = setup();
  const first = secrets.setFor("shop", "gate");
  expect(first.get("kubernetes://web")).toBeUndefined();
  await Bun.sleep(0);
  expect(changes).toEqual(["shop"]);
  expect(secrets.setFor("shop", "gate").get("kubernetes://web")).toBeUndefined();
  const object = secret("web", { "tls.crt": encode("CERT"), "tls.key": encode("KEY"), "ca.crt": encode("ROOTS") });
  watches.get("shop/metadata.name=web")?.onEvent({ type: "ADDED", object });
  expect(first.get("kubernetes://web")).toBeUndefined();
  const certificate = secrets.setFor("shop", "gate").get("kubernetes://web");
  expect(JSON.stringify(fromBinary(SecretSchema, certificate?.body ?? new Uint8Array()))).toContain("CERT");
  const roots = secrets.setFor("shop", "gate").get("kubernetes://web-cacert");
  expect(JSON.stringify(fromBinary(SecretSchema, roots?.body ?? new Uint8Array()))).toContain("ROOTS");
  const version = secrets.setFor("shop", "gate").version;
  watches.get("shop/metadata.name=web")?.onEvent({ type: "DELETED", object });
  expect(secrets.setFor("shop", "gate").get("kubernetes://web")).toBeUndefined();
  expect(secrets.setFor("shop", "gate").version).not.toBe(version);
  secrets.close();
});

test("a service account that may not list Secrets gets none and starts no watch", async () => {
  const { watches, secrets, changes } = setup();
  secrets.setFor("shop", "other").get("kubernetes://web");
  await Bun.sleep(0);
  secrets.setFor("shop", "other").get("kubernetes://web");
  expect(watches.size).toBe(0);
  expect(changes).toEqual([]);
  secrets.close();
});

test("names that are not of Secrets are not looked for", async () => {
  const { watches, secrets } = setup();
  secrets.setFor("shop", "gate").get("kubernetes://web");
  await Bun.sleep(0);
  for (const name of ["default", "kubernetes://../x", "kubernetes://a/b", "file-cert:/a~/b"])
    expect(secrets.setFor("shop", "gate").get(name)).toBeUndefined();
  expect(watches.size).toBe(0);
  secrets.close();
});

test("a gateway of another cluster gets that cluster's Secret; the own cluster's once the other has said it has none", async () => {
  const [own, west] = [apiServer("gate"), apiServer("gate")];
  const kubes = new Map([["west", west.kube]]);
  const secrets = createClusterSecrets({
    kube: own.kube,
    kubeOf: (id) => kubes.get(id),
    ...surroundings(),
    onChange: () => undefined,
  });
  const seen = (cluster: string) => textOf(secrets.setFor(cluster, "shop", "gate").get("kubernetes://web"));
  const pair = (name: string) => secret("web", { "tls.crt": encode(`${name} CERT`), "tls.key": encode("KEY") });
  seen("east");
  seen("west");
  await Bun.sleep(0);
  seen("east");
  own.watches.get("shop/metadata.name=web")?.onEvent({ type: "ADDED", object: pair("east") });
  expect(seen("east")).toContain("east CERT");
  // Not known to be absent: nothing, rather than another cluster's.
  expect(seen("west")).toBeUndefined();
  west.watches.get("shop/metadata.name=web")?.onSync?.();
  expect(seen("west")).toContain("east CERT");
  west.watches.get("shop/metadata.name=web")?.onEvent({ type: "ADDED", object: pair("west") });
  expect(seen("west")).toContain("west CERT");
  expect(seen("east")).toContain("east CERT");
  // Another kubeconfig: asked anew.
  kubes.set("west", apiServer("nobody").kube);
  expect(seen("west")).toBeUndefined();
  await Bun.sleep(0);
  expect(seen("west")).toContain("east CERT");
  secrets.close();
});
