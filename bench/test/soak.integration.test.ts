/** A soak: every answer belongs to its request while listeners are replaced and peers misbehave, and nothing is left at the end. */
import { expect, test } from "bun:test";
import { join } from "node:path";

/** An hour is for `npm run bench -- soak`, or for this variable. */
const minutes = Number(process.env["HEDDLE_SOAK_MINUTES"] ?? 5);
console.log(`soak of ${minutes} min; HEDDLE_SOAK_MINUTES sets another length`);

test(
  "no wrong answer, no failure, nothing left",
  async () => {
    const child = Bun.spawn(
      [
        process.execPath,
        join(import.meta.dir, "../src/main.ts"),
        ...["soak", "--minutes", String(minutes), "--rate", "100", "--update-s", "4", "--json"],
      ],
      { stdout: "pipe", stderr: "inherit" },
    );
    const out = await new Response(child.stdout).text();
    expect((await child.exited) === 0 ? "" : out).toBe("");
    const report = JSON.parse(out.trim().split("\n").at(-1) ?? "");
    expect(report.failures).toEqual([]);
    expect(report.requests).toMatchObject({ wrong: 0, failed: 0 });
    expect(report.requests.right).toBeGreaterThan(0);
    expect(report.listenerUpdates).toBeGreaterThan(0);
  },
  minutes * 60_000 + 120_000,
);
