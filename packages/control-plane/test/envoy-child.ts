/** Runs inside a network namespace of its own: a control plane over files, and a real Envoy, or our proxy, that it drives. Prints one JSON line. */
import { createPublicKey } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuthority, createSelfSignedRoot, exportPrivateKey, generateKey } from "@heddle/identity";
import { mockObjects } from "@heddle/sources";
import { until as poll } from "./clients.ts";
import { startSdsServer } from "./sds-server.ts";
import { start } from "./start.ts";

const [dataPlane = "envoy", apiType = "DELTA_GRPC", ...program] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "envoy-"));
const config = join(folder, "config");
const write = (name: string, objects: unknown): void =>
  writeFileSync(join(config, name), JSON.stringify({ kind: "List", items: objects }));

const now = Date.now();
const material = await createSelfSignedRoot("cluster.local", now);
const authority = createAuthority(material, now);
if (!authority.ok) throw new Error("no CA");
const key = await generateKey();
const names = { uris: ["spiffe://cluster.local/ns/default/sa/default"] };
const issued = authority.value.issue({ publicKey: createPublicKey(key), names, nowMs: now });
const leaf = { key: exportPrivateKey(key), cert: issued.chain[0] ?? "", roots: authority.value.rootPem };

const { mkdirSync } = await import("node:fs");
mkdirSync(config);
mkdirSync(join(folder, "ca"));
writeFileSync(join(folder, "ca/ca-cert.pem"), material.caCert);
writeFileSync(join(folder, "ca/ca-key.pem"), material.caKey);
write("mock.json", mockObjects());
const started = await start(["--registries=", `--configDir=${config}`, `--caDir=${join(folder, "ca")}`]);
const sds = await startSdsServer(leaf);

const http2 = {
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    explicit_http_config: { http2_protocol_options: {} },
  },
};
const cluster = (name: string, port: number | undefined, transport?: unknown) => ({
  name,
  type: "STATIC",
  connect_timeout: "1s",
  typed_extension_protocol_options: http2,
  ...(transport !== undefined && { transport_socket: transport }),
  load_assignment: {
    cluster_name: name,
    endpoints: [
      { lb_endpoints: [{ endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: port } } } }] },
    ],
  },
});
const mtls = {
  name: "envoy.transport_sockets.tls",
  typed_config: {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
    sni: "istiod.istio-system.svc",
    common_tls_context: {
      tls_certificates: [{ certificate_chain: { inline_string: leaf.cert }, private_key: { inline_string: leaf.key } }],
      validation_context: {
        trusted_ca: { inline_string: leaf.roots },
        match_typed_subject_alt_names: [{ san_type: "DNS", matcher: { exact: "istiod.istio-system.svc" } }],
      },
    },
  },
};
const source = { ads: {}, resource_api_version: "V3" };
writeFileSync(
  join(folder, "envoy.json"),
  JSON.stringify({
    node: {
      id: "sidecar~10.2.0.1~hello-1.default~default.svc.cluster.local",
      cluster: "hello.default",
      metadata: {
        NAMESPACE: "default",
        SERVICE_ACCOUNT: "default",
        HEDDLE_DATA_PLANE: dataPlane,
        LABELS: { app: "hello", version: "v1" },
      },
    },
    admin: { address: { socket_address: { address: "127.0.0.1", port_value: 15000 } } },
    dynamic_resources: {
      lds_config: source,
      cds_config: source,
      ads_config: {
        api_type: apiType,
        transport_api_version: "V3",
        grpc_services: [{ envoy_grpc: { cluster_name: "xds-grpc" } }],
      },
    },
    static_resources: {
      clusters: [cluster("xds-grpc", started.discovery.ports.secureGrpc, mtls), cluster("sds-grpc", sds)],
    },
  }),
);
const child = Bun.spawn(
  [...program, "-c", join(folder, "envoy.json"), "--concurrency", "1", "-l", "warning", "--use-dynamic-base-id"],
  {
    stdout: "ignore",
    stderr: Bun.file(join(folder, "envoy.log")),
  },
);
const admin = async (path: string): Promise<string> =>
  (await fetch(`http://127.0.0.1:15000${path}`).catch(() => undefined))?.text() ?? "";
