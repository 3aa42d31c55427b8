import { Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";

/** A method by its path, with its messages as bytes. */
interface BytesMethod {
  readonly path: string;
  /** Default: one message. */
  readonly requestStream?: boolean;
  readonly responseStream?: boolean;
  readonly handle: UntypedServiceImplementation[string];
}

const PASS = (bytes: Buffer) => bytes;

/** A gRPC server on a port of its own that leaves the messages to its methods. */
export async function startGrpcServer(
  ...methods: readonly BytesMethod[]
): Promise<{ readonly port: number; close(): void }> {
  const server = new Server();
  for (const { path, requestStream = false, responseStream = false, handle } of methods)
    server.addService(
      {
        method: {
          path,
          requestStream,
          responseStream,
          requestSerialize: PASS,
          requestDeserialize: PASS,
          responseSerialize: PASS,
          responseDeserialize: PASS,
        },
      },
      { method: handle },
    );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { port, close: () => server.forceShutdown() };
}
