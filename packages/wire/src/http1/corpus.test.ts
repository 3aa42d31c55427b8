import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "@heddle/std/damage";
import { feedInPieces, Recorder, takeOutput } from "../../test/recorder.ts";
import { createResponseHead } from "../http/message-head.ts";
import { createHttp1Server } from "./server-connection.ts";

const FOLDER = join(import.meta.dir, "../../corpus/http1-requests");

function bytesOf(text: string): Buffer {
  const plain = text.replaceAll("\n", "").replace(/\\(x[0-9a-f]{2}|.)/g, (_, code: string) => {
    if (code.startsWith("x")) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return { r: "\r", n: "\n" }[code] ?? code;
  });
  return Buffer.from(plain, "latin1");
}

function outcome(bytes: Buffer, sizes: () => number): { summary: string; events: string[]; output: string } {
  const recorder = new Recorder();
  recorder.respond = (stream) => stream.sendHead(createResponseHead(), true);
  const server = createHttp1Server({}, recorder, recorder);
  feedInPieces(server, bytes, sizes);
  const failure = recorder.failures[0];
  const requests = recorder.events.filter((event) => event.startsWith("request")).length;
  const summary = failure === undefined ? `accepted ${requests}` : `refused ${failure.status}`;
  return { summary, events: recorder.events, output: takeOutput(server) };
}

describe("corpus of HTTP/1 requests", () => {
  for (const file of readdirSync(FOLDER)) {
    test(file, () => {
      const [expected, ...lines] = readFileSync(join(FOLDER, file), "utf8").split("\n");
      const bytes = bytesOf(lines.join("\n"));
      const whole = outcome(bytes, () => bytes.length);
      expect(whole.summary).toBe(expected ?? "");
      const random = seededRandom(bytes.length);
      expect(outcome(bytes, () => 1)).toEqual(whole);
      for (let i = 0; i < 20; i++) expect(outcome(bytes, () => Math.floor(random() * 20))).toEqual(whole);
    });
  }
});
