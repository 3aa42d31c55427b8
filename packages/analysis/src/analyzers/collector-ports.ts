import type { ExtensionProvider } from "@heddle/config";
import { collectorService, isHttp2, wireOf } from "@heddle/model";
import type { Analyzer } from "../analyzer.ts";
import { type Finding, finding } from "../finding.ts";
import type { AnalysisInput } from "../input.ts";

/** Proxies speak HTTP or gRPC to collectors by what the Service's port is declared to be: otherwise nothing arrives, and nobody is told. */
export const collectorPorts: Analyzer = {
  name: "telemetry.CollectorPort",
  about: "the ports of collectors that extensionProviders name are declared as what proxies speak to them",
  codes: ["IST0157"],
  analyze: (input) =>
    input.state.settings.mesh.extensionProviders.flatMap((provider) => {
      const asked = askedCollector(provider);
      return asked === undefined ? [] : ofCollector(provider.name, asked, input);
    }),
};

interface AskedCollector {
  readonly kind: string;
  readonly service: string;
  readonly port: number;
  readonly grpc: boolean;
}

function askedCollector(provider: ExtensionProvider): AskedCollector | undefined {
  const { opentelemetry, zipkin, envoyHttpAls, envoyTcpAls, envoyOtelAls } = provider;
  for (const [kind, log] of Object.entries({ envoyHttpAls, envoyTcpAls, envoyOtelAls }))
    if (log !== undefined) return { kind, service: log.service, port: log.port, grpc: true };
  if (opentelemetry !== undefined) {
    const { service, port, http } = opentelemetry;
    return { kind: "opentelemetry", service, port, grpc: http === undefined };
  }
  return zipkin && { kind: "zipkin", service: zipkin.service, port: zipkin.port, grpc: false };
}

function ofCollector(name: string, asked: AskedCollector, { state }: AnalysisInput): readonly Finding[] {
  const { kind, grpc } = asked;
  const found = collectorService(state, asked.service, asked.port);
  const service = found && state.services.get(found.hostname);
  if (service === undefined) return [];
  const index = service.ports.findIndex(({ number }) => number === asked.port);
  const port = service.ports[index];
  const what = `extensionProvider ${name} (${kind})`;
  if (port === undefined)
    return [
      finding(
        "IST0157",
        service.source,
        "spec.ports",
        `The Service has no port ${asked.port}, which ${what} names: proxies send it nothing. Take one of ${service.ports.map(({ number }) => number).join(", ")} in the MeshConfig, or add the port`,
      ),
    ];
  const wire = wireOf(port.protocol);
  if (grpc ? isHttp2(port.protocol) : wire === "http" || wire === "detect") return [];
  const wanted = grpc ? "grpc" : "http";
  return [
    finding(
      "IST0157",
      service.source,
      `spec.ports[${index}].name`,
      `Port ${port.name} (${port.number}) is declared as ${port.protocol}, but ${what} speaks ${grpc ? "gRPC" : "HTTP"} to it: proxies' reports do not arrive, and nothing says so. Name the port ${wanted}-${port.name.replace(/^(tcp|tls|https?|grpc|udp)-?/, "") || kind.toLowerCase()}, or set appProtocol: ${wanted}`,
    ),
  ];
}
