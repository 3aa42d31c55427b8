import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import type { ObjectRef } from "@heddle/config";
import type { MeshService, WrittenAt } from "@heddle/model";
import type { MetadataSchema } from "@heddle/xds-api/envoy/config/core/v3/base";

type MetadataInit = MessageInitShape<typeof MetadataSchema>;

function refJson(ref: ObjectRef): JsonObject {
  return { group: ref.group, kind: ref.kind, namespace: ref.namespace, name: ref.name };
}

/** Which field decided what, by a word for the decision: `route`, `mtls`, `loadBalancer` … */
export type Decisions = Readonly<Record<string, WrittenAt | undefined>>;

function origin(sources: readonly ObjectRef[], decided: Decisions): JsonObject {
  const known = Object.entries(decided).flatMap(([what, at]) =>
    at === undefined ? [] : [[what, { ...refJson(at.source), path: at.path }] as const],
  );
  return {
    sources: sources.map(refJson),
    ...(known.length > 0 ? { decided: Object.fromEntries(known) } : {}),
  };
}

/** Says which objects a generated resource comes from (design.md D9), and which of their fields decided. */
export function provenance(sources: readonly ObjectRef[], decided: Decisions = {}): MetadataInit {
  return { filterMetadata: { heddle: origin(sources, decided) } };
}

/** Provenance of a cluster, with Istio's list of services, from which the standard metrics take `destination_service*`. */
export function serviceMetadata(
  service: MeshService,
  more: readonly ObjectRef[] = [],
  decided: Decisions = {},
): MetadataInit {
  return {
    filterMetadata: {
      heddle: origin([service.source, ...more], decided),
      istio: { services: [{ host: service.hostname, name: service.name, namespace: service.namespace }] },
    },
  };
}
