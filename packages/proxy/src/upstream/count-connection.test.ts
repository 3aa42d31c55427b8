import { expect, test } from "bun:test";
import { ByteCount } from "./count-connection.ts";
import { createClusterCounters } from "./counters.ts";

test("byte counts go on above 4 GiB, exactly", () => {
  const counters = createClusterCounters();
  const connection = { bytesIn: 0, bytesOut: 0 };
  const bytes = new ByteCount(connection);
  for (const gibibytes of [3, 5, 4096]) {
    connection.bytesIn = gibibytes * 2 ** 30 + 1;
    connection.bytesOut = connection.bytesIn + 1;
    bytes.addTo(counters);
    expect(String(counters.bytesReceived)).toBe(String(BigInt(gibibytes) * 2n ** 30n + 1n));
    expect(counters.bytesSent).toBe(connection.bytesOut);
  }
});
