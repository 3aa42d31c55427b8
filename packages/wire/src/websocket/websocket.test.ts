import { describe, expect, test } from "bun:test";
import { seededRandom } from "@heddle/std/damage";
import { createOutputBuffer } from "../output-buffer.ts";
import {
  createWebSocketReader,
  WS_BINARY,
  WS_CLOSE,
  WS_CONTINUATION,
  WS_PING,
  WS_TEXT,
  writeWebSocketFrame,
} from "./frame-codec.ts";
import { webSocketAccept } from "./handshake.ts";

class Events {
  readonly list: string[] = [];
  onMessage(opcode: number, payload: Buffer): void {
    this.list.push(`message ${opcode} ${payload.toString("latin1")}`);
  }
  onControl(opcode: number, payload: Buffer): void {
    this.list.push(`control ${opcode} ${payload.toString("latin1")}`);
  }
}

describe("WebSocket", () => {
  test("the example of RFC 6455", () => {
    expect(webSocketAccept("dGhlIHNhbXBsZSBub25jZQ==")).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    const events = new Events();
    const reader = createWebSocketReader({ from: "client" }, events);
    const bytes = Buffer.from("818537fa213d7f9f4d5158", "hex");
    expect(reader.receive(bytes, 0, bytes.length)).toBeNull();
    expect(events.list).toEqual(["message 1 Hello"]);
  });

  for (const from of ["client", "server"] as const) {
    test(`any split gives the same messages (${from})`, () => {
      const random = seededRandom(9);
      const mask = from === "client" ? Buffer.from([1, 2, 3, 255]) : null;
      const output = createOutputBuffer();
      writeWebSocketFrame(output, WS_TEXT, Buffer.from("hel"), mask, false);
      writeWebSocketFrame(output, WS_PING, Buffer.from("p"), mask);
      writeWebSocketFrame(output, WS_CONTINUATION, Buffer.from("lo"), mask);
      writeWebSocketFrame(output, WS_BINARY, Buffer.alloc(70_000, 98), mask);
      writeWebSocketFrame(output, WS_BINARY, Buffer.alloc(300, 99), mask);
      writeWebSocketFrame(output, WS_CLOSE, Buffer.from([3, 232]), mask);
      for (let round = 0; round < 10; round++) {
        const events = new Events();
        const reader = createWebSocketReader({ from }, events);
        for (let at = 0; at < output.length; ) {
          const end = Math.min(output.length, at + 1 + Math.floor(random() * (round === 0 ? 100 : 20_000)));
          expect(reader.receive(output.bytes, at, end)).toBeNull();
          at = end;
        }
        expect(events.list.map((e) => e.slice(0, 20))).toEqual([
          "control 9 p",
          "message 1 hello",
          `message 2 ${"b".repeat(10)}`,
          `message 2 ${"c".repeat(10)}`,
          "control 8 \x03\xe8",
        ]);
      }
    });
  }

  test("refusals", () => {
    const cases: [string, number][] = [
      ["8100", 1002],
      ["c18000000000", 1002],
      ["838000000000", 1002],
      ["098000000000", 1002],
      ["808000000000", 1002],
      ["8182000000 00c328", 1007],
      ["82ff00000000ffffffff00000000", 1009],
    ];
    for (const [hex, status] of cases) {
      const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
      const failure = createWebSocketReader({ from: "client" }, new Events()).receive(bytes, 0, bytes.length);
      expect(failure?.h2Code).toBe(status);
    }
  });
});
