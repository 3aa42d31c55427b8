import { expect, test } from "bun:test";
import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type Registry,
  ScalarType,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { loadTypeRegistry } from "../json.ts";
import { emptyMessage, type Fields, isPlainStruct, isUnwrapped, oneofOf } from "./field-value.ts";
import { checkJson, readJson } from "./read-json.ts";
import { readMessage } from "./read-message.ts";
import { writeMessage } from "./write-message.ts";

const ROOTS = [
  "envoy.config.bootstrap.v3.Bootstrap",
  "envoy.config.cluster.v3.Cluster",
  "envoy.config.endpoint.v3.ClusterLoadAssignment",
  "envoy.config.listener.v3.Listener",
  "envoy.config.rbac.v3.RBAC",
  "envoy.config.route.v3.RouteConfiguration",
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
  "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
  "envoy.extensions.transport_sockets.tls.v3.Secret",
  "envoy.service.auth.v3.CheckRequest",
  "envoy.service.discovery.v3.DeltaDiscoveryRequest",
  "google.protobuf.Struct",
];

/** Messages of any type with anything in them, made from the descriptor. */
class Maker {
  #state: number;
  readonly #registry: Registry;

  constructor(seed: number, registry: Registry) {
    this.#state = seed;
    this.#registry = registry;
  }

