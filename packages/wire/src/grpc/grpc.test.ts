import { describe, expect, test } from "bun:test";
import { durationMs } from "@heddle/std";
import { seededRandom } from "@heddle/std/damage";
import { headerListOf } from "../http/header-list.ts";
import { createOutputBuffer } from "../output-buffer.ts";
import { decodeGrpcMessage, encodeGrpcMessage, grpcStatusHeaders, isGrpc, readGrpcStatus } from "./grpc-status.ts";
import { formatGrpcTimeout, parseGrpcTimeout } from "./grpc-timeout.ts";
import { createGrpcMessageReader, writeGrpcMessage } from "./message-framing.ts";

function collect() {
  const messages: string[] = [];
  return {
    messages,
    onMessage: (bytes: Buffer, start: number, end: number, compressed: boolean) =>
      void messages.push(`${compressed ? "z:" : ""}${bytes.toString("latin1", start, end)}`),
  };
}

describe("messages", () => {
  test("any split gives the same messages", () => {
    const random = seededRandom(8);
    const output = createOutputBuffer();
    const wanted = ["", "a", "x".repeat(5000), "zip", ""];
    for (const [i, text] of wanted.entries()) writeGrpcMessage(output, Buffer.from(text), i === 3);
    for (let round = 0; round < 50; round++) {
      const sink = collect();
      const reader = createGrpcMessageReader(sink);
      for (let at = 0; at < output.length; ) {
        const end = Math.min(output.length, at + 1 + Math.floor(random() * (round * 40)));
        expect(reader.receive(output.bytes, at, end)).toBeNull();
        at = end;
      }
      expect(sink.messages).toEqual(["", "a", "x".repeat(5000), "z:zip", ""]);
      expect(reader.finish()).toBeNull();
    }
  });

  test("refusals", () => {
    const reader = createGrpcMessageReader(collect(), 10);
    expect(reader.receive(Buffer.from([0, 0, 0, 0, 11]), 0, 5)?.code).toBe("limit");
    expect(createGrpcMessageReader(collect()).receive(Buffer.from([2, 0, 0, 0, 0]), 0, 5)?.code).toBe("protocol");
    const cut = createGrpcMessageReader(collect());
    cut.receive(Buffer.from([0, 0, 0, 0, 2, 1]), 0, 6);
    expect(cut.finish()?.code).toBe("protocol");
  });
});

describe("status", () => {
  test("round trip with characters that a header cannot hold", () => {
    for (const message of ["", "not found", "100 % ungültig\n€"]) {
      expect(decodeGrpcMessage(encodeGrpcMessage(message))).toBe(message);
      expect(readGrpcStatus(grpcStatusHeaders({ code: 5, message }))).toEqual({ code: 5, message });
    }
    expect(decodeGrpcMessage("50%, %zz")).toBe("50%, %zz");
    expect(readGrpcStatus(headerListOf([]))).toBeUndefined();
    expect(readGrpcStatus(headerListOf([["grpc-status", "x"]]))?.code).toBe(2);
  });

  test("content types", () => {
    const is = (type: string) => isGrpc(headerListOf([["content-type", type]]));
    expect(["application/grpc", "application/grpc+proto", "application/grpc;charset=x"].map(is)).toEqual([
      true,
      true,
      true,
    ]);
    expect(["application/grpc-web", "application/json"].map(is)).toEqual([false, false]);
  });

  test("timeouts", () => {
    expect(parseGrpcTimeout("100m")).toBe(durationMs(100));
    expect(parseGrpcTimeout("2S")).toBe(durationMs(2000));
    expect(parseGrpcTimeout("123456789S")).toBeUndefined();
    expect(parseGrpcTimeout("5x")).toBeUndefined();
    expect(formatGrpcTimeout(durationMs(1.5))).toBe("1500000n");
    expect(formatGrpcTimeout(durationMs(1_000_000))).toBe("1000000m");
  });
});
