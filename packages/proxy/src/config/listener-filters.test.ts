import { expect, test } from "bun:test";
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { ListenerFilterSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
import { ProxyProtocolSchema } from "@heddle/xds-api/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol";
import { decodeListenerFilters } from "./listener-filters.ts";
import { createScope, problemText } from "./scope.ts";

function decode(rules: JsonValue) {
  const scope = createScope();
  const filter = fromJson(ListenerFilterSchema, { name: "proxy_protocol" });
  filter.configType = {
    case: "typedConfig",
    value: anyPack(ProxyProtocolSchema, fromJson(ProxyProtocolSchema, { rules })),
  };
  const { proxyProtocol } = decodeListenerFilters([filter], scope.field("listener_filters"));
  return { rules: proxyProtocol?.rules, problems: problemText(scope.problems) };
}

test("rules of the PROXY protocol: their own namespace, or the filter's", () => {
  expect(
    decode([
      { tlv_type: 234, on_tlv_present: { key: "a" } },
      { tlv_type: 2, on_tlv_present: { metadata_namespace: "own", key: "b" } },
    ]),
  ).toEqual({
    rules: [
      { type: 234, namespace: "envoy.filters.listener.proxy_protocol", key: "a" },
      { type: 2, namespace: "own", key: "b" },
    ],
    problems: "",
  });
});

test.each([
  [{ tlv_type: 256, on_tlv_present: { key: "a" } }, "listener_filters[0].typed_config.rules[0].tlv_type: is 256"],
  [
    { tlv_type: 1, on_tlv_present: {} },
    "listener_filters[0].typed_config.rules[0].on_tlv_present.key: the metadata needs",
  ],
])("%p is named with its place", (rule, text) => {
  expect(decode([rule]).problems).toStartWith(text);
});
