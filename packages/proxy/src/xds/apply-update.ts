import type { Logger } from "@heddle/std";
import type { ResourceUpdate } from "@heddle/xds";
import { shortTypeName } from "@heddle/xds-api";
import type { ResourceStore } from "../resources.ts";

/** Puts an update into service, or says why not; either way it is logged. */
export function applyUpdate(
  resources: Pick<ResourceStore, "apply">,
  update: ResourceUpdate,
  log: Logger,
): string | undefined {
  const rejection = resources.apply(
    update.typeUrl,
    update.resources.map((r) => ({ name: r.name, version: r.version, bytes: r.body.value })),
    update.removed,
  );
  const fields = {
    type: shortTypeName(update.typeUrl),
    resources: update.resources.length,
    removed: update.removed.length,
  };
  if (rejection === undefined) log.debug("configuration applied", fields);
  else log.error("configuration refused; what was there before stays in service", { ...fields, reason: rejection });
  return rejection;
}
