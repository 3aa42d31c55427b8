import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { createNullLogger } from "@heddle/std";
import { createDiscoveryRelay } from "./discovery-relay.ts";
import { serveOnSocket } from "./envoy-socket.ts";
import { grpcBootstrap, grpcFiles } from "./grpc-bootstrap.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-relay-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const same = (bytes: Buffer): Buffer => bytes;
const path = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";

test("a discovery stream passes both ways, and its end comes through with the reason", async () => {
  const upstream = new Server();
  const streams: ServerDuplexStream<Buffer, Buffer>[] = [];
  const method = { path, requestStream: true, responseStream: true } as const;
  upstream.addService(
    {
      ads: {
        ...method,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    {
      ads: (call: ServerDuplexStream<Buffer, Buffer>) => {
        streams.push(call);
        call.on("data", (request: Buffer) => call.write(Buffer.from(`re ${request}`)));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    upstream.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  const relay = createDiscoveryRelay({
    address: `127.0.0.1:${port}`,
    credentials: () => credentials.createInsecure(),
    log: createNullLogger(),
  });
  const socket = await serveOnSocket(join(folder, "XDS"), [relay.service]);
  const client = new Client(`unix:${join(folder, "XDS")}`, credentials.createInsecure());
  const stream = client.makeBidiStreamRequest(path, same, same);
  const answers: string[] = [];
  const ended = new Promise<{ code: number; details: string }>((resolve) => stream.on("status", resolve));
  stream.on("error", () => undefined);
  const large = Buffer.alloc(300_000, "x");
  const answered = new Promise<void>((resolve) => {
    stream.on("data", (answer: Buffer) => {
      answers.push(answer.length > 100 ? String(answer.length) : answer.toString());
      if (answers.length === 2) resolve();
    });
  });
  stream.write(Buffer.from("one"));
  stream.write(large);
  await answered;
  expect(answers).toEqual(["re one", String(large.length + 3)]);
  expect(relay.streams).toBe(1);
  streams[0]?.emit("error", { code: 7, details: "not your node" });
  expect(await ended).toMatchObject({ code: 7, details: "not your node" });
  expect(relay.streams).toBe(0);
  client.close();
  socket.close();
  upstream.forceShutdown();
});

test("the bootstrap file names socket, certificates and the node as a gRPC one", () => {
  const node = {
    id: "sidecar~10.0.0.1~p.shop~shop.svc.cluster.local",
    cluster: "p.shop",
    metadata: { NAMESPACE: "shop" },
  };
  expect(grpcBootstrap(node, grpcFiles("/etc/istio/proxy", "/var/lib/istio/data"))).toMatchObject({
    xds_servers: [{ server_uri: "unix:///etc/istio/proxy/XDS", server_features: ["xds_v3"] }],
    node: { id: node.id, metadata: { GENERATOR: "grpc", NAMESPACE: "shop" } },
    certificate_providers: {
      default: { plugin_name: "file_watcher", config: { private_key_file: "/var/lib/istio/data/key.pem" } },
    },
  });
});
