import { expect, test } from "bun:test";
import { type ChainCompressor, chooseEncoding } from "./encoding-choice.ts";

const compressor = (coding: string, types: readonly string[], first = false): ChainCompressor => ({
  coding,
  first,
  response: { enabled: { key: "", base: true }, minBytes: 30, types: new Set(types), typeMatchers: [] },
});
const PLAIN = [compressor("gzip", ["text/html"]), compressor("br", ["text/html", "text/css"])];
const FIRST = [
  compressor("gzip", ["text/html"]),
  compressor("br", ["text/html"], true),
  compressor("zstd", ["text/html"], true),
];

test.each([
  ["gzip", PLAIN, "text/html; charset=utf-8", "gzip by name"],
  ["gzip", PLAIN, "text/css", "identity by invalid"],
  ["gzip, br", PLAIN, "TEXT/CSS", "br by name"],
  ["gzip, br", PLAIN, undefined, "gzip by name"],
  ["br;q=0.1, gzip;q=0.05", PLAIN, "text/html", "br by name"],
  ["gzip;q=0, *", PLAIN, "text/html", "br by wildcard"],
  ["*", PLAIN, "text/html", "gzip by wildcard"],
  ["identity;q=0.5, gzip;q=0.4", PLAIN, "text/html", "identity by identity"],
  ["gzip;q=0, br;q=0", PLAIN, "text/html", "identity by invalid"],
  ["gzip;q=x", PLAIN, "text/html", "identity by invalid"],
  ["gzip;q=", PLAIN, "text/html", "identity by invalid"],
  ["gzip;level=1", PLAIN, "text/html", "gzip by name"],
  ["", PLAIN, "text/html", "identity by invalid"],
  ["gzip, br, zstd", FIRST, "text/html", "zstd by name"],
  ["zstd, br, gzip", FIRST, "text/html", "br by name"],
  ["gzip, br;q=0.9", FIRST, "text/html", "gzip by name"],
] as const)("accept-encoding %p", (accepted, chain, type, expected) => {
  const { coding, by } = chooseEncoding(accepted, type, chain);
  expect(`${coding} by ${by}`).toBe(expected);
});
