import { beforeAll, expect, test } from "bun:test";
import type { JsonValue, Registry } from "@bufbuild/protobuf";
import { loadTypeRegistry } from "@heddle/xds-api";
import { verdictOf } from "../../../test/rig/verdict.ts";

let registry: Registry;
beforeAll(async () => {
  registry = await loadTypeRegistry();
});

const EXT = "type.googleapis.com/envoy.extensions";
const library = (kind: string, fields: object = {}) => ({
  name: "lib",
  typed_config: { "@type": `${EXT}.compression.${kind}`, ...fields },
});
const listener = (type: string, fields: object): JsonValue => ({
  name: "l",
  address: { socket_address: { address: "127.0.0.1", port_value: 1 } },
  filter_chains: [
    {
      filters: [
        {
          name: "h",
          typed_config: {
            "@type": `${EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
            stat_prefix: "a",
            route_config: { name: "r" },
            http_filters: [
              { name: "f", typed_config: { "@type": `${EXT}.filters.http.${type}`, ...fields } as JsonValue },
              { name: "router", typed_config: { "@type": `${EXT}.filters.http.router.v3.Router` } },
            ],
          },
        },
      ],
    },
  ],
});
const compressor = (fields: object): JsonValue =>
  listener("compressor.v3.Compressor", { compressor_library: library("gzip.compressor.v3.Gzip"), ...fields });
const decompressor = (fields: object): JsonValue =>
  listener("decompressor.v3.Decompressor", { decompressor_library: library("gzip.decompressor.v3.Gzip"), ...fields });
const route = (fields: object): JsonValue => ({
  name: "r",
  virtual_hosts: [
    {
      name: "v",
      domains: ["*"],
      typed_per_filter_config: {
        f: { "@type": `${EXT}.filters.http.compressor.v3.CompressorPerRoute`, ...fields } as JsonValue,
      },
    },
  ],
});
const gzip = (fields: object) => compressor({ compressor_library: library("gzip.compressor.v3.Gzip", fields) });
const zstd = { dictionary: { inline_string: "x" } };

const FILTER = "filter_chains[0].filters[0].typed_config.http_filters[0].typed_config";
test.each([
  ["all of a compressor", compressor({ choose_first: true, request_direction_config: {} }), ""],
  [
    "all of gzip",
    gzip({
      memory_level: 9,
      window_bits: 15,
      compression_level: "BEST_SPEED",
      compression_strategy: "RLE",
      chunk_size: 4096,
    }),
    "",
  ],
  [
    "all of a decompressor",
    decompressor({ response_direction_config: { common_config: { ignore_no_transform_header: true } } }),
    "",
  ],
  ["no library", listener("compressor.v3.Compressor", {}), `${FILTER}.compressor_library: is required`],
  ["no library back", listener("decompressor.v3.Decompressor", {}), `${FILTER}.decompressor_library: is required`],
  [
    "another library",
    compressor({ compressor_library: library("gzip.decompressor.v3.Gzip") }),
    "compressor_library.typed_config: envoy.extensions.compression.gzip.decompressor.v3.Gzip is not",
  ],
  ["a window", gzip({ window_bits: 16 }), "compressor_library.typed_config.window_bits: 16 is not within 9 and 15"],
  ["memory", gzip({ memory_level: 10 }), "memory_level: 10 is not within 1 and 9"],
  [
    "brotli's quality",
    compressor({ compressor_library: library("brotli.compressor.v3.Brotli", { quality: 12 }) }),
    "quality: 12 is not within 0 and 11",
  ],
  [
    "a dictionary",
    compressor({ compressor_library: library("zstd.compressor.v3.Zstd", zstd) }),
    "typed_config.dictionary: refused: dictionaries are not implemented",
  ],
  [
    "a ratio",
    decompressor({ decompressor_library: library("gzip.decompressor.v3.Gzip", { max_inflate_ratio: 1033 }) }),
    "max_inflate_ratio: 1033 is not within 1 and 1032",
  ],
  [
    "codes",
    compressor({ response_direction_config: { uncompressible_response_codes: [200, 600] } }),
    "response_direction_config.uncompressible_response_codes[1]: 600 is not within 200 and 599",
  ],
  [
    "a weak and no ETag",
    compressor({ response_direction_config: { disable_on_etag_header: true, weaken_etag_on_compress: true } }),
    "weaken_etag_on_compress: has no meaning",
  ],
])("%s", (_name, json, expected) => {
  const found = verdictOf(registry, "listener", json);
  if (expected === "") expect(found).toBe("");
  else expect(found).toContain(expected);
});

test.each([
  ["off", { disabled: true }, ""],
  [
    "overrides",
    {
      overrides: {
        response_direction_config: { remove_accept_encoding_header: true },
        compressor_library: library("zstd.compressor.v3.Zstd"),
      },
    },
    "",
  ],
  ["nothing", {}, "say disabled: true, or give overrides"],
  ["not off", { disabled: false }, "say disabled: true, or give overrides"],
  [
    "a library of a route",
    { overrides: { compressor_library: library("zstd.compressor.v3.Zstd", zstd) } },
    "overrides.compressor_library.typed_config.dictionary: refused",
  ],
] as const)("for a route: %s", (_name, fields, expected) => {
  const found = verdictOf(registry, "route", route(fields));
  if (expected === "") expect(found).toBe("");
  else expect(found).toContain(expected);
});
