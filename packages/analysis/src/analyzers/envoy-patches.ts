import type { ConfigPatch, EnvoyFilter } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { type Finding, finding } from "../finding.ts";

/** Patches whose place depends on what other filters do, or that can have no effect. */
export const envoyPatches: Analyzer = {
  name: "envoyfilter.EnvoyPatch",
  about: "EnvoyFilters do not depend on the order of filters, and their operations can have effect",
  codes: ["IST0151", "IST0153", "IST0154", "IST0155"],
  analyze: ({ state }) =>
    [...state.objects.envoyFilters.values()].flatMap((filter) => {
      // Several filters, or a priority, are what makes the order matter.
      const relative = filter.spec.priority === 0;
      return filter.spec.configPatches.flatMap((patch, index) => ofPatch(filter, patch, index, relative));
    }),
};

const filters = new Set(["NETWORK_FILTER", "HTTP_FILTER", "LISTENER_FILTER"]);

function ofPatch(
  { ref }: EnvoyFilter,
  { applyTo, match, patch }: ConfigPatch,
  index: number,
  relative: boolean,
): readonly Finding[] {
  const { operation } = patch;
  const path = `spec.configPatches[${index}].patch.operation`;
  const found: Finding[] = [];
  if (
    relative &&
    (operation === "INSERT_BEFORE" ||
      operation === "INSERT_AFTER" ||
      (operation === "REPLACE" && filters.has(applyTo)) ||
      (operation === "MERGE" && filters.has(applyTo) && match.listener?.filterChain?.filter === undefined))
  ) {
    found.push(
      finding(
        "IST0151",
        ref,
        path,
        `This EnvoyFilter does not have a priority and has a relative patch operation (${operation}) set which can cause the EnvoyFilter not to be applied. Using the INSERT_FIRST or ADD option or setting the priority may help in ensuring the EnvoyFilter is applied correctly.`,
      ),
    );
    if (match.proxy?.proxyVersion !== undefined)
      found.push(
        finding(
          "IST0155",
          ref,
          path,
          `This EnvoyFilter does not have a priority and has a relative patch operation (${operation}) with proxyVersion set: after an upgrade it may land elsewhere or nowhere. Set a priority`,
        ),
      );
  }
  if (
    operation === "ADD" &&
    ["ROUTE_CONFIGURATION", "HTTP_ROUTE"].includes(applyTo) &&
    match.routeConfiguration?.vhost?.route !== undefined
  )
    found.push(
      finding(
        "IST0153",
        ref,
        path,
        `The ADD operation will be ignored: it puts a new route beside those that match.routeConfiguration.vhost.route picks. Use INSERT_BEFORE or INSERT_AFTER`,
      ),
    );
  if (operation === "REMOVE" && patch.value !== undefined)
    found.push(
      finding(
        "IST0154",
        ref,
        path,
        `The REMOVE operation ignores patch.value; what to remove is said by match. Remove the value`,
      ),
    );
  return found;
}
