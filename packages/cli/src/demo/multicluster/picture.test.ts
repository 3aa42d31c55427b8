import { expect, test } from "bun:test";
import { pathPicture } from "./picture.ts";

test("the picture's boxes are closed and it names both ends, the server name and the caller", () => {
  const text = pathPicture({
    client: { cluster: "cluster1", address: "198.18.0.1" },
    server: { cluster: "cluster2", address: "198.18.1.1" },
    host: "httpbin.bar.global",
    caller: "spiffe://cluster.local/ns/foo/sa/sleep",
  });
  const rows = text.split("\n").filter((row) => /[│┌└]/.test(row));
  expect(new Set(rows.map((row) => row.length)).size).toBe(1);
  for (const part of [
    "cluster1  198.18.0.1",
    "cluster2  198.18.1.1",
    "15443",
    "outbound_.8000_._.httpbin.bar.global",
    "spiffe://",
  ])
    expect(text).toContain(part);
});
