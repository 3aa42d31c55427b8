import { type ObjectRef, refText, resolveHost } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

/** Two VirtualServices for one host in sidecars: only the older counts. */
export const meshGatewayHosts: Analyzer = {
  name: "virtualservice.ConflictingMeshGatewayHosts",
  about: "no two VirtualServices route one host in sidecars",
  codes: ["IST0109"],
  analyze: ({ state }) => {
    const byHost = new Map<string, { readonly ref: ObjectRef; readonly scope: readonly string[] }[]>();
    for (const { ref, spec } of state.objects.virtualServices.values()) {
      if (spec.gateways.length > 0 && !spec.gateways.includes("mesh")) continue;
      const exportTo = spec.exportTo.length > 0 ? spec.exportTo : state.settings.mesh.defaultVirtualServiceExportTo;
      const scope = exportTo.map((target) => (target === "." ? ref.namespace : target));
      for (const name of spec.hosts) {
        const host = resolveHost(name, ref.namespace, state.settings.domain);
        byHost.set(host, [...(byHost.get(host) ?? []), { ref, scope }]);
      }
    }
    return [...byHost].flatMap(([host, users]) =>
      users.flatMap((one) => {
        const others = users.filter((other) => other !== one && overlaps(one.scope, other.scope));
        return others.length === 0
          ? []
          : [
              finding(
                "IST0109",
                one.ref,
                "spec.hosts",
                `The VirtualServices ${[one, ...others]
                  .map(({ ref }) => `${ref.namespace}/${ref.name}`)
                  .sort()
                  .join(
                    ",",
                  )} define the same host ${host} which can lead to unexpected behavior: the oldest counts, the others have no effect. Merge them, or let one delegate to ${refText(others[0]?.ref ?? one.ref)}`,
              ),
            ];
      }),
    );
  },
};

function overlaps(a: readonly string[], b: readonly string[]): boolean {
  return a.some(
    (one) => one !== "~" && (b.includes(one) || b.includes("*") || (one === "*" && b.some((x) => x !== "~"))),
  );
}
