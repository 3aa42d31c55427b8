/** Runs a test file once more inside namespaces of its own: as root, and with a single user id as an ordinary user has it. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";

export type Lane = "root" | "rootless";

const LANE = process.env["HEDDLE_TEST_NODE"];
const NAMESPACES = ["--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"];
/** A first process that collects orphans, which Bun does not. */
const FIRST = ["sh", "-c", '"$@"; exit $?', "sh"];
const LIMIT_MS = 180_000;

/** The lane this process is in. Undefined: the outer process, whose tests are the lanes; it must define no others. */
export function enterLanes(file: string): Lane | undefined {
  if (LANE === "root" || LANE === "rootless") {
    setDefaultTimeout(60_000);
    return LANE;
  }
  const lanes: readonly Lane[] = process.getuid?.() === 0 ? ["root", "rootless"] : ["rootless"];
  for (const lane of lanes) {
    const user = lane === "rootless" ? ["--user", "--map-root-user"] : [];
    const possible = spawnSync("unshare", [...user, ...NAMESPACES, "true"]).status === 0;
    if (!possible) console.log(`skipped (${lane}): this machine does not let this user make namespaces`);
    test.skipIf(!possible)(
      `as ${lane}`,
      async () => {
        const inner = Bun.spawn(["unshare", ...user, ...NAMESPACES, ...FIRST, process.execPath, "test", file], {
          env: { ...process.env, HEDDLE_TEST_NODE: lane },
          stdio: ["ignore", "inherit", "inherit"],
        });
        expect(await inner.exited).toBe(0);
      },
      LIMIT_MS,
    );
  }
  return undefined;
}
