import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Authorization, MeshSettings } from "@heddle/model";
import { packAny } from "@heddle/xds-api";
import type { FilterSchema } from "@heddle/xds-api/envoy/config/listener/v3/listener_components";
import { RBACSchema } from "@heddle/xds-api/envoy/extensions/filters/network/rbac/v3/rbac";
import { accessRules } from "./rbac.ts";

/** Network filters in front of bytes that are not read as HTTP. */
export function networkAccess(
  policies: readonly Authorization[],
  settings: MeshSettings,
): MessageInitShape<typeof FilterSchema>[] {
  const { deny, allow, custom } = accessRules(policies, settings, false);
  return [custom.deny, deny, allow].flatMap((rules) =>
    rules === undefined
      ? []
      : [
          {
            name: "envoy.filters.network.rbac",
            configType: {
              case: "typedConfig" as const,
              value: packAny(RBACSchema, create(RBACSchema, { rules, statPrefix: "tcp." })),
            },
          },
        ],
  );
}
