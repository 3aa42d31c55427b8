import { existsSync } from "node:fs";
import { join } from "node:path";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { XdsChannelCredentials } from "@grpc/grpc-js-xds";
import { method } from "./mesh.ts";

export interface Answer {
  readonly code: status;
  readonly text: string;
}

/** A gRPC library as a client with xDS credentials. */
export interface Caller {
  call(target: string, headers?: Readonly<Record<string, string>>, deadlineMs?: number): Promise<Answer>;
  close(): void;
}

const bytes = (buffer: Buffer): Buffer => buffer;
const DEADLINE_MS = 5000;

/** grpc-js in this process. */
export function createJsCaller(): Caller {
  const clients = new Map<string, Client>();
  return {
    call(target, headers = {}, deadlineMs = DEADLINE_MS) {
      let client = clients.get(target);
      if (client === undefined) {
        client = new Client(target, new XdsChannelCredentials(credentials.createInsecure()));
        clients.set(target, client);
      }
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      const { promise, resolve } = Promise.withResolvers<Answer>();
      const done = (error: ServiceError | null, reply?: Buffer): void =>
        resolve({ code: error?.code ?? status.OK, text: error?.details ?? String(reply) });
      client.makeUnaryRequest(
        method.path,
        bytes,
        bytes,
        Buffer.from("hi"),
        metadata,
        { deadline: Date.now() + deadlineMs },
        done,
      );
      return promise;
    },
    close() {
      for (const client of clients.values()) client.close();
    },
  };
}

/** How to run grpc-java, or why it can't be. `HEDDLE_GRPC_JAVA` is a folder with its jars; `npm test` fills one. */
export function javaCommand(): { readonly argv: readonly string[] } | { readonly missing: string } {
  const java = Bun.which("java");
  if (java === null || Bun.which("javac") === null)
    return { missing: "no JDK on PATH (apt-get install default-jdk-headless)" };
  const jars = process.env["HEDDLE_GRPC_JAVA"] ?? "";
  if (!existsSync(jars))
    return { missing: "HEDDLE_GRPC_JAVA names no folder with grpc-java's jars; npm test makes one" };
  const flags = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m"];
  return { argv: [java, ...flags, "-cp", join(jars, "*"), join(import.meta.dirname, "Proxyless.java")] };
}

/** grpc-java in a process of its own; one call at a time. */
export function createJavaCaller(argv: readonly string[], env: Readonly<Record<string, string>>): Caller {
  const child = Bun.spawn([...argv], {
    env: { ...process.env, ...env },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  const text = new TextDecoder();
  let buffered = "";
  let last: Promise<unknown> = Promise.resolve();
  const line = async (): Promise<string> => {
    for (;;) {
      const end = buffered.indexOf("\n");
      if (end >= 0) {
        const one = buffered.slice(0, end);
        buffered = buffered.slice(end + 1);
        return one;
      }
      const { value, done } = await reader.read();
      if (done) throw new Error("the Java program ended; what it said is above");
      buffered += text.decode(value, { stream: true });
    }
  };
  return {
    call(target, headers = {}, deadlineMs = DEADLINE_MS) {
      const answer = last.then(async () => {
        child.stdin.write(`${JSON.stringify({ target, headers, deadlineMs })}\n`);
        child.stdin.flush();
        return JSON.parse(await line()) as Answer;
      });
      last = answer.catch(() => {});
      return answer;
    },
    close: () => child.kill(),
  };
}
