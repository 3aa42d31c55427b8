import { expect, test } from "bun:test";
import { claimOf, freePorts } from "./free-ports.testing.ts";

test("a port that was given to one process is not given to another, though nobody listens yet", () => {
  const ports = freePorts(3);
  expect(new Set(ports).size).toBe(3);
  for (const port of ports) {
    const script = `try { Bun.listen({ unix: process.argv[1].replace("NUL", "\\0"), socket: { data() {} } }); console.log("claimed"); } catch { console.log("refused"); } process.exit();`;
    const ask = (name: string) =>
      Bun.spawnSync([process.execPath, "-e", script, name.replace("\0", "NUL")])
        .stdout.toString()
        .trim();
    expect([ask(claimOf(port)), ask(claimOf(100_000 + process.pid))]).toEqual(["refused", "claimed"]);
  }
});
