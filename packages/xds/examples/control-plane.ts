/**
 * A control plane in one file: control-plane.ts [PORT [KEY.pem CERT.pem CLIENT-ROOTS.pem]]. Envoys of node cluster `edge` get a listener whose
 * route answers with a text; `GET /clients` on PORT + 1 shows who acknowledged what, `POST /reply?text=hello` changes the text. With
 * certificates it is TLS, for clients that have one of those roots.
 */
import { readFileSync } from "node:fs";
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { type CacheStream, createCacheServer, createSnapshotCache, type EncodedResource } from "@heddle/xds";
import { packAny, typeUrls } from "@heddle/xds-api";
import { ListenerSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener";
import { RouteConfigurationSchema } from "@heddle/xds-api/envoy/config/route/v3/route";
import { RouterSchema } from "@heddle/xds-api/envoy/extensions/filters/http/router/v3/router";
import { HttpConnectionManagerSchema } from "@heddle/xds-api/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "@heddle/xds-api/envoy/service/discovery/v3/discovery";

const group = "edge";

/** A version is whatever changes with the content; here a counter. */
function encoded<D extends DescMessage>(
  schema: D,
  name: string,
  version: string,
  init: MessageInitShape<D>,
): EncodedResource {
  return { name, version, body: toBinary(schema, create(schema, init)) };
}

function listener(port: number, version: string): EncodedResource {
  const manager = create(HttpConnectionManagerSchema, {
    statPrefix: "example",
    routeSpecifier: {
      case: "rds",
      value: {
        routeConfigName: "reply",
        configSource: { configSourceSpecifier: { case: "ads", value: {} }, resourceApiVersion: 2 },
      },
    },
    httpFilters: [
      {
        name: "envoy.filters.http.router",
        configType: { case: "typedConfig", value: packAny(RouterSchema, create(RouterSchema)) },
      },
    ],
  });
  return encoded(ListenerSchema, "front", version, {
    name: "front",
    address: {
      address: {
        case: "socketAddress",
        value: { address: "127.0.0.1", portSpecifier: { case: "portValue", value: port } },
      },
    },
    filterChains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            configType: { case: "typedConfig", value: packAny(HttpConnectionManagerSchema, manager) },
          },
        ],
      },
    ],
  });
}

function reply(text: string, version: string, domains = ["*"]): EncodedResource {
  const body = { specifier: { case: "inlineString", value: text } } as const;
  const route = {
    match: { pathSpecifier: { case: "prefix", value: "/" } },
    action: { case: "directResponse", value: { status: 200, body } },
  } as const;
  return encoded(RouteConfigurationSchema, "reply", version, {
    name: "reply",
    virtualHosts: [{ name: "all", domains, routes: [route] }],
  });
}

/** PEM. */
export interface Tls {
  readonly key: Uint8Array;
  readonly cert: Uint8Array;
  readonly clientRoots: Uint8Array;
}

function credentialsOf(tls: Tls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) };
  return ServerCredentials.createSsl(Buffer.from(tls.clientRoots), [pair], true);
}

/** Starts it. The ports are those of discovery, and of Envoy's listener. */
export async function startExample(port: number, listenerPort: number, tls?: Tls) {
  const cache = createSnapshotCache();
  const server = createCacheServer({ cache });
  let version = 0;
  cache.batch(() => {
    cache.set(group, typeUrls.listener, listener(listenerPort, "1"));
    cache.set(group, typeUrls.route, reply("hello", String(++version)));
  });

  const grpc = new Server();
  const decode =
    <D extends DescMessage>(schema: D) =>
    (bytes: Buffer) =>
      fromBinary(schema, bytes);
  const method = <D extends DescMessage>(name: string, schema: D) => ({
    path: `/envoy.service.discovery.v3.AggregatedDiscoveryService/${name}`,
    requestStream: true,
    responseStream: true,
    requestSerialize: () => Buffer.alloc(0),
    requestDeserialize: decode(schema),
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  });
  function serve<Request>(open: (send: (bytes: Uint8Array) => void) => CacheStream<Request>) {
    return (call: ServerDuplexStream<Request, Buffer>): void => {
      const stream = open((bytes) => {
        if (!call.write(Buffer.from(bytes))) stream.pause();
      });
      call.on("data", (request: Request) => stream.receive(request));
      call.on("drain", () => stream.resume());
      call.on("end", () => call.end());
      for (const event of ["close", "cancelled", "error"]) call.on(event, () => stream.close());
    };
  }
  grpc.addService(
    {
      sotw: method("StreamAggregatedResources", DiscoveryRequestSchema),
      delta: method("DeltaAggregatedResources", DeltaDiscoveryRequestSchema),
    },
    { sotw: serve(server.sotw.bind(server)), delta: serve(server.delta.bind(server)) },
  );
  const bound = await new Promise<number>((resolve, reject) =>
    grpc.bindAsync(`127.0.0.1:${port}`, credentialsOf(tls), (error, got) =>
      error === null ? resolve(got) : reject(error),
    ),
  );
  return {
    port: bound,
    cache,
    server,
    say: (text: string, domains?: string[]) =>
      cache.set(group, typeUrls.route, reply(text, String(++version), domains)),
    close: () => grpc.forceShutdown(),
  };
}

if (import.meta.main) {
  const port = Number(process.argv[2] ?? 18_000);
  const [key, cert, clientRoots] = process.argv.slice(3).map((path) => readFileSync(path));
  const tls = key && cert && clientRoots && { key, cert, clientRoots };
  const example = await startExample(port, port + 2, tls);
  Bun.serve({
    port: port + 1,
    hostname: "127.0.0.1",
    fetch(request) {
      const url = new URL(request.url);
      if (request.method === "POST" && url.pathname === "/reply") example.say(url.searchParams.get("text") ?? "");
      const { clients } = example.server;
      return Response.json(clients.map(({ nodeId, group, dialect, types }) => ({ nodeId, group, dialect, types })));
    },
  });
  console.log(`discovery on 127.0.0.1:${port}, clients on :${port + 1}/clients, Envoy's listener on :${port + 2}`);
}
