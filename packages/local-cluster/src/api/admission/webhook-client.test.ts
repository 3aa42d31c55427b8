import { expect, test } from "bun:test";
import { createStore } from "../store/store.ts";
import { createWebhookClient } from "./webhook-client.ts";

/** What comes of a call to a Service with this `spec`. */
async function callOf(spec: object): Promise<string> {
  const store = createStore();
  const metadata = { name: "hook", namespace: "a" };
  store.insert("/services", { apiVersion: "v1", kind: "Service", metadata, spec });
  const service = { name: "hook", namespace: "a", port: 1, path: "/inject" };
  return createWebhookClient(store)
    .post({ service }, "{}", 2000)
    .catch((error: unknown) => String(error));
}

test("an external name is dialled at the webhook's port, whatever ports the Service has", async () => {
  expect(await callOf({ type: "ExternalName", externalName: "127.0.0.1", ports: [] })).toContain(
    'Post "https://hook.a.svc:1/inject?timeout=2s": dial tcp 127.0.0.1:1: connect: connection refused',
  );
});

test("other Services have to have the port, and endpoints", async () => {
  expect(await callOf({ ports: [] })).toContain('no service port 1 found for service "hook"');
  expect(await callOf({ ports: [{ name: "https", port: 1 }] })).toContain('no endpoints available for service "hook"');
});
