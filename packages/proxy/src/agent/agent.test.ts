import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import { createAuthority, createSelfSignedRoot, readSigningRequest } from "@heddle/identity";
import { createManualClock, createNullLogger } from "@heddle/std";
import { damaged, seededRandom } from "@heddle/std/damage";
import { unpackAny } from "@heddle/xds-api";
import { SecretSchema } from "@heddle/xds-api/envoy/extensions/transport_sockets/tls/v3/secret";
import {
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from "@heddle/xds-api/envoy/service/discovery/v3/discovery";
import { readAgentOptions } from "./agent-options.ts";
import { parseAppProbers, runAppProbe } from "./app-probe.ts";
import { serveOnSocket } from "./envoy-socket.ts";
import { mergedMetrics, parseAppMetrics } from "./merged-metrics.ts";
import { nodeIdentity, parseDownward } from "./node-identity.ts";
import { secretService } from "./secret-discovery.ts";
import { createWorkloadCertificate, mergePem } from "./workload-certificate.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-agent-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const env = {
  POD_NAME: "web-1",
  POD_NAMESPACE: "emojivoto",
  INSTANCE_IP: "10.40.0.3",
  SERVICE_ACCOUNT: "web",
  CA_ADDR: "istiod.istio-system.svc:15012",
  PROXY_CONFIG: '{"terminationDrainDuration":"7s"}',
  ISTIO_META_WORKLOAD_NAME: "web",
};

test("the environment becomes options; everything missing is named at once", () => {
  const { options, problems } = readAgentOptions(["--domain", "emojivoto.svc.cluster.local"], env);
  expect(problems).toEqual([]);
  expect(options).toMatchObject({
    terminationDrainMs: 7000,
    dataPlane: "heddle",
    statusPort: 15020,
    meta: { WORKLOAD_NAME: "web" },
  });
  const lives = (e: object) => readAgentOptions([], { ...env, ...e });
  expect(lives({ SECRET_TTL: "1h30m", SECRET_GRACE_PERIOD_RATIO: "0.2" }).options).toMatchObject({
    certificateTtlSeconds: 5400,
    certificateGraceRatio: 0.2,
  });
  const wrong = lives({ SECRET_TTL: "soon", SECRET_GRACE_PERIOD_RATIO: "2" }).problems.map((p) => p.path);
  expect(wrong).toEqual(["SECRET_TTL", "SECRET_GRACE_PERIOD_RATIO"]);
  const missing = readAgentOptions([], { HEDDLE_DATA_PLANE: "nginx", PROXY_CONFIG: "{" }).problems.map((p) => p.path);
  expect(missing).toEqual(["PROXY_CONFIG", "POD_NAMESPACE", "HEDDLE_DATA_PLANE", "POD_NAME", "INSTANCE_IP"]);
});

test("node id and metadata are Istio's", () => {
  const { options } = readAgentOptions(["--domain", "emojivoto.svc.cluster.local"], env);
  const node = nodeIdentity(options, parseDownward('app="web-svc"\nversion="v11"\n'), {}, "0.1.0");
  expect(node.id).toBe("sidecar~10.40.0.3~web-1.emojivoto~emojivoto.svc.cluster.local");
  expect(node.metadata).toMatchObject({
    LABELS: { app: "web-svc", version: "v11" },
    WORKLOAD_NAME: "web",
    NAMESPACE: "emojivoto",
  });
});

/** An authority in this process: the same code that the control plane uses, without the wire. */
async function authority(nowMs: () => number) {
  const root = await createSelfSignedRoot("cluster.local", nowMs());
  const made = createAuthority(root, nowMs());
  if (!made.ok) throw new Error("authority");
  return { root, authority: made.value };
}

test("a certificate is asked for again until there is one, and renewed at half of its life and when the roots change", async () => {
  const clock = createManualClock();
  const { authority: ca } = await authority(() => clock.now());
  let calls = 0;
  let mounted = "";
  const certificate = createWorkloadCertificate({
    authority: {
      sign: async (csr, validitySeconds) => {
        calls++;
        if (calls === 1) throw new Error("the control plane is away");
        const request = readSigningRequest(csr);
        if (!request.ok) throw new Error(request.error);
        const uri = request.value.names.uris[0] ?? "";
        const issued = ca.issue({
          publicKey: request.value.publicKey,
          names: { uris: [uri] },
          ttlMs: validitySeconds * 1000,
          nowMs: clock.now(),
        });
        return issued.chain;
      },
      close: () => undefined,
    },
    identity: { trustDomain: "cluster.local", namespace: "emojivoto", serviceAccount: "web" },
    ttlSeconds: 86_400,
    graceRatio: 0.5,
    clock,
    random: () => 0.5,
    log: createNullLogger(),
    readRoots: async () => mounted,
  });
  const secrets: number[] = [];
  certificate.onSecret((s) => secrets.push(s.notAfterMs));
  certificate.start();
  /** Keys are made on another thread. */
  const asked = async (times: number, told: number) => {
    for (let tries = 0; tries < 2000 && (calls < times || secrets.length < told); tries++) await Bun.sleep(5);
    await Bun.sleep(100);
    return secrets.length;
  };
  expect(await asked(1, 0)).toBe(0);
  clock.advance(10_000);
  expect(await asked(2, 1)).toBe(1);
  clock.advance(11 * 3_600_000);
  expect(await asked(2, 1)).toBe(1);
  clock.advance(2 * 3_600_000);
  expect(await asked(3, 2)).toBe(2);
  mounted = (await authority(() => clock.now())).root.caCert;
  clock.advance(6000);
  expect(await asked(4, 3)).toBe(3);
  expect(certificate.current?.roots).toContain(mounted.trim());
  certificate.close();
});

