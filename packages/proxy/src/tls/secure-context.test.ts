import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import type { TlsConfig } from "../config/tls-context.ts";
import { createSecretStore } from "./secret-store.ts";
import { createSecureContexts } from "./secure-context.ts";

const plainConfig = (): TlsConfig => ({
  certificate: { kind: "none" },
  validation: { own: { trustedCa: undefined, sans: [], acceptUntrusted: false }, sds: undefined },
  alpn: [],
  minVersion: undefined,
  maxVersion: undefined,
  cipherSuites: [],
  curves: [],
  sessionKeys: 0,
});

function contextsAlive(): number {
  Bun.gc(true);
  return heapStats().objectTypeCounts["SecureContext"] ?? 0;
}

test("a configuration has one context, until a secret changes", () => {
  const secrets = createSecretStore();
  const contexts = createSecureContexts(secrets, () => 0);
  const config = plainConfig();
  const first = contexts.ready(config);
  expect(first.ok).toBe(true);
  expect(contexts.ready(config)).toBe(first);
  expect(contexts.ready(plainConfig())).not.toBe(first);
  secrets.setCertificate("other", { certificateChain: "", privateKey: "" });
  expect(contexts.ready(config)).not.toBe(first);
});

test("contexts of configurations that were replaced go, though no secret changes for weeks", () => {
  const contexts = createSecureContexts(createSecretStore(), () => 0);
  const before = contextsAlive();
  const inService = plainConfig();
  contexts.ready(inService);
  for (let update = 0; update < 200; update++) expect(contexts.ready(plainConfig()).ok).toBe(true);
  // What the stack still seems to hold is a handful.
  expect(contextsAlive() - before).toBeLessThan(50);
  expect(contexts.ready(inService).ok).toBe(true);
});
