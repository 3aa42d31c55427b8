import {
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceError,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { type Counters, createCounters, serveCounters } from "./counters.ts";
import { log } from "./program.ts";

/** A gRPC server of unary methods that counts what it answers. */
export interface RpcServer {
  handle<Q, R>(method: MethodDefinition<Q, R>, answer: (request: Q) => R | Promise<R>): void;
  readonly counters: Counters;
  /** Resolves with the bound ports. Errors: rejects when one is taken. */
  start(): Promise<{ readonly grpcPort: number; readonly promPort: number | undefined }>;
  /** Lets calls end, at most 2 s. */
  close(): Promise<void>;
}

/** A failure with the text that the caller sees; code Unknown, as a Go handler's plain error has. */
export class RpcFailure extends Error {}

const DRAIN_MS = 2000;

/** `promPort` undefined: no metrics are served. */
export function createRpcServer(
  service: string,
  ports: { readonly host?: string; readonly grpcPort: number; readonly promPort: number | undefined },
): RpcServer {
  const server = new Server();
  const counters = createCounters();
  const host = ports.host ?? "0.0.0.0";
  let metrics: Awaited<ReturnType<typeof serveCounters>> | undefined;
  const labels = (method: string) => ({ grpc_method: method, grpc_service: service, grpc_type: "unary" });
  return {
    counters,
    handle<Q, R>(method: MethodDefinition<Q, R>, answer: (request: Q) => R | Promise<R>) {
      const name = method.path.slice(method.path.lastIndexOf("/") + 1);
      server.register<Q, R>(
        method.path,
        (call: ServerUnaryCall<Q, R>, callback: sendUnaryData<R>) => {
          counters.count("grpc_server_started_total", "Total number of RPCs started on the server.", labels(name));
          const done = (code: string) =>
            counters.count(
              "grpc_server_handled_total",
              "Total number of RPCs completed on the server, regardless of success or failure.",
              { grpc_code: code, ...labels(name) },
            );
          Promise.resolve()
            .then(() => answer(call.request))
            .then(
              (response) => {
                done("OK");
                callback(null, response);
              },
              (error: unknown) => {
                done("Unknown");
                callback(failure(error));
              },
            );
        },
        method.responseSerialize,
        method.requestDeserialize,
        "unary",
      );
    },
    async start() {
      const grpcPort = await new Promise<number>((resolve, reject) => {
        server.bindAsync(`${host}:${ports.grpcPort}`, ServerCredentials.createInsecure(), (error, port) =>
          error === null
            ? resolve(port)
            : reject(new Error(`cannot listen on GRPC_PORT ${ports.grpcPort}: ${error.message}`)),
        );
      });
      log(`Starting grpc server on GRPC_PORT=[${grpcPort}]`);
      if (ports.promPort !== undefined) {
        metrics = await serveCounters(counters, { host, port: ports.promPort });
        log(`Starting prom metrics on PROM_PORT=[${metrics.port}]`);
      }
      return { grpcPort, promPort: metrics?.port };
    },
    async close() {
      metrics?.server.close();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          server.forceShutdown();
          resolve();
        }, DRAIN_MS);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}

function failure(error: unknown): Partial<ServiceError> {
  return { code: status.UNKNOWN, details: error instanceof RpcFailure ? error.message : "internal error" };
}
