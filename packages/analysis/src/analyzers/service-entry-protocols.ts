import type { ObjectRef } from "@heddle/config";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

/** Two ServiceEntries that disagree about what a port of a host speaks. */
export const serviceEntryProtocols: Analyzer = {
  name: "serviceentry.ConflictingProtocol",
  about: "ServiceEntries for one host and port name one protocol",
  codes: ["IST0177"],
  analyze: ({ state }) => {
    const uses = new Map<string, { readonly ref: ObjectRef; readonly index: number; readonly protocol: string }[]>();
    for (const { ref, spec } of state.objects.serviceEntries.values()) {
      for (const host of spec.hosts) {
        spec.ports.forEach((port, index) => {
          const key = `${host}:${port.number}`;
          uses.set(key, [...(uses.get(key) ?? []), { ref, index, protocol: (port.protocol || "TCP").toUpperCase() }]);
        });
      }
    }
    return [...uses].flatMap(([key, list]) =>
      new Set(list.map(({ protocol }) => protocol)).size < 2
        ? []
        : list.map(({ ref, index, protocol }) =>
            finding(
              "IST0177",
              ref,
              `spec.ports[${index}].protocol`,
              `conflicting protocols for ${key}: here ${protocol}, elsewhere ${list
                .filter((other) => other.ref !== ref)
                .map((other) => `${other.protocol} (${other.ref.namespace}/${other.ref.name})`)
                .join(", ")}; the oldest entry counts. Use one protocol`,
            ),
          ),
    );
  },
};
