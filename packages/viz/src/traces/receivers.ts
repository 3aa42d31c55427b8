import { gunzipSync } from "node:zlib";
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import type { Logger } from "@heddle/std";
import { requestUrl } from "@heddle/std/request-url";
import { readOtlp } from "./read-otlp.ts";
import { readZipkin } from "./read-zipkin.ts";
import type { StoredSpan, TraceStore } from "./trace-store.ts";

/** Ports on which spans come, as Jaeger and the OpenTelemetry collector have them; 0: any. */
export interface TracePorts {
  readonly otlpGrpc: number;
  readonly otlpHttp: number;
  readonly zipkin: number;
}

export const TRACE_PORTS: TracePorts = { otlpGrpc: 4317, otlpHttp: 4318, zipkin: 9411 };

export interface TraceReceivers {
  readonly ports: TracePorts;
  close(): Promise<void>;
}

/** Of one export, also when it is unpacked. Units: bytes. */
const MAX_BODY = 4 * 1024 * 1024;
const PASS = (bytes: Buffer) => bytes;

/** Listens for spans by OTLP (gRPC, HTTP) and Zipkin's API. Errors: throws where a port is taken. */
export async function startTraceReceivers(
  store: TraceStore,
  wanted: TracePorts,
  log: Logger,
  hostname = "0.0.0.0",
): Promise<TraceReceivers> {
  const take = (read: () => StoredSpan[]): string | undefined => {
    try {
      store.add(read());
      return undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn("spans are refused", { reason });
      return reason;
    }
  };
  const opened: (() => unknown)[] = [];
  const close = async () => void (await Promise.all(opened.map((end) => end())));
  const http = (port: number, path: string, read: (body: Buffer) => StoredSpan[], accepted: number): number => {
    const server = Bun.serve({
      port,
      hostname,
      maxRequestBodySize: MAX_BODY,
      fetch: async (request) => {
        const { pathname } = requestUrl(request.url);
        if (pathname !== path || request.method !== "POST")
          return Response.json({ error: `POST ${path} takes spans; nothing else is here` }, { status: 404 });
        const body = Buffer.from(await request.arrayBuffer());
        const zipped = request.headers.get("content-encoding") === "gzip";
        // A few kilobytes can unpack to gigabytes.
        const problem = take(() => read(zipped ? gunzipSync(body, { maxOutputLength: MAX_BODY }) : body));
        return problem === undefined
          ? new Response(null, { status: accepted })
          : Response.json({ error: problem }, { status: 400 });
      },
    });
    opened.push(() => server.stop(true));
    return server.port ?? 0;
  };
  try {
    return {
      ports: {
        otlpHttp: http(wanted.otlpHttp, "/v1/traces", readOtlp, 200),
        zipkin: http(wanted.zipkin, "/api/v2/spans", (body) => readZipkin(JSON.parse(body.toString("utf8"))), 202),
        otlpGrpc: await grpc(`${hostname}:${wanted.otlpGrpc}`, take, opened),
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** OTLP by gRPC. Gives its port. */
async function grpc(
  address: string,
  take: (read: () => StoredSpan[]) => string | undefined,
  opened: (() => unknown)[],
): Promise<number> {
  const server = new Server({ "grpc.max_receive_message_length": MAX_BODY });
  server.addService(
    {
      export: {
        path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        requestStream: false,
        responseStream: false,
        requestSerialize: PASS,
        requestDeserialize: PASS,
        responseSerialize: PASS,
        responseDeserialize: PASS,
      },
    },
    {
      export: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
        const problem = take(() => readOtlp(call.request));
        if (problem === undefined) answer(null, Buffer.alloc(0));
        else answer({ code: status.INVALID_ARGUMENT, details: problem });
      },
    },
  );
  opened.push(() => server.forceShutdown());
  return new Promise((resolve, reject) =>
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  );
}
