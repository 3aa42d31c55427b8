import { expect, test } from "bun:test";
import { GrpcMessages } from "./grpc-messages.ts";

function framed(length: number): Buffer {
  const frame = Buffer.alloc(5 + length, 7);
  frame[0] = 0;
  frame.writeUInt32BE(length, 1);
  return frame;
}

test("messages are counted, empty and large ones too, wherever the bytes are cut", () => {
  const all = Buffer.concat([0, 1, 300, 0, 70_000].map(framed));
  for (const step of [1, 2, 3, 5, 6, 4096, all.length]) {
    const found = new GrpcMessages();
    for (let at = 0; at < all.length; at += step) found.read(all, at, Math.min(all.length, at + step));
    expect([step, found.count]).toEqual([step, 5]);
  }
  const cut = new GrpcMessages();
  cut.read(all, 0, 4);
  expect(cut.count).toBe(0);
});