test("secrets reach a client of the unix socket under Istio's names, and again when renewed", async () => {
  const secret = { chain: "CHAIN", key: "KEY", roots: "ROOTS", notAfterMs: 0 };
  let renew: (s: typeof secret) => void = () => undefined;
  const certificate = {
    current: secret,
    asked: { times: 1, failed: 0, waitedMs: 2 },
    onSecret: (l: typeof renew) => {
      renew = l;
      l(secret);
    },
    start: () => undefined,
    close: () => undefined,
  };
  const path = join(folder, "SDS");
  const server = await serveOnSocket(path, [secretService(certificate, createNullLogger())]);
  const client = new Client(`unix:${path}`, credentials.createInsecure());
  const stream = client.makeBidiStreamRequest(
    "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets",
    (m: ReturnType<typeof request>) => Buffer.from(toBinary(DiscoveryRequestSchema, m)),
    (b: Buffer): DiscoveryResponse => fromBinary(DiscoveryResponseSchema, b),
  );
  const request = (names: string[]) => create(DiscoveryRequestSchema, { resourceNames: names });
  const answers: DiscoveryResponse[] = [];
  stream.on("data", (m: DiscoveryResponse) => answers.push(m));
  stream.on("error", () => undefined);
  stream.write(request(["default", "ROOTCA", "other"]));
  const until = async (n: number) => {
    for (let i = 0; i < 1500 && answers.length < n; i++) await Bun.sleep(10);
    return answers[n - 1];
  };
  const names = (await until(1))?.resources.map((r) => unpackAny(r, SecretSchema)?.name);
  expect(names).toEqual(["default", "ROOTCA"]);
  renew(secret);
  expect((await until(2))?.resources.length).toBe(2);
  stream.cancel();
  client.close();
  server.close();
});

test("probes are carried out against the application", async () => {
  const app = Bun.serve({
    port: 0,
    fetch: (r) => new Response(null, { status: new URL(r.url).pathname === "/ok" ? 204 : 503 }),
  });
  const port = app.port ?? 0;
  const probe = (p: object) => runAppProbe(p, "127.0.0.1", new Headers({ "user-agent": "kube-probe/1.34" }));
  expect(await probe({ httpGet: { path: "/ok", port } })).toBe(204);
  expect(await probe({ httpGet: { path: "/bad", port } })).toBe(503);
  expect(await probe({ tcpSocket: { port } })).toBe(200);
  await app.stop(true);
  expect(await probe({ tcpSocket: { port } })).toBe(500);
  expect(await probe({ httpGet: { path: "/ok", port } })).toBe(500);
  expect(await probe({ grpc: { port } })).toBe(500);
  expect(parseAppProbers("{").problem).toContain("ISTIO_KUBE_APP_PROBERS");
});

test("the application's metrics stand behind the proxy's; its absence costs nothing else", async () => {
  const app = Bun.serve({ port: 0, fetch: () => new Response("app_total 1\n") });
  const target = parseAppMetrics(JSON.stringify({ scrape: "true", path: "/metrics", port: String(app.port) }));
  let failures = 0;
  expect(await mergedMetrics("own_total 2\n", target, () => failures++)).toBe("own_total 2\napp_total 1\n");
  await app.stop(true);
  expect(await mergedMetrics("own_total 2\n", target, () => failures++)).toBe("own_total 2\n");
  expect(failures).toBe(1);
});

test("an application whose metrics have no end costs its part, not the memory", async () => {
  let sent = 0;
  const piece = new Uint8Array(1024 * 1024).fill(0x61);
  const app = Bun.serve({
    port: 0,
    fetch: () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += piece.length;
            controller.enqueue(piece);
          },
        }),
      ),
  });
  const target = parseAppMetrics(JSON.stringify({ scrape: "true", port: String(app.port) }));
  let failures = 0;
  expect(await mergedMetrics("own_total 2\n", target, () => failures++)).toBe("own_total 2\n");
  expect(failures).toBe(1);
  expect(sent).toBeLessThan(100 * 1024 * 1024);
  await app.stop(true);
});

test("where an application's metrics are: whatever the annotation says, a place or none", () => {
  const random = seededRandom(131);
  const whole = JSON.stringify({ scrape: "true", path: "/metrics", port: "9090" });
  let found = 0;
  for (let round = 0; round < 3000; round++) {
    const target = parseAppMetrics(damaged(Buffer.from(whole), random).toString("utf8"));
    if (target === undefined) continue;
    found++;
    expect(Number.isInteger(target.port) && target.port > 0).toBe(true);
  }
  for (const other of ["null", "5", "[]", '"x"']) expect(parseAppMetrics(other)).toBeUndefined();
  expect(found).toBeGreaterThan(10);
});

test("equal roots stand once", () => {
  const pem = "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----";
  expect(mergePem(`${pem}\n`, pem)).toBe(`${pem}\n`);
});
