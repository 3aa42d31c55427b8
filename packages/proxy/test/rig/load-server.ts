import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import {
  type LoadStatsRequest,
  LoadStatsRequestSchema,
  LoadStatsResponseSchema,
} from "@heddle/xds-api/envoy/service/load_stats/v3/lrs";

/** A load reporting server that asks for what a test wants, and keeps what it is told. */
export interface LoadServer {
  readonly port: number;
  readonly reports: readonly LoadStatsRequest[];
  readonly streams: number;
  /** What streams said in `x-mesh`, each once. */
  readonly meshes: ReadonlySet<string>;
  ask(wanted: {
    readonly clusters?: string[];
    readonly all?: boolean;
    readonly endpoints?: boolean;
    readonly intervalMs: number;
  }): void;
  endStreams(): void;
  close(): void;
}

const PASS = (bytes: Buffer) => bytes;

export async function startLoadServer(): Promise<LoadServer> {
  const reports: LoadStatsRequest[] = [];
  const meshes = new Set<string>();
  const open = new Set<ServerDuplexStream<Buffer, Buffer>>();
  let streams = 0;
  const server = new Server();
  server.addService(
    {
      method: {
        path: "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats",
        requestStream: true,
        responseStream: true,
        requestSerialize: PASS,
        requestDeserialize: PASS,
        responseSerialize: PASS,
        responseDeserialize: PASS,
      },
    },
    {
      method: (call: ServerDuplexStream<Buffer, Buffer>) => {
        streams++;
        for (const mesh of call.metadata.get("x-mesh")) meshes.add(mesh.toString());
        open.add(call);
        call.on("data", (bytes: Buffer) => void reports.push(fromBinary(LoadStatsRequestSchema, bytes)));
        call.on("end", () => open.delete(call));
        call.on("error", () => open.delete(call));
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return {
    port,
    reports,
    meshes,
    get streams() {
      return streams;
    },
    ask: ({ clusters = [], all = false, endpoints = false, intervalMs }) => {
      const wanted = create(LoadStatsResponseSchema, {
        clusters,
        sendAllClusters: all,
        reportEndpointGranularity: endpoints,
        loadReportingInterval: durationFromMs(intervalMs),
      });
      for (const call of open) call.write(Buffer.from(toBinary(LoadStatsResponseSchema, wanted)));
    },
    endStreams: () => {
      for (const call of open) call.end();
    },
    close: () => server.forceShutdown(),
  };
}
