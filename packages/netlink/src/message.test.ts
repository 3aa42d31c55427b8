import { describe, expect, test } from "bun:test";
import { attributeList, attributeText, attributeU32, createAttributeWriter, readAttributes } from "./attribute.ts";
import { FLAG_REQUEST, readReplies, writeMessage } from "./message.ts";

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("attributes", () => {
  test("are padded to four bytes, length without padding", () => {
    const writer = createAttributeWriter();
    writer.text(3, "lo");
    writer.u8(1, 7);
    expect(hex(writer.finish())).toBe("07000300" + "6c6f0000" + "05000100" + "07000000");
  });

  test("nest, and are read back", () => {
    const writer = createAttributeWriter();
    writer.nest(9, () => {
      writer.text(1, "veth");
      writer.u32(2, 70_000);
    });
    const outer = readAttributes(writer.finish());
    const inner = readAttributes(outer.get(9) ?? new Uint8Array());
    expect(attributeText(inner.get(1))).toBe("veth");
    expect(attributeU32(inner.get(2))).toBe(70_000);
  });

  test("grow beyond the first buffer", () => {
    const writer = createAttributeWriter();
    for (let i = 0; i < 1000; i++) writer.u32(i, i);
    expect(attributeList(writer.finish()).length).toBe(1000);
  });

  test("that would not fit 16 bits of length are refused", () => {
    const writer = createAttributeWriter();
    expect(() => writer.nest(1, () => writer.bytes(2, new Uint8Array(65_000 * 2)))).toThrow("at most 65535");
  });

  test("with a broken length end the list instead of throwing", () => {
    expect(attributeList(Uint8Array.of(255, 255, 1, 0, 1))).toEqual([]);
    expect(attributeList(Uint8Array.of(2, 0, 1, 0))).toEqual([]);
  });
});

describe("messages", () => {
  test("have their length patched in", () => {
    const writer = createAttributeWriter();
    writeMessage(writer, 18, FLAG_REQUEST, 5, () => writer.u32(1, 2));
    expect(hex(writer.finish())).toBe("18000000120001000500000000000000" + "0800010002000000");
  });

  test("an error reply gives number and the kernel's text", () => {
    const body = createAttributeWriter();
    body.text(1, "no such chain");
    const extension = body.finish();
    const payload = new Uint8Array(20 + extension.length);
    new DataView(payload.buffer).setInt32(0, -2, true);
    payload.set(extension, 20);
    const writer = createAttributeWriter();
    // Flags: capped (0x100) and with extended attributes (0x200).
    writeMessage(writer, 2, 0x300, 4, () => writer.raw(payload));
    expect(readReplies(writer.finish())).toEqual([{ kind: "status", sequence: 4, errno: 2, text: "no such chain" }]);
  });

  test("a datagram cut short gives what is whole", () => {
    const writer = createAttributeWriter();
    writeMessage(writer, 3, 0, 1, () => undefined);
    writeMessage(writer, 3, 0, 2, () => undefined);
    expect(readReplies(writer.finish().subarray(0, 20))).toEqual([{ kind: "done" }]);
  });
});
