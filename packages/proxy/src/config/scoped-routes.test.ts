import { beforeAll, expect, test } from "bun:test";
import type { JsonValue, Registry } from "@bufbuild/protobuf";
import { loadTypeRegistry } from "@heddle/xds-api";
import { verdictOf } from "../../test/rig/verdict.ts";

let registry: Registry;
beforeAll(async () => {
  registry = await loadTypeRegistry();
});

const EXT = "type.googleapis.com/envoy.extensions";
const first = [{ header_value_extractor: { name: "x", index: 0 } }];
const scope = (fields: object = {}) => ({
  name: "a",
  key: { fragments: [{ string_key: "1" }] },
  route_configuration_name: "r",
  ...fields,
});
const listener = (fields: object): JsonValue => ({
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
            http_filters: [{ name: "router", typed_config: { "@type": `${EXT}.filters.http.router.v3.Router` } }],
            scoped_routes: {
              name: "s",
              scope_key_builder: { fragments: first },
              scoped_route_configurations_list: { scoped_route_configurations: [scope()] },
              ...fields,
            },
          } as JsonValue,
        },
      ],
    },
  ],
});
const list = (...scopes: readonly object[]) => ({
  scoped_route_configurations_list: { scoped_route_configurations: scopes },
});
const builder = (header_value_extractor: object) => ({
  scope_key_builder: { fragments: [{ header_value_extractor }] },
});
const LISTS = "scoped_routes.scoped_route_configurations_list.scoped_route_configurations";

test.each([
  ["a list", {}, ""],
  ["no name", { name: "" }, "scoped_routes.name: is required"],
  ["no builder", { scope_key_builder: undefined }, "scoped_routes.scope_key_builder.fragments: is required"],
  ["no header", builder({ index: 0 }), "header_value_extractor.name: is required"],
  ["no element", builder({ name: "x" }), "header_value_extractor: needs one of index, element"],
  [
    "an index of one element",
    builder({ name: "x", index: 1 }),
    "header_value_extractor.index: without element_separator",
  ],
  ["an element without a key", builder({ name: "x", element: { separator: "=" } }), "element.key: is required"],
  ["an element without a separator", builder({ name: "x", element: { key: "k" } }), "element.separator: is required"],
  ["two scopes of a key", list(scope(), scope({ name: "b" })), `${LISTS}[1].key: scope a has the same key`],
  ["no key", list(scope({ key: {} })), `${LISTS}[0].key: is required`],
  ["no routes", list(scope({ route_configuration_name: "" })), `${LISTS}[0]: needs one of route_configuration, route`],
  ["routes twice", list(scope({ route_configuration: { name: "q" } })), `${LISTS}[0]: has both`],
  ["on demand", list(scope({ on_demand: true })), `${LISTS}[0].on_demand: refused`],
  [
    "a locator",
    {
      scoped_route_configurations_list: undefined,
      scoped_rds: { scoped_rds_config_source: { ads: {} }, srds_resources_locator: "xdstp:" },
    },
    "scoped_routes.scoped_rds.srds_resources_locator: refused",
  ],
])("%s", (_name, fields, expected) => {
  const found = verdictOf(registry, "listener", JSON.parse(JSON.stringify(listener(fields))));
  if (expected === "") expect(found).toBe("");
  else expect(found).toContain(expected);
});
