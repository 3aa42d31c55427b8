import { HTTP_INSPECTOR, httpFilterChain, type Json, TLS_INSPECTOR } from "./bootstrap.ts";

/** Listeners of the bootstrap; each shows trees at one place. */
export const MATCHER_LISTENERS = [
  "ranges",
  "names",
  "conditions",
  "gate",
  "rbac",
  "shadow",
  "empty",
  "hosts",
  "values",
] as const;
export type MatcherListener = (typeof MATCHER_LISTENERS)[number];

const TYPES = "type.googleapis.com";
const EXT = `${TYPES}/envoy.extensions`;
const INPUTS = `${EXT}.matching.common_inputs.network.v3`;

const config = (type: string, fields: Json = {}): Json => ({ "@type": type, ...fields });
/** An extension; Envoy asks for a name and goes by the type. */
const extension = (type: string, fields?: Json): Json => ({ name: "x", typed_config: config(type, fields) });
const network = (name: string): Json => extension(`${INPUTS}.${name}`);
const header = (name: string): Json =>
  extension(`${TYPES}/envoy.type.matcher.v3.HttpRequestHeaderMatchInput`, { header_name: name });

const nested = (matcher: Json): Json => ({ matcher });
const map = (kind: "exact" | "prefix", input: Json, entries: Json, otherwise?: Json): Json => ({
  matcher_tree: { input, [`${kind}_match_map`]: { map: entries } },
  ...(otherwise === undefined ? {} : { on_no_match: otherwise }),
});
const list = (entries: readonly (readonly [predicate: Json, then: Json])[], otherwise?: Json): Json => ({
  matcher_list: { matchers: entries.map(([predicate, on_match]) => ({ predicate, on_match })) },
  ...(otherwise === undefined ? {} : { on_no_match: otherwise }),
});
const custom = (input: Json, type: string, fields: Json, otherwise?: Json): Json => ({
  matcher_tree: { input, custom_match: extension(`${TYPES}/xds.type.matcher.v3.${type}`, fields) },
  ...(otherwise === undefined ? {} : { on_no_match: otherwise }),
});
const single = (input: Json, value_match: Json): Json => ({ single_predicate: { input, value_match } });
const within = (input: Json, ...cidr_ranges: Json[]): Json => ({
  single_predicate: {
    input,
    custom_match: extension(`${EXT}.matching.input_matchers.ip.v3.Ip`, { cidr_ranges, stat_prefix: "x" }),
  },
});
const range = (address_prefix: string, prefix_len: number): Json => ({ address_prefix, prefix_len });
const chainNamed = (name: string): Json => ({
  action: extension(`${TYPES}/google.protobuf.StringValue`, { value: name }),
});
const decides = (name: string, action: "ALLOW" | "DENY" | "LOG"): Json => ({
  action: extension(`${TYPES}/envoy.config.rbac.v3.Action`, { name, action }),
});

/** A chain that says its name, and what it matches by itself, which has no effect. */
const says = (name: string): Json => ({
  name,
  filter_chain_match: { destination_port: 1 },
  filters: [
    {
      name: "direct",
      typed_config: config(`${EXT}.filters.network.direct_response.v3.Config`, { response: { inline_string: name } }),
    },
  ],
});

/** Blocks within blocks, exclusive ones, and what leads nowhere. */
const RANGES = custom(network("DestinationIPInput"), "IPMatcher", {
  range_matchers: [
    { ranges: [range("127.0.0.0", 8)], on_match: chainNamed("eight") },
    { ranges: [range("127.0.1.0", 24), range("127.0.9.9", 32)], on_match: chainNamed("twentyfour") },
    {
      ranges: [range("127.0.1.7", 32)],
      on_match: nested(map("exact", network("SourceIPInput"), { "127.0.0.5": chainNamed("seven") })),
    },
    { ranges: [range("127.0.2.0", 24)], on_match: chainNamed("second"), exclusive: true },
    {
      ranges: [range("127.0.2.7", 32)],
      on_match: nested(map("prefix", network("SourceIPInput"), { "127.0.0.5": chainNamed("seven") })),
    },
    { ranges: [range("127.0.3.0", 24)], on_match: chainNamed("nobody") },
  ],
});

