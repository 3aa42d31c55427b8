import { Client, credentials, Metadata, Server, ServerCredentials, type ServerUnaryCall, status } from "@grpc/grpc-js";
import { register, XdsChannelCredentials } from "@grpc/grpc-js-xds";

/**
 * The program of the gRPC test pods: serves `/echo.Echo/Say` on 8081 and says the names of the caller's certificate there, and calls
 * other servers (`/call?target=xds:///…`) when it is asked to on 8080. An application of a pod without proxy has no more than this.
 */
const name = process.env["ECHO_NAME"] ?? "grpc";
const bytes = (buffer: Buffer): Buffer => buffer;
const say = {
  path: "/echo.Echo/Say",
  requestStream: false,
  responseStream: false,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
} as const;

const server = new Server();
server.addService(
  { say },
  {
    say: (call: ServerUnaryCall<Buffer, Buffer>, answer: (error: null, reply: Buffer) => void) => {
      const caller = call.metadata.get("x-forwarded-client-cert").join(";");
      answer(null, Buffer.from(JSON.stringify({ name, caller })));
    },
  },
);
server.bindAsync("0.0.0.0:8081", ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
});

// The library reads its bootstrap at the first call.
register();
const clients = new Map<string, Client>();

function call(target: string, user: string): Promise<{ readonly code: number; readonly text: string }> {
  let client = clients.get(target);
  if (client === undefined) {
    client = new Client(target, new XdsChannelCredentials(credentials.createInsecure()));
    clients.set(target, client);
  }
  const metadata = new Metadata();
  if (user !== "") metadata.set("user", user);
  const deadline = Date.now() + 5000;
  return new Promise((resolve) => {
    client.makeUnaryRequest(say.path, bytes, bytes, Buffer.from("hi"), metadata, { deadline }, (error, reply) =>
      resolve({ code: error?.code ?? status.OK, text: error?.details ?? String(reply) }),
    );
  });
}

Bun.serve({
  port: 8080,
  idleTimeout: 30,
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/health") return new Response(name);
    if (pathname === "/user") return Response.json({ user: process.getuid?.() });
    if (pathname !== "/call") return new Response("no such path\n", { status: 404 });
    return Response.json(await call(searchParams.get("target") ?? "", searchParams.get("user") ?? ""));
  },
});
