import { fromJson, type JsonValue, type Registry, toBinary } from "@bufbuild/protobuf";
import { typeUrls } from "@heddle/xds-api";
import { ClusterSchema, ListenerSchema, RouteConfigurationSchema } from "../../src/config/proto.ts";
import { decodeResource } from "../../src/config/resources.ts";

/** Resources whose verdict can be asked for. */
export type ResourceKind = "cluster" | "listener" | "route";

/** What a NACK would say; "" when the resource is accepted. */
export function verdictOf(registry: Registry, kind: ResourceKind, json: JsonValue): string {
  const bytes =
    kind === "cluster"
      ? toBinary(ClusterSchema, fromJson(ClusterSchema, json, { registry }))
      : kind === "listener"
        ? toBinary(ListenerSchema, fromJson(ListenerSchema, json, { registry }))
        : toBinary(RouteConfigurationSchema, fromJson(RouteConfigurationSchema, json, { registry }));
  const decoded = decodeResource(typeUrls[kind], bytes);
  return decoded.ok ? "" : decoded.error.map((p) => `${p.path}: ${p.reason}`).join("; ");
}