  message(schema: DescMessage, depth: number): Fields {
    if (schema.typeName === "google.protobuf.Any") return this.#any();
    if (schema.typeName === "google.protobuf.Duration")
      return { ...emptyMessage(schema), seconds: BigInt(this.#below(99)) };
    const message = emptyMessage(schema);
    for (const field of schema.fields) {
      if (this.#below(100) < (depth < 3 ? 55 : 85)) continue;
      if (depth > 5 && field.message !== undefined) continue;
      if (field.fieldKind === "list") message[field.localName] = [this.#value(field, depth), this.#value(field, depth)];
      else if (field.fieldKind === "map")
        message[field.localName] = { [this.#key(field.mapKey)]: this.#value(field, depth) };
      else {
        const group = oneofOf(field);
        const value = this.#value(field, depth);
        if (group === undefined) message[field.localName] = value;
        else message[group.localName] = { case: field.localName, value };
      }
    }
    return message;
  }

  #value(field: DescField, depth: number): unknown {
    if (field.message !== undefined) {
      if (isPlainStruct(field)) return this.#json(0);
      const message = this.message(field.message, depth + 1);
      if (field.message.typeName === "google.protobuf.Value")
        return create(field.message, { kind: { case: "boolValue", value: true } });
      return isUnwrapped(field) ? message["value"] : message;
    }
    if (field.enum !== undefined) return field.enum.values[this.#below(field.enum.values.length)]?.number;
    return this.#scalar(field.scalar ?? ScalarType.INT32);
  }

  #scalar(scalar: ScalarType): unknown {
    switch (scalar) {
      case ScalarType.STRING:
        return ["", "a", "outbound|80||b.svc", "mit Umlaut: \u00e4\u{1f600}"][this.#below(4)];
      case ScalarType.BOOL:
        return this.#below(2) === 1;
      case ScalarType.BYTES:
        return Uint8Array.from([0, 255, this.#below(256)]);
      case ScalarType.DOUBLE:
      case ScalarType.FLOAT:
        return [0, 0.5, -3, 1024][this.#below(4)];
      case ScalarType.INT64:
      case ScalarType.SINT64:
      case ScalarType.SFIXED64:
        return [0n, 1n, -1n, -(2n ** 63n)][this.#below(4)];
      case ScalarType.UINT64:
      case ScalarType.FIXED64:
        return [0n, 1n, 2n ** 64n - 1n][this.#below(3)];
      case ScalarType.INT32:
      case ScalarType.SINT32:
      case ScalarType.SFIXED32:
        return [0, 1, -1, -(2 ** 31)][this.#below(4)];
      default:
        return [0, 1, 2 ** 32 - 1][this.#below(3)];
    }
  }

  #key(scalar: ScalarType): string {
    return scalar === ScalarType.STRING
      ? (["k", "__proto__", ""][this.#below(3)] ?? "")
      : scalar === ScalarType.BOOL
        ? "true"
        : "7";
  }

  #json(depth: number): { [key: string]: JsonValue } {
    const inner: JsonValue = depth > 2 ? null : [this.#json(depth + 1), "x", 1.5, false, null];
    return this.#below(4) === 0 ? {} : { a: inner, "b.c": this.#below(9), d: { e: "f" } };
  }

  #any(): Fields {
    const schema = this.#registry.getMessage("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext");
    if (schema === undefined) throw new Error("the registry lacks UpstreamTlsContext");
    const inner = create(schema, { sni: "s", maxSessionKeys: this.#below(5) });
    return {
      $typeName: "google.protobuf.Any",
      typeUrl: `type.googleapis.com/${schema.typeName}`,
      value: toBinary(schema, inner),
    };
  }

  #below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1103515245) + 12345) & 0x7fffffff;
    return (this.#state >> 8) % limit;
  }
}

function each(count: number, registry: Registry, check: (schema: DescMessage, message: never) => void): void {
  for (const [at, name] of ROOTS.entries()) {
    const schema = registry.getMessage(name);
    if (schema === undefined) throw new Error(`the registry lacks ${name}`);
    for (let seed = 1; seed <= count; seed++)
      check(schema, new Maker(seed * 31 + at, registry).message(schema, 0) as never);
  }
}

test("bytes are read and written as by the library, for messages with anything in them", async () => {
  const registry = await loadTypeRegistry();
  let bytesSeen = 0;
  each(12, registry, (schema, message) => {
    const bytes = toBinary(schema, message);
    bytesSeen += bytes.length;
    expect(Buffer.from(writeMessage(schema, message)).equals(bytes)).toBe(true);
    const read = readMessage(schema, bytes);
    expect(read).toEqual(fromBinary(schema, bytes));
    expect(Buffer.from(writeMessage(schema, read)).equals(bytes)).toBe(true);
  });
  expect(bytesSeen).toBeGreaterThan(20_000);
});

test("JSON is read as by the library", async () => {
  const registry = await loadTypeRegistry();
  each(6, registry, (schema, message) => {
    for (const useProtoFieldName of [true, false]) {
      const json = toJson(schema, message, { registry, useProtoFieldName });
      expect(readJson(schema, json, registry)).toEqual(fromJson(schema, json, { registry }));
    }
  });
});

test("what is sent twice is merged, unknown fields are kept, damage throws", async () => {
  const registry = await loadTypeRegistry();
  each(3, registry, (schema, message) => {
    const bytes = toBinary(schema, message);
    // Field 18,000 with the number 1, which no message of Envoy's has.
    const unknown = Uint8Array.from([0x80, 0xe5, 0x08, 1]);
    const twice = Buffer.concat([bytes, unknown, bytes]);
    expect(readMessage(schema, twice)).toEqual(fromBinary(schema, twice));
    expect(
      Buffer.from(writeMessage(schema, readMessage(schema, twice))).equals(toBinary(schema, fromBinary(schema, twice))),
    ).toBe(true);
    for (const cut of [1, 3, 7]) {
      const damaged = bytes.subarray(0, bytes.length - cut);
      const ours = outcome(() => readMessage(schema, damaged));
      expect(ours).toEqual(outcome(() => fromBinary(schema, damaged)));
    }
  });
});

test("what is wrong in JSON is said behind the path that leads there, exactly where the library refuses", async () => {
  const registry = await loadTypeRegistry();
  const schema = registry.getMessage("envoy.config.cluster.v3.Cluster");
  if (schema === undefined) throw new Error("the registry lacks Cluster");
  const names = "the fields of envoy.config.";
  const wrong: [JsonValue, ...string[]][] = [
    [{ nam: "a" }, "nam: no such field in envoy.config.cluster.v3.Cluster; did you mean name?"],
    [
      { xyzzyxyzzyxyzzy: 1 },
      "xyzzyxyzzyxyzzy: no such field in envoy.config.cluster.v3.Cluster; it has transport_socket_matches, name,",
    ],
    [{ name: 1 }, "name: wants a text (a number or true needs quotes), not 1"],
    [
      { name: 1, alt_stat_name: [] },
      "name: wants",
      "alt_stat_name: wants a text (a number or true needs quotes), not an empty list",
    ],
    [{ lb_policy: "RING" }, 'lb_policy: envoy.config.cluster.v3.Cluster.LbPolicy has no "RING"; it has ROUND_ROBIN,'],
    [{ lb_policy: "ROUNDROBIN" }, "did you mean ROUND_ROBIN?"],
    [{ connect_timeout: "soon" }, "connect_timeout: wants a time in seconds such as 5s"],
    [
      { max_requests_per_connection: -1 },
      "max_requests_per_connection: wants a whole number from 0 to 4294967295, not -1",
    ],
    [{ load_assignment: [] }, `load_assignment: wants ${names}endpoint.v3.ClusterLoadAssignment, not an empty list`],
    [{ load_assignment: { endpoints: { a: 1 } } }, "load_assignment.endpoints: wants a list, not fields (a)"],
    [
      { load_assignment: { endpoints: [{}, null] } },
      `load_assignment.endpoints[1]: wants ${names}endpoint.v3.LocalityLbEndpoints, not nothing (null)`,
    ],
    [
      {
        load_assignment: {
          endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: 7 } } } }, { endpoint: "a" }] }],
        },
      },
      "load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.pipe.path: wants a text",
      "load_assignment.endpoints[0].lb_endpoints[1].endpoint: wants the fields of",
    ],
    [{ type: "EDS", cluster_type: { name: "x" } }, "cluster_type: stands beside type, and only one of both can be"],
    [{ transport_socket: { typed_config: { a: 1 } } }, "transport_socket.typed_config: @type is missing"],
    [{ transport_socket: { typed_config: { "@type": 7 } } }, "transport_socket.typed_config: @type is missing"],
    [{ connect_timeout: "1s", connectTimeout: "2s" }, "connectTimeout: stands beside connect_timeout"],
    [{ metadata: { filter_metadata: 7 } }, "metadata.filter_metadata: wants names with a value each, not 7"],
    [
      { metadata: { filter_metadata: { a: {}, b: null } } },
      "metadata.filter_metadata[b]: wants names with a value each, not nothing (null)",
    ],
    [
      { health_checks: [{ http_health_check: { path: "/", request_headers_to_remove: ["a", 1] } }] },
      "health_checks[0].http_health_check.request_headers_to_remove[1]: wants a text",
    ],
    ["text", 'wants the fields of envoy.config.cluster.v3.Cluster, not "text"'],
  ];
  for (const [json, ...sentences] of wrong) {
    expect(outcome(() => fromJson(schema, json, { registry }))).toHaveProperty("error");
    const said = outcome(() => readJson(schema, json, registry));
    for (const sentence of sentences) expect("error" in said ? said.error : "read").toContain(sentence);
    expect(checkJson(schema, json, registry).problems).toHaveLength(sentences.length);
  }
});

test("what is right beside something wrong is read", async () => {
  const registry = await loadTypeRegistry();
  const schema = registry.getMessage("envoy.config.cluster.v3.Cluster");
  if (schema === undefined) throw new Error("the registry lacks Cluster");
  const { message, problems } = checkJson(
    schema,
    { name: "a", lb_policy: "X", connect_timeout: "2s", nam: 1 },
    registry,
  );
  expect(problems.map(({ path }) => path)).toEqual(["nam", "lb_policy"]);
  expect(message).toEqual(fromJson(schema, { name: "a", connect_timeout: "2s" }, { registry }));
});

test("an Any of an unknown type becomes a TypedStruct with its fields", async () => {
  const registry = await loadTypeRegistry();
  const fields = { a: [1, { b: null }], "@type": "type.googleapis.com/no.such.Type" };
  const { message, problems, unknownTypes } = checkJson(AnySchema, fields, registry);
  expect([problems, unknownTypes]).toEqual([[], ["no.such.Type"]]);
  expect(toJson(AnySchema, message, { registry })).toEqual({
    "@type": "type.googleapis.com/xds.type.v3.TypedStruct",
    typeUrl: "type.googleapis.com/no.such.Type",
    value: { a: [1, { b: null }] },
  });
});

function outcome(run: () => unknown): { readonly value: unknown } | { readonly error: string } {
  try {
    return { value: run() };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
