import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";

const byName = new Set(["http", "http2", "grpc", "grpc-web", "https", "tls"]);

/** TCP without an address takes the whole port. */
export const serviceEntryAddresses: Analyzer = {
  name: "serviceentry.ProtocolAddresses",
  about: "a ServiceEntry with a TCP port has addresses, unless names resolve to automatic ones",
  codes: ["IST0134"],
  analyze: ({ state }) => {
    const { proxyMetadata } = state.settings.mesh.defaultConfig;
    // With DNS capture names get addresses of their own.
    if (proxyMetadata["ISTIO_META_DNS_CAPTURE"] === "true") return [];
    return [...state.objects.serviceEntries.values()].flatMap(({ ref, spec }) =>
      spec.addresses.length > 0
        ? []
        : spec.ports.flatMap((port, index) => {
            const protocol = (port.protocol || (port.name.split("-")[0] ?? "")).toLowerCase();
            return byName.has(protocol)
              ? []
              : [
                  finding(
                    "IST0134",
                    ref,
                    `spec.ports[${index}]`,
                    `ServiceEntry addresses are required for this protocol (${port.protocol || "none given, so TCP"}): without one it takes all traffic to port ${port.number} that nothing else claims. Give addresses, or let the sidecar resolve names (proxyMetadata ISTIO_META_DNS_CAPTURE)`,
                  ),
                ];
          }),
    );
  },
};
