/** Filters that leave values for logs, rules and balancing: header_to_metadata, set_metadata, ip_tagging; the same in real Envoy and here. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { address, cluster, type Json } from "./rig/bootstrap.ts";
import { withoutEnvoy } from "./rig/engines.ts";
import {
  echoOrigin,
  type FilterCase,
  type FilterPair,
  filterMessage,
  originCluster,
  routeTo,
  startFilterPair,
} from "./rig/filter-pair.ts";

const skip = withoutEnvoy();

const headers = (fields: Json): Json => filterMessage("header_to_metadata", "Config", fields);
const left = (metadata: readonly Json[]): Json => filterMessage("set_metadata", "Config", { metadata });
const tagging = (fields: Json): Json => filterMessage("ip_tagging", "IPTagging", fields);
const regex = (pattern: string, substitution: string): Json => ({
  regex_value_rewrite: { pattern: { google_re2: {}, regex: pattern }, substitution },
});

/** Each its own key. */
const WRITES: readonly Json[] = [
  {},
  { value: "fixed" },
  { type: "NUMBER" },
  { type: "STRING", encode: "BASE64" },
  { type: "NUMBER", encode: "BASE64" },
  { type: "PROTOBUF_VALUE", encode: "BASE64" },
  { type: "PROTOBUF_VALUE" },
  regex("^/?(\\w+)[^/]*$", "<\\1>"),
  regex(".*", ""),
  { ...regex("x", "1"), type: "NUMBER" },
];

const REQUEST_RULES: readonly Json[] = [
  ...WRITES.map((write, i) => ({ header: "X-In", on_header_present: { key: `w${i}`, ...write } })),
  { header: "x-in", on_header_missing: { metadata_namespace: "other", key: "missing", value: "12", type: "NUMBER" } },
  { header: "x-gone", on_header_present: { metadata_namespace: "other", key: "gone" }, remove: true },
  { header: "x-gone", on_header_present: { metadata_namespace: "other", key: "again" } },
  { header: "x-silent", on_header_missing: { metadata_namespace: "other", key: "silent", value: "yes" }, remove: true },
  { cookie: "session", on_header_present: { metadata_namespace: "other", key: "cookie" } },
  { cookie: "Session", on_header_missing: { metadata_namespace: "other", key: "no_cookie", value: "none" } },
  { header: ":path", on_header_present: { metadata_namespace: "other", key: "path" } },
  { header: ":authority", on_header_present: { metadata_namespace: "other", key: "host" } },
  { header: ":method", on_header_present: { metadata_namespace: "other", key: "method" } },
];

const RESPONSE_RULES: readonly Json[] = [
  { header: ":status", on_header_present: { metadata_namespace: "answer", key: "status", type: "NUMBER" } },
  { header: "x-out", on_header_present: { metadata_namespace: "answer", key: "out" }, remove: true },
  { header: "x-out2", on_header_missing: { metadata_namespace: "answer", key: "out2", value: "none" } },
];

const NAMES = ["envoy.filters.http.header_to_metadata", "other", "answer", "set", "set2", "envoy.lb"];