const NAMES = map(
  "exact",
  network("TransportProtocolInput"),
  {
    tls: nested(
      custom(
        network("ServerNameInput"),
        "ServerNameMatcher",
        {
          domain_matchers: [
            { domains: ["one.match.test"], on_match: chainNamed("exact") },
            { domains: ["*.match.test"], on_match: chainNamed("wild") },
            {
              domains: ["*.deep.match.test"],
              on_match: nested(
                list([[single(network("ApplicationProtocolInput"), { exact: "'h2','http/1.1'" }), chainNamed("both")]]),
              ),
            },
            { domains: ["*"], on_match: chainNamed("any") },
          ],
        },
        chainNamed("nameless"),
      ),
    ),
    raw_buffer: nested(
      list([[single(network("ApplicationProtocolInput"), { contains: "http/1.1" }), chainNamed("http")]]),
    ),
  },
  chainNamed("otherwise"),
);

const from = (text: string): Json => single(network("SourceIPInput"), { exact: text });
const CONDITIONS = list(
  [
    [
      {
        and_matcher: {
          predicate: [
            within(network("SourceIPInput"), range("127.0.0.0", 29)),
            { not_matcher: { or_matcher: { predicate: [from("127.0.0.1"), from("127.0.0.2")] } } },
          ],
        },
      },
      chainNamed("and"),
    ],
    [single(network("SourceIPInput"), { suffix: ".0.2" }), nested(list([[from("1.2.3.4"), chainNamed("otherwise")]]))],
    [
      single(network("SourceIPInput"), { safe_regex: { google_re2: {}, regex: "127\\.0\\.0\\.[12]" } }),
      chainNamed("regex"),
    ],
    [single(network("SourceTypeInput"), { exact: "local", ignore_case: true }), chainNamed("local")],
  ],
  chainNamed("otherwise"),
);

const rbac = (fields: Json): Json => ({
  name: "rbac",
  typed_config: config(`${EXT}.filters.http.rbac.v3.RBAC`, fields),
});
const ROUTER: Json = { name: "router", typed_config: config(`${EXT}.filters.http.router.v3.Router`) };

const REQUESTS = map(
  "prefix",
  header(":path"),
  {
    "/": nested(
      list([
        [single(header("x-role"), { exact: "admin" }), decides("admins", "ALLOW")],
        [
          { not_matcher: single(header("x-role"), { safe_regex: { google_re2: {}, regex: ".*" } }) },
          decides("nobody", "DENY"),
        ],
      ]),
    ),
    "/open": decides("open", "ALLOW"),
    "/open/log": decides("logged", "LOG"),
    "/open/shut": decides("shut", "DENY"),
    "/certificate": nested(
      list(
        [
          [
            single(extension(`${EXT}.matching.common_inputs.ssl.v3.UriSanInput`), { prefix: "x" }),
            decides("a", "ALLOW"),
          ],
        ],
        decides("no-certificate", "ALLOW"),
      ),
    ),
  },
  decides("otherwise", "ALLOW"),
);

const direct = (status: number, path: string, more: Json = {}): Json => ({
  match: { prefix: path, ...more },
  direct_response: { status, body: { inline_string: `${status} ${path}` } },
});
const route = (one: Json): Json => ({ action: extension(`${TYPES}/envoy.config.route.v3.Route`, one) });
const routes = (all: readonly Json[]): Json => ({
  action: extension(`${TYPES}/envoy.config.route.v3.RouteList`, { routes: all }),
});
const HOSTS = map(
  "exact",
  header("x-kind"),
  {
    one: route(direct(201, "/a")),
    "a,b": route(direct(209, "/")),
    many: routes([
      direct(202, "/a", { headers: [{ name: "x-more", present_match: true }] }),
      direct(203, "/a/b"),
      direct(204, "/"),
    ]),
    deep: nested(map("prefix", header(":path"), { "/a": route(direct(208, "/a")), "/": route(direct(206, "/only")) })),
  },
  route(direct(207, "/")),
);

