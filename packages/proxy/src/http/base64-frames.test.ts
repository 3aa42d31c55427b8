import { expect, test } from "bun:test";
import { createBase64Frames } from "./base64-frames.ts";

function message(body: string): Buffer {
  const frame = Buffer.alloc(5 + body.length);
  frame.writeUInt32BE(body.length, 1);
  frame.write(body, 5);
  return frame;
}

test("any split of the bytes gives the same text, padded after each message", () => {
  const messages = ["", "a", "hello", "x".repeat(1000), "ab"].map(message);
  const bytes = Buffer.concat(messages);
  const text = messages.map((one) => one.toString("base64")).join("");
  for (const size of [1, 2, 3, 4, 5, 7, 64, bytes.length]) {
    const frames = createBase64Frames();
    let got = "";
    for (let at = 0; at < bytes.length; at += size)
      got += frames.encode(bytes, at, Math.min(bytes.length, at + size)).toString();
    expect(got).toBe(text);
  }
});

test("of a message that goes on, whole groups are given at once", () => {
  const frames = createBase64Frames();
  const bytes = message("hello world");
  expect(frames.encode(bytes, 0, 7).toString()).toBe(bytes.subarray(0, 6).toString("base64"));
});