describe.skipIf(skip)("filters that leave metadata, as in real Envoy", () => {
  let pair: FilterPair;
  const origins: Record<string, ReturnType<typeof echoOrigin>> = {};

  beforeAll(async () => {
    for (const name of ["origin", "blue", "green", "plain"]) origins[name] = echoOrigin(name);
    const endpoint = (name: string, labels: Json): Json => ({
      endpoint: { address: address(origins[name]?.port ?? 0) },
      metadata: { filter_metadata: { "envoy.lb": labels } },
    });
    const subsets = cluster("subsets", [], "http1", {
      load_assignment: {
        cluster_name: "subsets",
        endpoints: [
          {
            lb_endpoints: [
              endpoint("blue", { version: "blue", tier: 1 }),
              endpoint("green", { version: "green", tier: 1 }),
              endpoint("plain", { tier: 2 }),
            ],
          },
        ],
      },
      lb_subset_config: {
        fallback_policy: "NO_FALLBACK",
        subset_selectors: [{ keys: ["version"] }, { keys: ["version", "tier"] }, { keys: ["tier"] }],
      },
    });
    const lb = (header: string, key: string, type = "STRING"): Json => ({
      header,
      on_header_present: { metadata_namespace: "envoy.lb", key, type },
    });
    const tags = (name: string, ...ranges: readonly (readonly [string, number])[]): Json => ({
      ip_tag_name: name,
      ip_list: ranges.map(([address_prefix, prefix_len]) => ({ address_prefix, prefix_len })),
    });
    const lists = [
      tags("ten", ["10.0.0.0", 8], ["11.1.2.3", 32]),
      tags("narrow", ["10.1.0.0", 16]),
      tags("six", ["fc00::", 7]),
      tags("all-six", ["::", 0]),
      tags("ten.dots", ["10.1.1.0", 24]),
    ];
    const tagManager = { use_remote_address: false, xff_num_trusted_hops: 0 };
    const tagRoutes = [
      {
        match: { prefix: "/", headers: [{ name: "x-tag", string_match: { contains: "narrow" } }] },
        route: { cluster: "origin", prefix_rewrite: "/narrow" },
      },
      routeTo("/"),
    ];
    pair = await startFilterPair({
      clusters: [originCluster(origins["origin"] ?? {}), subsets],
      log: Object.fromEntries(NAMES.map((name) => [name, `%DYNAMIC_METADATA(${name})%`])),
      listeners: {
        headers: {
          filters: {
            h2m: headers({ request_rules: REQUEST_RULES, response_rules: RESPONSE_RULES, stat_prefix: "mine" }),
          },
          routes: [
            routeTo("/route", {
              h2m: headers({
                request_rules: [{ header: "x-in", on_header_present: { key: "route", metadata_namespace: "other" } }],
              }),
            }),
            { match: { prefix: "/direct" }, direct_response: { status: 204 } },
            routeTo("/"),
          ],
        },
        silent: { filters: { h2m: headers({ request_rules: REQUEST_RULES }) }, routes: [routeTo("/")] },
        rules: {
          filters: {
            h2m: headers({
              request_rules: [{ header: "x-role", on_header_present: { metadata_namespace: "other", key: "role" } }],
            }),
            rbac: filterMessage("rbac", "RBAC", {
              rules: {
                policies: {
                  admins: {
                    permissions: [{ any: true }],
                    principals: [
                      {
                        metadata: {
                          filter: "other",
                          path: [{ key: "role" }],
                          value: { string_match: { exact: "admin" } },
                        },
                      },
                    ],
                  },
                },
              },
            }),
          },
          routes: [routeTo("/")],
        },
        subsets: {
          filters: { h2m: headers({ request_rules: [lb("x-version", "version"), lb("x-tier", "tier", "NUMBER")] }) },
          routes: [
            routeTo("/tier1", {}, "subsets", { metadata_match: { filter_metadata: { "envoy.lb": { tier: 1 } } } }),
            routeTo("/tier2", {}, "subsets", { metadata_match: { filter_metadata: { "envoy.lb": { tier: 2 } } } }),
            {
              match: { prefix: "/weighted" },
              route: {
                weighted_clusters: {
                  clusters: [
                    {
                      name: "subsets",
                      weight: 1,
                      metadata_match: { filter_metadata: { "envoy.lb": { version: "green" } } },
                    },
                  ],
                },
              },
            },
            routeTo("/", {}, "subsets"),
          ],
        },
        set: {
          filters: {
            old: filterMessage("set_metadata", "Config", {
              metadata_namespace: "set",
              value: { text: "a", list: [1], deep: { x: 1, y: [1] }, kept: true },
            }),
            set: left([
              { metadata_namespace: "set", value: { text: "denied" } },
              {
                metadata_namespace: "set",
                allow_overwrite: true,
                value: { text: 2, list: [2, "b"], deep: { x: "one", y: [2], z: null }, more: [[]] },
              },
              { metadata_namespace: "set2", value: { list: "text" } },
              { metadata_namespace: "set2", allow_overwrite: true, value: { list: [1], deep: { a: 1 } } },
              { metadata_namespace: "set2", allow_overwrite: true, value: { list: {}, deep: [1] } },
              { metadata_namespace: "other" },
            ]),
          },
          routes: [
            routeTo("/route", {
              set: left([
                { metadata_namespace: "set", value: {} },
                { metadata_namespace: "set2", allow_overwrite: true, value: { a: 1 } },
              ]),
            }),
            routeTo("/"),
          ],
        },
        tags: { filters: { tags: tagging({ ip_tags: lists }) }, routes: [routeTo("/")], manager: tagManager },
        replaced: {
          filters: { tags: tagging({ ip_tags: lists, ip_tag_header: { header: "X-Tag" } }) },
          routes: tagRoutes,
          manager: tagManager,
        },
        appended: {
          filters: {
            tags: tagging({ ip_tags: lists, ip_tag_header: { header: "x-tag", action: "APPEND_IF_EXISTS_OR_ADD" } }),
          },
          routes: tagRoutes,
          manager: tagManager,
        },
        internal: {
          filters: { tags: tagging({ ip_tags: lists, request_type: "INTERNAL" }) },
          routes: [routeTo("/")],
          manager: tagManager,
        },
        external: {
          filters: { tags: tagging({ ip_tags: lists, request_type: "EXTERNAL" }) },
          routes: [routeTo("/")],
          manager: tagManager,
        },
      },
    });
  }, 60_000);

  afterAll(async () => {
    await pair?.stop();
    for (const origin of Object.values(origins)) await origin.stop(true);
  });

  const message = (value: Parameters<typeof create<typeof ValueSchema>>[1]): string =>
    Buffer.from(toBinary(ValueSchema, create(ValueSchema, value))).toString("base64");
  const VALUES: readonly (string | string[])[] = [
    "text",
    "",
    " ",
    "12",
    "-1.5e3",
    "+7",
    "1.",
    ".5",
    ".",
    "0x10",
    "12 ",
    "12abc",
    "MTI=",
    "MTI",
    "MTJ=",
    "??",
    "x",
    "/path",
    "/a/b",
    "zoë",
    ["one", "two"],
    "y".repeat(8190),
    "y".repeat(8191),
    "y".repeat(8192),
    message({ kind: { case: "numberValue", value: 4.5 } }),
    message({ kind: { case: "boolValue", value: true } }),
    message({
      kind: { case: "structValue", value: { fields: { a: { kind: { case: "stringValue", value: "b" } } } } },
    }),
  ];

  test("header_to_metadata: values of all kinds", async () => {
    const cases: FilterCase[] = [];
    for (const path of ["/", "/route"])
      for (const value of VALUES) cases.push({ to: "headers", path, headers: { "x-in": value } });
    for (const sent of [
      {},
      { "x-gone": "1", "x-silent": "2" },
      { "x-gone": "" },
      { cookie: "a=b; session=17; c=d" },
      { cookie: 'session="q,r"; Session=no' },
      { cookie: "session=" },
      { "x-answer": JSON.stringify({ status: 418, headers: { "x-out": "7", "x-out2": "8" } }) },
    ])
      for (const path of ["/", "/direct", "/route"]) cases.push({ to: "headers", path, headers: sent });
    cases.push({ to: "silent", path: "/", headers: { "x-in": "1" } });
    const results = await pair.compare(cases);
    expect(results[0]?.line["envoy.filters.http.header_to_metadata"]).toMatchObject({ w0: "text", w1: "fixed" });
    await pair.compareStats(/^http_filter_name\./);
  }, 60_000);

  test("rules look at what a header left", async () => {
    const results = await pair.compare([
      { to: "rules", path: "/", headers: { "x-role": "admin" } },
      { to: "rules", path: "/", headers: { "x-role": "guest" } },
      { to: "rules", path: "/" },
    ]);
    expect(results.map(({ answer }) => answer.status)).toEqual([200, 403, 403]);
  }, 30_000);

  test("subsets by what headers left, alone and beside the route's", async () => {
    const cases: FilterCase[] = [];
    for (const path of ["/", "/tier1", "/tier2", "/weighted"])
      for (const sent of [
        { "x-version": "blue" },
        { "x-version": "green" },
        { "x-version": "red" },
        { "x-version": "blue", "x-tier": "1" },
        { "x-version": "blue", "x-tier": "2" },
        { "x-tier": "2" },
      ])
        cases.push({ to: "subsets", path, headers: sent });
    cases.push({ to: "subsets", path: "/" });
    const comparable = cases.filter(({ path, headers: sent = {} }) => !(path === "/tier1" && !("x-version" in sent)));
    const results = await pair.compare(comparable);
    expect(results[0]?.answer.body).toContain('"name":"blue"');
    expect(results[1]?.answer.body).toContain('"name":"green"');
    await pair.compareStats(/^cluster\.subsets\.lb_subsets_(selected|fallback)$/);
  }, 30_000);

  test("set_metadata: merged, kept, by route", async () => {
    const results = await pair.compare([
      { to: "set", path: "/" },
      { to: "set", path: "/route" },
    ]);
    expect(results[0]?.line["set"]).toMatchObject({ list: [1, 2, "b"], kept: true });
    await pair.compareStats(/(^|\.)set_metadata\./);
  }, 30_000);

  test("ip_tagging: networks, headers of clients, routes that look at them", async () => {
    const cases: FilterCase[] = [];
    for (const to of ["tags", "replaced", "appended", "internal", "external"])
      for (const ip of ["10.0.0.1", "10.1.1.1", "11.1.2.3", "11.1.2.4", "fc00::1", "2001:db8::1", "::ffff:10.1.1.1"])
        for (const sent of [
          {},
          { "x-tag": "claimed" },
          { "x-envoy-ip-tags": "claimed" },
          { "x-envoy-internal": "true" },
        ])
          cases.push({ to, path: "/", headers: { "x-forwarded-for": ip, ...sent } });
    // Source: Envoy keeps the names in a set of no order.
    const results = await pair.compare(cases, (body) =>
      body.replace(/tags?","([^"]*)"/, (_, tags: string) => tags.split(",").sort().join()),
    );
    expect(results[0]?.answer.body).toContain('["x-envoy-ip-tags","ten"]');
    await pair.compareStats(/\.ip_tagging\./);
  }, 60_000);
});
