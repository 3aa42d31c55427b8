import { resolveHost } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

/** A ServiceProfile is for a Service, stands where it is looked for, and nothing is put before it. */
export const serviceProfiles: Analyzer = {
  name: "serviceprofile.Service",
  about: "every ServiceProfile is named after a Service in full, leads to Services, and no VirtualService hides it",
  codes: ["IST0101", "IST0130"],
  analyze: (input) => {
    const { objects, settings } = input.state;
    const rules = [...objects.virtualServices.values()];
    return [...objects.serviceProfiles.values()].flatMap((profile) => {
      const { name, namespace } = profile.ref;
      const target = input.serviceOf(name);
      if (target === undefined)
        return [
          finding(
            "IST0101",
            profile.ref,
            "metadata.name",
            `"${name}" is no Service's full name, so that the profile has no effect; expected SERVICE.NAMESPACE.svc.${settings.domain}`,
          ),
        ];
      const lost = profile.spec.dstOverrides.flatMap(({ authority }, i) => {
        const host = authority.replace(/\.?(:\d+)?$/, "");
        if (input.serviceOf(host) !== undefined) return [];
        const reason = `Referenced host not found: "${host}"; requests would be answered 503. Give a Service's full name`;
        return [finding("IST0101", profile.ref, `spec.dstOverrides[${i}].authority`, reason)];
      });
      const hiding = rules.find(
        ({ ref, spec }) =>
          spec.http.length > 0 && spec.hosts.some((host) => resolveHost(host, ref.namespace, settings.domain) === name),
      );
      if (hiding === undefined) return lost;
      const reason = `VirtualService ${hiding.ref.namespace}/${hiding.ref.name} routes the same host and comes first, so that the profile ${namespace}/${name} names no route; keep one of the two`;
      return [...lost, finding("IST0130", profile.ref, "spec.routes", reason)];
    });
  },
};
