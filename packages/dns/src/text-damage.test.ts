import { expect, test } from "bun:test";
import { damaged, seededRandom } from "@heddle/std/damage";
import { parseResolvConf } from "./resolv-conf.ts";
import { parseNameServer } from "./upstream.ts";

test("damaged resolver files give servers that can be asked, or none; nothing throws", () => {
  const random = seededRandom(141);
  const whole = "# made\nnameserver 10.0.0.10\nnameserver fd00::10\nsearch a.svc b.test\noptions ndots:5 timeout:2\n";
  let found = 0;
  for (let round = 0; round < 3000; round++) {
    const text = JSON.stringify(parseResolvConf(damaged(Buffer.from(whole), random).toString("latin1")));
    if (text.includes("10.0.0.10")) found++;
    const server = parseNameServer(damaged(Buffer.from("[fd00::1]:5353"), random).toString("latin1"));
    if (server !== undefined) expect(server.port > 0 && server.port <= 65_535).toBe(true);
  }
  expect(found).toBeGreaterThan(500);
  expect(() => parseResolvConf("nameserver ".repeat(200_000))).not.toThrow();
});
