import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock } from "@heddle/std";
import { findAccess } from "./find-access.ts";
import { inClusterAccess } from "./in-cluster.ts";

const dir = mkdtempSync(join(tmpdir(), "heddle-kubeconfig-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, content: unknown): string {
  const path = join(dir, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

function config(user: unknown, cluster: unknown = {}): Record<string, unknown> {
  return {
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u", namespace: "web" } }],
    clusters: [{ name: "k", cluster: { server: "https://127.0.0.1:6443/", ...(cluster as object) } }],
    users: [{ name: "u", user }],
  };
}

const clock = createManualClock();
const from = (kubeconfig: string, extra: { context?: string } = {}) =>
  findAccess({ kubeconfig, env: {}, ...extra }, clock);

describe("kubeconfig", () => {
  test("relative files, data, and tokens", async () => {
    file("ca.pem", "CA");
    const path = file(
      "token",
      config(
        { token: "t", "client-certificate-data": btoa("CERT"), "client-key-data": btoa("KEY") },
        { "certificate-authority": "ca.pem", "tls-server-name": "kube" },
      ),
    );
    const access = await from(path);
    expect(access).toMatchObject({
      server: "https://127.0.0.1:6443",
      namespace: "web",
      ca: "CA",
      serverName: "kube",
      contextName: "c",
    });
    expect(await access.credentials.headers()).toEqual({ authorization: "Bearer t" });
    expect(await access.credentials.clientCertificate()).toEqual({ cert: "CERT", key: "KEY" });
  });

  test("several files: the first that names a thing wins", async () => {
    const first = file("first", {
      contexts: [{ name: "c", context: { cluster: "k", user: "u", namespace: "first" } }],
      users: [],
    });
    const second = file("second", config({ token: "t" }));
    const access = await findAccess({ env: { KUBECONFIG: `${first}:${join(dir, "absent")}:${second}` } }, clock);
    expect(access.namespace).toBe("first");
    expect(await access.credentials.headers()).toEqual({ authorization: "Bearer t" });
  });

  test("an exec plugin runs once until its credential expires", async () => {
    const log = join(dir, "runs");
    const script = file(
      "plugin",
      `#!/bin/sh\necho "$KUBERNETES_EXEC_INFO" >> ${log}\necho "{\\"kind\\":\\"ExecCredential\\",\\"status\\":{\\"token\\":\\"$WHO\\",\\"expirationTimestamp\\":\\"2026-01-01T00:01:00Z\\"}}"\n`,
    );
    chmodSync(script, 0o755);
    const user = {
      exec: {
        apiVersion: "client.authentication.k8s.io/v1",
        command: "./plugin",
        env: [{ name: "WHO", value: "me" }],
        interactiveMode: "Never",
      },
    };
    const access = await from(file("exec", config(user)));
    const runs = async () => (await Bun.file(log).text()).trim().split("\n").length;
    expect(await access.credentials.headers()).toEqual({ authorization: "Bearer me" });
    await access.credentials.headers();
    expect(await runs()).toBe(1);
    clock.advance(55_000);
    await access.credentials.headers();
    expect(await runs()).toBe(2);
  });

  const wrong: readonly [string, unknown, RegExp][] = [
    ["not YAML", "a: [", /is not YAML/],
    ["no current-context", {}, /current-context is not set/],
    ["a cluster that is missing", { ...config({}), clusters: [] }, /names cluster "k", which is not in clusters/],
    ["a server that is no URL", config({}, { server: "nowhere" }), /clusters\[k\]\.cluster\.server is not a URL/],
    [
      "a CA file that is missing",
      config({}, { "certificate-authority": "nope.pem" }),
      /certificate-authority: cannot read/,
    ],
    [
      "half a certificate",
      config({ "client-certificate-data": btoa("x") }),
      /only one of client-certificate and client-key/,
    ],
    ["an old auth provider", config({ "auth-provider": { name: "gcp" } }), /auth-provider is not supported/],
  ];
  for (const [what, content, message] of wrong) {
    test(`${what}: says so`, async () => {
      await expect(from(file("wrong", content))).rejects.toThrow(message);
    });
  }

  test("no file, and an unknown context", async () => {
    await expect(from(join(dir, "absent"))).rejects.toMatchObject({ reason: "NoKubeconfig" });
    await expect(from(file("ok", config({})), { context: "prod" })).rejects.toThrow(
      'there is no context "prod"; it has: c',
    );
  });
});

describe("in a pod", () => {
  test("the token file is read again when it rotates", async () => {
    file("ca.crt", "CA");
    file("namespace", "ns\n");
    file("token", "one\n");
    const time = createManualClock();
    const access = await inClusterAccess(
      { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" },
      time,
      dir,
    );
    expect(access).toMatchObject({ server: "https://10.0.0.1:443", namespace: "ns", ca: "CA" });
    expect(await access.credentials.headers()).toEqual({ authorization: "Bearer one" });
    file("token", "two\n");
    expect(await access.credentials.headers()).toEqual({ authorization: "Bearer one" });
    time.advance(11_000);
    expect(await access.credentials.headers()).toEqual({ authorization: "Bearer two" });
    file("token", "three\n");
    expect(access.credentials.invalidate()).toBe(true);
    expect(await access.credentials.headers()).toEqual({ authorization: "Bearer three" });
  });
});
