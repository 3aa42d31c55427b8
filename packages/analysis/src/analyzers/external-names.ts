import { protocolNamed } from "@heddle/model";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

/** The protocol of an ExternalName service can't be found out otherwise. */
export const externalNames: Analyzer = {
  name: "service.ExternalName",
  about: "ports of ExternalName Services name their protocol",
  codes: ["IST0150"],
  analyze: ({ state }) =>
    [...state.objects.services.values()].flatMap(({ meta, ports, type }) =>
      type !== "ExternalName"
        ? []
        : ports.flatMap((port, index) =>
            port.appProtocol !== "" || protocolNamed(port.name.split("-")[0] ?? "") !== undefined
              ? []
              : [
                  finding(
                    "IST0150",
                    { group: "", kind: "Service", namespace: meta.namespace, name: meta.name },
                    `spec.ports[${index}].name`,
                    `Port name for ExternalName service is invalid: "${port.name}". Proxy may prevent tcp named ports and unmatched traffic for ports serving TCP protocol from being forwarded correctly. Begin it with tcp-, http- or tls-`,
                  ),
                ],
          ),
    ),
};