const report: Record<string, unknown> = {};
/** On a busy machine a step takes its time. */
const until = <T>(what: string, probe: () => Promise<T | undefined | false>): Promise<T> => poll(what, probe, 20_000);
try {
  report["listeners"] = (
    await until("listeners", async () => {
      const text = await admin("/listeners");
      return text.includes("virtualInbound") && text;
    })
  )
    .trim()
    .split("\n")
    .map((line) => line.split("::")[0])
    .sort();
  await until("endpoint of world", async () =>
    (await admin("/clusters")).includes("outbound|80||world.default.svc.cluster.local::10.2.0.2:80"),
  );
  report["syncz"] = await until("everything acknowledged", async () => {
    const all = JSON.parse(await started.get("/debug/syncz")) as Record<string, string>[];
    const types = ["cluster", "listener", "endpoint", "route"];
    return (
      all.some((one) =>
        types.every((type) => one[`${type}_sent`] !== undefined && one[`${type}_sent`] === one[`${type}_acked`]),
      ) && all
    );
  });
  report["connections"] = JSON.parse(await started.get("/debug/connections"));
  // A change of one endpoint, by editing a file.
  const changed = JSON.stringify(mockObjects()).replaceAll("10.2.0.2", "10.2.0.77");
  write("mock.json", JSON.parse(changed));
  await until("moved endpoint", async () =>
    (await admin("/clusters")).includes("outbound|80||world.default.svc.cluster.local::10.2.0.77:80"),
  );
  // A service goes, and with it its clusters.
  write(
    "mock.json",
    JSON.parse(changed).filter((object: { metadata: { name: string } }) => !object.metadata.name.startsWith("world")),
  );
  await until("world gone", async () => !(await admin("/clusters")).includes("world.default"));
  report["metrics"] = (await started.get("/metrics"))
    .split("\n")
    .filter((line) => /^pilot_(xds_pushes|total_xds_rejects)/.test(line));
  report["dump"] = (
    JSON.parse(await started.get("/debug/config_dump?proxyID=hello-1.default")) as { configs: unknown[] }
  ).configs.length;
  // What Envoy refuses is told with its own words; it keeps what it has, and a good change ends it.
  const cluster = { service: "hello.default.svc.cluster.local" };
  const patch = { operation: "MERGE", value: { connect_timeout: "-1s" } };
  write("filter.json", [
    {
      apiVersion: "networking.istio.io/v1alpha3",
      kind: "EnvoyFilter",
      metadata: { name: "broken", namespace: "default" },
      spec: { configPatches: [{ applyTo: "CLUSTER", match: { context: "SIDECAR_OUTBOUND", cluster }, patch }] },
    },
  ]);
  const entry = async () => (JSON.parse(await started.get("/debug/syncz")) as Record<string, string>[])[0];
  report["refusal"] = await until("Envoy's refusal", async () => (await entry())?.["cluster_error"]);
  report["kept"] = (await admin("/clusters")).includes("outbound|80||hello.default");
  rmSync(join(config, "filter.json"));
  await until("agreement again", async () => {
    const one = await entry();
    return one?.["cluster_error"] === undefined && one?.["cluster_acked"] === one?.["cluster_sent"];
  });
} catch (error) {
  report["failure"] =
    `${error instanceof Error ? error.message : error}\n${await Bun.file(join(folder, "envoy.log")).text()}\n${JSON.stringify(started.records.filter((one) => one.level !== "debug"))}`;
}
console.log(JSON.stringify(report));
child.kill();
await child.exited;
await started.discovery.close();
rmSync(folder, { recursive: true, force: true });
process.exit(0);
