import type { JsonObject, MessageInitShape } from "@bufbuild/protobuf";
import type { ObjectRef } from "@heddle/config";
import type { LeftOut, MeshService, WrittenAt } from "@heddle/model";
import type { MetadataSchema } from "@heddle/xds-api/envoy/config/core/v3/base";

type MetadataInit = MessageInitShape<typeof MetadataSchema>;

function refJson(ref: ObjectRef): JsonObject {
  return { group: ref.group, kind: ref.kind, namespace: ref.namespace, name: ref.name };
}

function placeJson({ source, path }: WrittenAt): JsonObject {
  return { ...refJson(source), path };
}

/** An object, or the part of one, that a resource is made of. */
export type Source = ObjectRef | WrittenAt;

/** Which field decided what, by a word for the decision: `route`, `mtls`, `loadBalancer` … */
export type Decisions = Readonly<Record<string, WrittenAt | undefined>>;

function origin(sources: readonly Source[], decided: Decisions, leftOut: readonly LeftOut[] = []): JsonObject {
  const known = Object.entries(decided).flatMap(([what, at]) =>
    at === undefined ? [] : [[what, placeJson(at)] as const],
  );
  return {
    sources: sources.map((source) => ("source" in source ? placeJson(source) : refJson(source))),
    ...(known.length > 0 ? { decided: Object.fromEntries(known) } : {}),
    ...(leftOut.length > 0 ? { leftOut: leftOut.map((one) => ({ ...placeJson(one), reason: one.reason })) } : {}),
  };
}

/** Says which objects a generated resource comes from (design.md D9), which of their fields decided, and which have no effect. */
export function provenance(
  sources: readonly Source[],
  decided: Decisions = {},
  leftOut: readonly LeftOut[] = [],
): MetadataInit {
  return { filterMetadata: { heddle: origin(sources, decided, leftOut) } };
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