function managed(options: Json): Json {
  return httpFilterChain("unused", {
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes: [direct(200, "/")] }] },
    ...options,
  });
}

function gated(): Json {
  const matcher = map("exact", network("SourceIPInput"), {
    "127.0.0.2": decides("two", "ALLOW"),
    "127.0.0.3": decides("three", "DENY"),
    "127.0.0.4": nested(
      list(
        [
          [
            single(extension(`${EXT}.matching.common_inputs.ssl.v3.DnsSanInput`), { exact: "a" }),
            decides("a", "ALLOW"),
          ],
        ],
        decides("plain", "ALLOW"),
      ),
    ),
  });
  const gate = {
    name: "rbac",
    typed_config: config(`${EXT}.filters.network.rbac.v3.RBAC`, { stat_prefix: "gate.", matcher }),
  };
  return { filters: [gate, ...(managed({})["filters"] as readonly Json[])] };
}

/** Conditions on a header that comes twice, with 1 and 2. */
export const VALUE_CONDITIONS: readonly Json[] = [
  { string_match: { exact: "1" } },
  { string_match: { exact: "2" } },
  { string_match: { exact: "1,2" } },
  { string_match: { exact: "1, 2" } },
  { string_match: { suffix: "1" } },
  { string_match: { contains: "," } },
  { string_match: { safe_regex: { regex: "1, ?2" } } },
  { string_match: { exact: "2" }, invert_match: true },
  { string_match: { exact: "3" }, invert_match: true },
  { range_match: { start: 2, end: 3 } },
  { present_match: true },
];
export const VALUE_NAMES = ["x-more", "accept", "cookie", "x-forwarded-for", "user-agent"];

function values(): Json {
  const routes = VALUE_NAMES.flatMap((name) =>
    VALUE_CONDITIONS.map((condition, i) => direct(200, `/${name}/${i}/`, { headers: [{ name, ...condition }] })),
  );
  const denied = { header: { name: "x-role", string_match: { exact: "admin" } } };
  const rules = {
    action: "DENY",
    policies: { admins: { permissions: [{ any: true }], principals: [denied] } },
  };
  return managed({
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
    http_filters: [rbac({ rules }), ROUTER],
  });
}

export function matchersBootstrap(ports: Readonly<Record<MatcherListener, number>>): Json {
  const on = (name: MatcherListener, filter_chains: readonly Json[], options: Json = {}): Json => ({
    name,
    address: { socket_address: { address: "0.0.0.0", port_value: ports[name] } },
    filter_chains,
    ...options,
  });
  const chains = (names: readonly string[]) => names.map(says);
  const rules = { action: "ALLOW", policies: { all: { permissions: [{ any: true }], principals: [{ any: true }] } } };
  return {
    static_resources: {
      listeners: [
        on("ranges", chains(["eight", "twentyfour", "seven", "second"]), {
          filter_chain_matcher: RANGES,
          default_filter_chain: says("default"),
        }),
        on("names", chains(["exact", "wild", "both", "any", "nameless", "http", "otherwise"]), {
          filter_chain_matcher: NAMES,
          default_filter_chain: says("default"),
          listener_filters: [TLS_INSPECTOR, HTTP_INSPECTOR],
        }),
        on("conditions", chains(["and", "regex", "local", "otherwise"]), { filter_chain_matcher: CONDITIONS }),
        on("gate", [gated()]),
        on("rbac", [managed({ http_filters: [rbac({ matcher: REQUESTS, rules }), ROUTER] })]),
        on("shadow", [
          managed({ http_filters: [rbac({ shadow_matcher: REQUESTS, shadow_rules_stat_prefix: "s" }), ROUTER] }),
        ]),
        on("empty", [managed({ http_filters: [rbac({ matcher: {} }), ROUTER] })]),
        on("values", [values()]),
        on("hosts", [managed({ route_config: { virtual_hosts: [{ name: "all", domains: ["*"], matcher: HOSTS }] } })]),
      ],
    },
  };
}
