import { expect, test } from "bun:test";
import { damaged, seededRandom } from "@heddle/std/damage";
import { encode } from "dns-packet";
import { encodeAnswer, RCODE, readQuery } from "./answer.ts";

test("damaged questions are none, or get an answer that fits; nothing throws", () => {
  const random = seededRandom(51);
  const whole = encode({
    type: "query",
    id: 7,
    flags: 256,
    questions: [{ name: "reviews.default.svc.cluster.local", type: "AAAA" }],
    additionals: [{ type: "OPT", name: ".", udpPayloadSize: 1232, flags: 0, options: [] } as never],
  });
  const outcome = { rcode: RCODE.missing, authoritative: true, answers: [], authorities: [], additional: [] };
  const seen = new Set<string>();
  for (let round = 0; round < 3000; round++) {
    const query = readQuery(damaged(whole, random));
    seen.add(query === undefined ? "none" : String(query.questions?.length));
    if (query === undefined) continue;
    expect(encodeAnswer(query, outcome, "udp").length).toBeLessThanOrEqual(65_535);
    expect(encodeAnswer(query, outcome, "tcp").length).toBeLessThanOrEqual(65_535);
  }
  expect(seen.size).toBeGreaterThan(1);
});
