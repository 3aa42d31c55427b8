import { expect, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checks } from "../ok.ts";
import { boundaries } from "./boundaries.ts";

const fixtures = join(import.meta.dir, "../../fixtures");

/** The fixtures live in a folder that the checkers skip, so each is looked at from a copy elsewhere. */
async function onCopy<T>(name: string, look: (root: string) => Promise<T>): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), "heddle-check-"));
  try {
    cpSync(join(fixtures, name), root, { recursive: true });
    return await look(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** What each check must say about its fixture: failing for another reason (a missing program, say) is no proof. */
const expected: Readonly<Record<string, RegExp>> = {
  "file sizes": /601 lines/,
  words: /name the file after its concept/,
  boundaries: /a may not import b/,
  generated: /was edited after it was generated/,
  "format and lint": /noExplicitAny/,
  types: /TS2322/,
  "unit tests": /Expected: 2/,
};

for (const check of checks) {
  test(`${check.name} fails on its fixture`, async () => {
    const folder = check.name.replaceAll(" ", "-").replace("file-", "");
    const problems = await onCopy(folder, (root) => check.run(root));
    expect(problems.map((p) => p.what).join("\n")).toMatch(
      expected[check.name] ?? /a pattern for this check is missing/,
    );
  }, 120_000);
}

test("boundaries names the edge, the deep import, the manifest and the escape", async () => {
  const found = (await onCopy("boundaries", (root) => boundaries.run(root))).map((p) => p.what).join("\n");
  expect(found).toContain("depends on @heddle/b");
  expect(found).toContain("a may not import b");
  expect(found).toContain("deep import @heddle/a/src/deep");
  expect(found).toContain("leaves package a");
});
