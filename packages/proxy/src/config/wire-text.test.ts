import { expect, test } from "bun:test";
import { compileFormat, type FormatCommand, renderFormat, renderHeader } from "./format.ts";
import { createScope } from "./scope.ts";
import { bytesOfText, textOfBytes } from "./wire-text.ts";

test.each(["", "plain", "grün", "€ 😀"])("%p is the same there and back", (text) => {
  expect(bytesOfText(text)).toBe(Buffer.from(text).toString("latin1"));
  expect(textOfBytes(bytesOfText(text))).toBe(text);
});

test.each(["gr\u00fcn", "\u00c3", "€"])("%p is no UTF-8 and stays", (text) => expect(textOfBytes(text)).toBe(text));

test("headers are made of bytes, texts of characters, whatever their values are", () => {
  const values = {
    command: ({ name }: FormatCommand) => (name === "REQ" ? Buffer.from("ü").toString("latin1") : "ö"),
  };
  const text = "ä %REQ(X)% %ROUTE_NAME%";
  expect(renderFormat(compileFormat(text, createScope()), values)).toBe("ä ü ö");
  const bytes = renderHeader(compileFormat(bytesOfText(text), createScope()), values);
  expect(Buffer.from(bytes, "latin1").toString()).toBe("ä ü ö");
});
