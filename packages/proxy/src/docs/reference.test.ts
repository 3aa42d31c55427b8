import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { proxyReference } from "./reference.ts";
import { REFERENCE_SECTIONS } from "./reference-sections.ts";

const root = join(import.meta.dirname, "../../../..");

test("docs/proxy.md says what the decoders do", () => {
  const text = readFileSync(join(root, "docs/proxy.md"), "utf8");
  expect(text === proxyReference() ? "" : "run bin/bun packages/proxy/generate-docs.ts").toBe("");
});

test("every shape of a decoder is in the reference", () => {
  const source = join(import.meta.dirname, "..");
  const lists = ["docs/reference-sections.ts", "config/filters/layered-shapes.ts"];
  const sections = lists.map((path) => readFileSync(join(source, path), "utf8")).join("");
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
  const missing = files.flatMap((path) =>
    [...readFileSync(join(source, path), "utf8").matchAll(/export const ([A-Z0-9_]+_SHAPE)\b/g)]
      .map((match) => match[1] ?? "")
      .filter((name) => !new RegExp(`\\b${name},`).test(sections) && !new RegExp(`\\b${name}\\]`).test(sections)),
  );
  expect(missing).toEqual([]);
});

test("the reference names what is refused, with reasons", () => {
  const text = proxyReference();
  expect(text).toContain("| `vhds` | **refused** | virtual hosts come inside their route configuration |");
  expect(text).toContain("| `health_checks` | supported |");
});

test("every refused field says why", () => {
  const bare = REFERENCE_SECTIONS.flatMap(({ shapes }) =>
    shapes.flatMap((shape) =>
      shape.refused.filter((name) => !shape.reasons.has(name)).map((name) => `${shape.schema.typeName}.${name}`),
    ),
  );
  expect(bare).toEqual([]);
});
