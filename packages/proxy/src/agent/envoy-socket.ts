import { rm } from "node:fs/promises";
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";

/** A gRPC service that Envoy reaches in its own pod. */
export interface SocketService {
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
}

/** Serves gRPC to Envoy on a unix socket (bootstrap cluster `sds-grpc`): only the pod's own processes reach it. */
export async function serveOnSocket(
  socketPath: string,
  services: readonly SocketService[],
): Promise<{ close(): void }> {
  await rm(socketPath, { force: true });
  const server = new Server();
  for (const { definition, handlers } of services) server.addService(definition, handlers);
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${socketPath}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  return { close: () => server.forceShutdown() };
}
