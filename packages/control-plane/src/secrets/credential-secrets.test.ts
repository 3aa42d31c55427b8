import { expect, test } from "bun:test";
import { fromBinary } from "@bufbuild/protobuf";
import type { KubeObject, WatchHandlers } from "@heddle/kube-client";
import { createLineSink, createLogger, createSystemClock } from "@heddle/std";
import { SecretSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/secret";
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

function setup() {
  const api = apiServer("gate");
  const changes: string[] = [];
  const secrets = createCredentialSecrets({
    kube: api.kube,
    clock: createSystemClock(),
    log: createLogger({
      clock: createSystemClock(),
      level: "error",
      scope: "t",
      sink: createLineSink("text", () => {}),
    }),
    onChange: (namespace) => changes.push(namespace),
  });
  return { ...api, secrets, changes };
}

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
