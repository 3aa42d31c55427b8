import { expect, test } from "bun:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { ClusterSchema } from "./gen/envoy/config/cluster/v3/cluster_pb.js";
import { ListenerSchema } from "./gen/envoy/config/listener/v3/listener_pb.js";
import { UpstreamTlsContextSchema } from "./gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { NameTableSchema } from "./gen/istio/networking/nds/v1/nds_pb.js";
import { IstioCertificateRequestSchema } from "./gen/istio/v1/auth/ca_pb.js";
import {
  loadTypeRegistry,
  packAny,
  packTypedStruct,
  toDumpJson,
  typeUrlOf,
  typeUrls,
  unpackAny,
  unpackTypedStruct,
} from "./index.ts";

test("an Any comes back only as the type that it holds", () => {
  const any = packAny(ClusterSchema, create(ClusterSchema, { name: "outbound|80||a.b.svc" }));
  expect(any.typeUrl).toBe(typeUrls.cluster);
  expect(unpackAny(any, ListenerSchema)).toBeUndefined();
  expect(unpackAny(any, ClusterSchema)?.name).toBe("outbound|80||a.b.svc");
});

test("bytes that are no message throw instead of giving half a message", () => {
  const any = packAny(ClusterSchema, create(ClusterSchema, { name: "x" }));
  any.value = new Uint8Array([0x0a, 0xff, 0x01]);
  expect(() => unpackAny(any, ClusterSchema)).toThrow();
});

test("a TypedStruct keeps its inner type and value", () => {
  const any = packTypedStruct("type.googleapis.com/stats.PluginConfig", { debug: true, tags: ["a"] });
  expect(unpackTypedStruct(any)).toEqual({
    typeUrl: "type.googleapis.com/stats.PluginConfig",
    value: { debug: true, tags: ["a"] },
  });
  expect(unpackTypedStruct(packAny(ClusterSchema, create(ClusterSchema)))).toBeUndefined();
});

test("a dump prints nested Anys with Envoy's field names", async () => {
  const cluster = create(ClusterSchema, {
    name: "a",
    transportSocket: {
      name: "tls",
      configType: {
        case: "typedConfig",
        value: packAny(UpstreamTlsContextSchema, create(UpstreamTlsContextSchema, { sni: "s" })),
      },
    },
  });
  expect(toDumpJson(ClusterSchema, cluster, await loadTypeRegistry())).toEqual({
    name: "a",
    transport_socket: { name: "tls", typed_config: { "@type": typeUrlOf(UpstreamTlsContextSchema), sni: "s" } },
  });
});

test("hand-written messages have Istio's field numbers", () => {
  const request = toBinary(
    IstioCertificateRequestSchema,
    create(IstioCertificateRequestSchema, { csr: "c", validityDuration: 1n }),
  );
  expect([...request]).toEqual([0x0a, 1, 99, 0x18, 1]);
  expect(NameTableSchema.typeName).toBe("istio.networking.nds.v1.NameTable");
});
