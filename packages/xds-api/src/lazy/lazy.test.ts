import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type AnyDesc,
  createRegistry,
  type DescFile,
  type DescMessage,
  fromBinary,
  fromJson,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { fileDesc } from "@bufbuild/protobuf/codegenv2";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import * as wellKnown from "@bufbuild/protobuf/wkt";
import { loadTypeRegistry } from "../json.ts";

const gen = join(import.meta.dir, "../gen");

/** The same files by the library's own code, from the same embedded bytes. */
function libraryFiles(): DescFile[] {
  const sources = new Map<string, { readonly encoded: string; readonly imports: readonly string[] }>();
  for (const name of readdirSync(gen, { recursive: true }).map(String)) {
    if (!name.endsWith("_pb.js")) continue;
    const text = readFileSync(join(gen, name), "utf8");
    const [, own = "", encoded = "", imports = ""] =
      /export const (\w+) = [^"]*fileDesc\("([^"]*)"(?:, \[([^\]]*)\])?\)/.exec(text) ?? [];
    sources.set(own, { encoded, imports: imports.split(", ").filter((one) => one !== "") });
  }
  const built = new Map<string, DescFile>(
    Object.entries(wellKnown).filter((entry): entry is [string, DescFile] => entry[0].startsWith("file_")),
  );
  const build = (name: string): DescFile => {
    const there = built.get(name);
    if (there !== undefined) return there;
    const source = sources.get(name);
    if (source === undefined) throw new Error(`no file ${name}`);
    const file = fileDesc(source.encoded, source.imports.map(build));
    built.set(name, file);
    return file;
  };
  return [...sources.keys()].map(build);
}

const typeNames = (list: readonly { readonly typeName: string }[]) => list.map((one) => one.typeName);

/** All that readers and writers of messages look at, one level deep. */
function facts(desc: AnyDesc): unknown {
  switch (desc.kind) {
    case "message":
      return {
        names: [desc.typeName, desc.name, desc.parent?.typeName, desc.file.edition, desc.deprecated, String(desc)],
        fields: desc.fields.map((field) => [
          [field.name, field.localName, field.jsonName, field.number, field.deprecated, String(field)],
          [
            field.fieldKind,
            field.presence,
            field.utf8Validation,
            field.oneof?.name,
            field.scalar,
            field.parent.typeName,
          ],
          [field.message?.typeName, field.enum?.typeName],
          field.fieldKind === "list" ? [field.listKind, field.packed] : [],
          field.fieldKind === "map" ? [field.mapKind, field.mapKey] : [],
          "delimitedEncoding" in field ? (field.delimitedEncoding ?? false) : false,
          "longAsString" in field ? (field.longAsString ?? false) : false,
          field.fieldKind === "list" || field.fieldKind === "map" ? undefined : field.getDefaultValue(),
        ]),
        byName: Object.entries(desc.field).map(([key, field]) => [key, field.number]),
        oneofs: desc.oneofs.map((oneof) => [oneof.name, oneof.localName, oneof.fields.map((field) => field.name)]),
        members: desc.members.map((member) => [member.kind, member.localName]),
        nested: [typeNames(desc.nestedMessages), typeNames(desc.nestedEnums), desc.nestedExtensions.length],
      };
    case "enum":
      return {
        names: [desc.typeName, desc.name, desc.parent?.typeName, desc.open, desc.sharedPrefix, desc.deprecated],
        values: desc.values.map((value) => [
          value.name,
          value.localName,
          value.number,
          value.jsonName,
          value.deprecated,
        ]),
        byNumber: Object.entries(desc.value).map(([number, value]) => [number, value.name]),
      };
    case "service":
      return [
        desc.typeName,
        desc.methods.map((rpc) => [rpc.name, rpc.localName, rpc.methodKind, rpc.input.typeName, rpc.output.typeName]),
        Object.keys(desc.method),
      ];
    default:
      return desc.kind;
  }
}

test("descriptors read on demand say what the library's say, for every generated type", async () => {
  const registry = await loadTypeRegistry();
  let compared = 0;
  for (const file of libraryFiles()) {
    for (const desc of nestedTypes(file)) {
      const ours = registry.get(desc.typeName);
      if (ours === undefined) throw new Error(`${desc.typeName} is not found`);
      expect(facts(ours)).toEqual(facts(desc));
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(700);
  expect(typeNames([...registry]).filter((name) => name.startsWith("envoy."))).toHaveLength(
    libraryFiles()
      .flatMap((file) => [...nestedTypes(file)])
      .filter((desc) => desc.typeName.startsWith("envoy.")).length,
  );
});

test("a message goes through bytes and JSON as with the library's descriptors", async () => {
  const registry = await loadTypeRegistry();
  const library = createRegistry(
    ...libraryFiles(),
    wellKnown.file_google_protobuf_struct,
    wellKnown.file_google_protobuf_wrappers,
  );
  const name = "envoy.config.cluster.v3.Cluster";
  const both = [registry, library].map((one) => {
    const schema: DescMessage | undefined = one.getMessage(name);
    if (schema === undefined) throw new Error(`${name} is not found`);
    const bytes = toBinary(schema, fromJson(schema, EXAMPLE, { registry: one }));
    const message = fromBinary(schema, bytes);
    return { json: toJson(schema, message, { registry: one, useProtoFieldName: true }), bytes: [...bytes] };
  });
  expect(both[0]).toEqual(both[1]);
  expect(both[0]?.json).toEqual(EXAMPLE);
});

/** Scalars, enumerations, wrappers, oneofs, lists, maps, Any and Struct. */
const EXAMPLE = {
  name: "outbound|80||a.b.svc",
  type: "EDS",
  connect_timeout: "5s",
  per_connection_buffer_limit_bytes: 32768,
  lb_policy: "RING_HASH",
  ring_hash_lb_config: { minimum_ring_size: "1024" },
  load_assignment: {
    cluster_name: "a",
    endpoints: [
      {
        lb_endpoints: [{ endpoint: { address: { socket_address: { address: "10.0.0.1", port_value: 80 } } } }],
        priority: 1,
      },
    ],
  },
  circuit_breakers: { thresholds: [{ priority: "HIGH", max_connections: 0 }] },
  transport_socket: {
    name: "tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      common_tls_context: { alpn_protocols: ["istio", "h2"] },
      sni: "s",
    },
  },
  metadata: { filter_metadata: { istio: { a: [1, "x", null, { b: true }] } } },
};
