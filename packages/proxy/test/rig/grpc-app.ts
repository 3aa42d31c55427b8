import {
  Client,
  credentials,
  type Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type status,
} from "@grpc/grpc-js";

const raw = (bytes: Buffer): Buffer => bytes;
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: raw,
  requestDeserialize: raw,
  responseSerialize: raw,
  responseDeserialize: raw,
});

/** Methods of the test application; messages are plain bytes. */
export const ECHO = {
  Unary: method("Unary", false, false),
  Count: method("Count", false, true),
  Sum: method("Sum", true, false),
  Chat: method("Chat", true, true),
  Fail: method("Fail", false, false),
  Never: method("Never", false, false),
  Deadline: method("Deadline", false, false),
} satisfies ServiceDefinition;

export interface GrpcApp {
  readonly port: number;
  /** Calls that the application saw cancelled. */
  cancelled(): number;
  /** Kills all connections at once. */
  kill(): void;
}

/** Metadata that begins with `x-test` comes back with the head, `x-trail` with the status. */
export async function startGrpcApp(at = "127.0.0.1:0"): Promise<GrpcApp> {
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  // grpc.health.v1.Health/Check for probes; SERVING is field 1, value 1.
  server.addService(
    { Check: { ...method("Check", false, false), path: "/grpc.health.v1.Health/Check" } },
    { Check: (_call: unknown, done: (error: null, value: Buffer) => void) => done(null, Buffer.from([8, 1])) },
  );
  let cancelled = 0;
  server.addService(ECHO, {
    Unary: (call: { request: Buffer; metadata: Metadata; sendMetadata(m: Metadata): void }, done: Done) => {
      const head = call.metadata.clone();
      for (const key of Object.keys(head.getMap())) if (!key.startsWith("x-test")) head.remove(key);
      call.sendMetadata(head);
      const trailers = call.metadata.clone();
      for (const key of Object.keys(trailers.getMap())) if (!key.startsWith("x-trail")) trailers.remove(key);
      done(null, call.request, trailers);
    },
    Count: (call: { request: Buffer; write(b: Buffer): boolean; end(): void; on(e: string, f: () => void): void }) => {
      call.on("cancelled", () => cancelled++);
      const wanted = Number(call.request.toString());
      let sent = 0;
      const timer = setInterval(() => {
        call.write(Buffer.from(String(sent++)));
        if (sent < wanted) return;
        clearInterval(timer);
        call.end();
      }, 2);
    },
    Sum: (call: { on(event: "data" | "end", f: (b: Buffer) => void): void }, done: Done) => {
      let total = 0;
      call.on("data", (message) => {
        total += message.length;
      });
      call.on("end", () => done(null, Buffer.from(String(total))));
    },
    Chat: (call: { on(event: string, f: (b: Buffer) => void): void; write(b: Buffer): boolean; end(): void }) => {
      call.on("data", (message) => void call.write(Buffer.concat([Buffer.from("re: "), message])));
      call.on("end", () => call.end());
      call.on("cancelled", () => cancelled++);
    },
    Fail: (call: { request: Buffer; metadata: Metadata }, done: Done) => {
      const details = call.metadata.clone();
      for (const key of Object.keys(details.getMap())) details.remove(key);
      details.set("x-why", "because");
      done({ code: Number(call.request.toString()), details: "it failed: 100 % µ", metadata: details });
    },
    Never: (call: { on(event: string, f: () => void): void }) => {
      call.on("cancelled", () => cancelled++);
    },
    Deadline: (call: { getDeadline(): Date | number }, done: Done) => {
      const at = call.getDeadline();
      done(null, Buffer.from(String((at instanceof Date ? at.getTime() : at) - Date.now())));
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(at, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, cancelled: () => cancelled, kill: () => server.forceShutdown() };
}

type Done = (
  error: { code: status; details: string; metadata: Metadata } | null,
  value?: Buffer,
  trailers?: Metadata,
) => void;

export function echoClient(port: number, host = "127.0.0.1"): Client {
  return new Client(`${host}:${port}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
  });
}
