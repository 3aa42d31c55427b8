import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

/** Namespaces that resources are exported to exist. */
export const exportTo: Analyzer = {
  name: "networking.ExportTo",
  about: "exportTo names namespaces that exist",
  codes: ["IST0101"],
  analyze: (input) => {
    if (!input.knowsNamespaces) return [];
    const { virtualServices, destinationRules, serviceEntries } = input.state.objects;
    return [...virtualServices.values(), ...destinationRules.values(), ...serviceEntries.values()].flatMap(
      ({ ref, spec }) =>
        spec.exportTo.flatMap((target, index) =>
          [".", "*", "~"].includes(target) || input.namespaceOf(target) !== undefined
            ? []
            : [
                finding(
                  "IST0101",
                  ref,
                  `spec.exportTo[${index}]`,
                  `Referenced namespace not found: "${target}"; nobody there sees it`,
                ),
              ],
        ),
    );
  },
};
