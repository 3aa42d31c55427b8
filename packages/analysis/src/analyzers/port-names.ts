import { protocolNamed } from "@heddle/model";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import { isSystemNamespace } from "./injection-asked.ts";

/** Ports say by name what they speak; else the first bytes have to. */
export const portNames: Analyzer = {
  name: "service.PortName",
  about: "names of Service ports begin with their protocol, or appProtocol says it",
  codes: ["IST0118"],
  analyze: ({ state }) =>
    [...state.objects.services.values()].flatMap(({ meta, ports, type, selector }) => {
      if (isSystemNamespace(meta.namespace, state.settings.rootNamespace)) return [];
      if (type === "ExternalName" || Object.keys(selector).length === 0) return [];
      return ports.flatMap((port, index) => {
        const prefix = port.name.startsWith("grpc-web") ? "grpc-web" : (port.name.split("-")[0] ?? "");
        if (port.appProtocol !== "" || port.protocol !== "TCP" || protocolNamed(prefix) !== undefined) return [];
        return [
          finding(
            "IST0118",
            { group: "", kind: "Service", namespace: meta.namespace, name: meta.name },
            `spec.ports[${index}].name`,
            `Port name ${port.name} (port: ${port.port}, targetPort: ${port.targetPort}) doesn't follow the naming convention of Istio port: its protocol is guessed from the first bytes, which delays protocols whose server speaks first. Name it http-…, grpc-…, tcp-… or set appProtocol`,
          ),
        ];
      });
    }),
};
