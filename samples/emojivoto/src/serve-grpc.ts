import { Server, ServerCredentials, type ServerUnaryCall, type ServiceDefinition, status } from "@grpc/grpc-js";
import type { Counter, CounterFamily, MetricsRegistry } from "@heddle/std";

/** A call that fails with this gRPC status code. */
export class CallError extends Error {
  readonly code: status;
  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

export type Handlers = Readonly<Record<string, (request: unknown) => unknown>>;

/** Names that Go's gRPC Prometheus middleware uses. */
function handledCounter(registry: MetricsRegistry): CounterFamily {
  return registry.counter({
    name: "grpc_server_handled_total",
    help: "Calls answered, by method and status code.",
    labels: ["grpc_method", "grpc_code"],
  });
}

/** Serves unary methods on all addresses and counts every answer; SIGTERM lets calls in flight end. */
export async function serveGrpc(
  definition: ServiceDefinition,
  handlers: Handlers,
  port: number,
  registry: MetricsRegistry,
): Promise<Server> {
  const handled = handledCounter(registry);
  const cells = new Map<string, Counter>();
  const count = (method: string, code: status) => {
    const key = `${method}/${code}`;
    let cell = cells.get(key);
    if (!cell) {
      cell = handled.with(method, status[code] ?? String(code));
      cells.set(key, cell);
    }
    cell.value++;
  };
  const server = new Server();
  const methods = Object.entries(handlers).map(([name, handle]) => [
    name,
    (
      call: ServerUnaryCall<unknown, unknown>,
      reply: (error: { code: status; details: string } | null, value?: unknown) => void,
    ) => {
      try {
        const value = handle(call.request);
        count(name, status.OK);
        reply(null, value);
      } catch (error) {
        const code = error instanceof CallError ? error.code : status.INTERNAL;
        count(name, code);
        reply({ code, details: error instanceof Error ? error.message : "failed" });
      }
    },
  ]);
  server.addService(definition, Object.fromEntries(methods));
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`0.0.0.0:${port}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  process.once("SIGTERM", () => server.tryShutdown(() => process.exit(0)));
  return server;
}
