import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import type { ObjectRef } from "@heddle/config";
import type { MeshService } from "@heddle/model";
import type { MetadataSchema } from "@heddle/xds-api/envoy/config/core/v3/base";

type MetadataInit = MessageInitShape<typeof MetadataSchema>;

function refJson(ref: ObjectRef): JsonObject {
  return { group: ref.group, kind: ref.kind, namespace: ref.namespace, name: ref.name };
}

/** Says which objects a generated resource comes from (design.md D9). */
export function provenance(sources: readonly ObjectRef[]): MetadataInit {
  return { filterMetadata: { heddle: { sources: sources.map(refJson) } } };
}

/** Provenance of a cluster, with Istio's list of services, from which the standard metrics take `destination_service*`. */
export function serviceMetadata(service: MeshService, more: readonly ObjectRef[] = []): MetadataInit {
  return {
    filterMetadata: {
      heddle: { sources: [service.source, ...more].map(refJson) },
      istio: { services: [{ host: service.hostname, name: service.name, namespace: service.namespace }] },
    },
  };
}
