/** gRPC through a pair of sidecars, with grpc-js at both ends: all four kinds of streams, deadlines, cancellation, failures. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Client, Metadata, type ServiceError, type StatusObject, status } from "@grpc/grpc-js";
import { eventually } from "./rig/eventually.ts";
import { ECHO, echoClient, type GrpcApp, startGrpcApp } from "./rig/grpc-app.ts";
import { type Pair, startPair } from "./rig/pair.ts";

setDefaultTimeout(120_000);
let app: GrpcApp;
let mortal: GrpcApp;
let pair: Pair<"grpc" | "undeclared" | "mortal" | "away">;
const clients: Client[] = [];

beforeAll(async () => {
  app = await startGrpcApp();
  mortal = await startGrpcApp();
  pair = await startPair({
    services: {
      grpc: { origin: app.port, declared: "http" },
      undeclared: { origin: app.port, declared: "sniff" },
      mortal: { origin: mortal.port, declared: "http" },
      away: { origin: 1, declared: "http" },
    },
  });
});

afterAll(async () => {
  for (const client of clients) client.close();
  await pair?.stop();
  app?.kill();
  mortal?.kill();
});

function clientTo(name: "grpc" | "undeclared" | "mortal" | "away"): Client {
  const client = echoClient(pair.ports[name].outbound);
  clients.push(client);
  return client;
}

interface Answer {
  readonly error: ServiceError | null;
  readonly value: Buffer | undefined;
  readonly head: Metadata | undefined;
  readonly trailer: StatusObject | undefined;
}

type UnaryName = "Unary" | "Fail" | "Never" | "Deadline";

function unary(
  client: Client,
  name: UnaryName,
  request: Buffer,
  metadata = new Metadata(),
  deadlineMs = 60_000,
): Promise<Answer> {
  return new Promise((resolve) => {
    let head: Metadata | undefined;
    let result: { error: ServiceError | null; value: Buffer | undefined } | undefined;
    let trailer: StatusObject | undefined;
    const finish = () => {
      if (result !== undefined && trailer !== undefined) resolve({ ...result, head, trailer });
    };
    const { path, requestSerialize, responseDeserialize } = ECHO[name];
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      { deadline: Date.now() + deadlineMs },
      (error, value) => {
        result = { error, value };
        finish();
      },
    );
    call.on("metadata", (got: Metadata) => {
      head = got;
    });
    call.on("status", (got: StatusObject) => {
      trailer = got;
      finish();
    });
  });
}

for (const port of ["grpc", "undeclared"] as const) {
  describe(`port ${port}`, () => {
    test("unary, with metadata and trailers, binary ones too", async () => {
      const metadata = new Metadata();
      metadata.set("x-test", "one");
      metadata.set("x-test-bin", Buffer.from([0, 255, 1]));
      metadata.set("x-trail", "two");
      const { error, value, head, trailer } = await unary(clientTo(port), "Unary", Buffer.from("hello"), metadata);
      expect(error).toBeNull();
      expect(value?.toString()).toBe("hello");
      expect(head?.get("x-test")).toEqual(["one"]);
      expect(head?.get("x-test-bin")).toEqual([Buffer.from([0, 255, 1])]);
      expect(trailer?.metadata.get("x-trail")).toEqual(["two"]);
    });

    test("an empty message and one of four megabytes", async () => {
      const client = clientTo(port);
      expect((await unary(client, "Unary", Buffer.alloc(0))).value?.length).toBe(0);
      const big = Buffer.alloc(4 << 20, 7);
      const { value, error } = await unary(client, "Unary", big);
      expect(error).toBeNull();
      expect(value?.equals(big)).toBe(true);
    });

    test("server streaming keeps the order", async () => {
      const { path, requestSerialize, responseDeserialize } = ECHO.Count;
      const call = clientTo(port).makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        Buffer.from("100"),
      );
      const got: string[] = [];
      for await (const message of call) got.push(String(message));
      expect(got).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
    });

    test("client streaming", async () => {
      const { path, requestSerialize, responseDeserialize } = ECHO.Sum;
      const total = await new Promise<string>((resolve, reject) => {
        const call = clientTo(port).makeClientStreamRequest(
          path,
          requestSerialize,
          responseDeserialize,
          (error, value) => (error === null ? resolve(String(value)) : reject(error)),
        );
        for (let i = 0; i < 200; i++) call.write(Buffer.alloc(10_000, i));
        call.end();
      });
      expect(total).toBe("2000000");
    });

    test("bidirectional: each side waits for the other's message", async () => {
      const { path, requestSerialize, responseDeserialize } = ECHO.Chat;
      const call = clientTo(port).makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
      const got: string[] = [];
      for (let i = 0; i < 20; i++) {
        const answer = new Promise<string>((resolve) => call.once("data", (b: Buffer) => resolve(String(b))));
        call.write(Buffer.from(`m${i}`));
        got.push(await answer);
      }
      const over = new Promise<StatusObject>((resolve) => call.on("status", resolve));
      call.end();
      call.resume();
      expect((await over).code).toBe(status.OK);
      expect(got).toEqual(Array.from({ length: 20 }, (_, i) => `re: m${i}`));
    });

    test("a failure arrives with code, text and metadata", async () => {
      const client = clientTo(port);
      for (const code of [status.INVALID_ARGUMENT, status.UNAVAILABLE, status.UNAUTHENTICATED]) {
        const { error, trailer } = await unary(client, "Fail", Buffer.from(String(code)));
        expect([error?.code, error?.details]).toEqual([code, "it failed: 100 % µ"]);
        expect(trailer?.metadata.get("x-why")).toEqual(["because"]);
      }
    });

    test("an unknown method is UNIMPLEMENTED", async () => {
      const { requestSerialize, responseDeserialize } = ECHO.Unary;
      const error = await new Promise<ServiceError | null>((resolve) =>
        clientTo(port).makeUnaryRequest(
          "/test.Echo/Nope",
          requestSerialize,
          responseDeserialize,
          Buffer.alloc(1),
          resolve,
        ),
      );
      expect(error?.code).toBe(status.UNIMPLEMENTED);
    });

    test("the deadline is told to the server, ends the call and cancels it there", async () => {
      const client = clientTo(port);
      const left = Number((await unary(client, "Deadline", Buffer.alloc(1), new Metadata(), 8000)).value?.toString());
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(8000);
      const before = app.cancelled();
      // A call that is over before it has reached the server cancels nothing there.
      let deadlineMs = 150;
      await eventually("the server is told", async () => {
        deadlineMs *= 2;
        const { error } = await unary(client, "Never", Buffer.alloc(1), new Metadata(), deadlineMs);
        expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
        await Bun.sleep(200);
        return app.cancelled() > before;
      });
    });

    test("cancelling reaches the server and frees the stream", async () => {
      const { path, requestSerialize, responseDeserialize } = ECHO.Chat;
      const before = app.cancelled();
      const call = clientTo(port).makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
      call.on("error", () => undefined);
      const answer = new Promise<Buffer>((resolve) => call.once("data", resolve));
      call.write(Buffer.from("x"));
      await answer;
      const over = new Promise<StatusObject>((resolve) => call.on("status", resolve));
      call.cancel();
      expect((await over).code).toBe(status.CANCELLED);
      await eventually("the server is told", () => app.cancelled() > before);
    });

    test("300 calls at once over one connection", async () => {
      const client = clientTo(port);
      const answers = await Promise.all(
        Array.from({ length: 300 }, (_, i) => unary(client, "Unary", Buffer.from(`call ${i}`))),
      );
      expect(answers.every((a, i) => a.value?.toString() === `call ${i}`)).toBe(true);
    });
  });
}

describe("no answer from the application", () => {
  test("nobody listens: UNAVAILABLE with the reason", async () => {
    const { error } = await unary(clientTo("away"), "Unary", Buffer.from("x"));
    expect(error?.code).toBe(status.UNAVAILABLE);
    expect(error?.details).toContain("connection failure");
  });

  test("it dies in the middle of a stream: a failure, never an orderly end, never a hang", async () => {
    const client = clientTo("mortal");
    const { path, requestSerialize, responseDeserialize } = ECHO.Count;
    const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, Buffer.from("100000"));
    const over = new Promise<StatusObject>((resolve) => call.on("status", resolve));
    call.on("error", () => undefined);
    let messages = 0;
    call.on("data", () => messages++);
    await eventually("messages", () => messages > 3);
    mortal.kill();
    const { code } = await over;
    expect([status.UNAVAILABLE, status.INTERNAL, status.CANCELLED, status.UNKNOWN]).toContain(code);
  });
});
