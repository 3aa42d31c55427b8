import type { ExtensionProvider } from "@heddle/config";
import { collectorService, wireOf } from "@heddle/model";
import type { Analyzer } from "../analyzer.ts";
import { type Finding, finding } from "../finding.ts";
import type { AnalysisInput } from "../input.ts";

/** Proxies speak HTTP to collectors, which a port that is declared as TCP does not take from them. */
export const collectorPorts: Analyzer = {
  name: "telemetry.CollectorPort",
  about: "the ports of collectors, that extensionProviders name, are ports of HTTP or gRPC",
  codes: ["IST0118", "IST0101"],
  analyze: (input) =>
    input.state.settings.mesh.extensionProviders.flatMap((provider) => {
      const asked = askedService(provider);
      return asked === undefined ? [] : ofCollector(provider.name, asked, input);
    }),
};

interface AskedService {
  readonly field: string;
  readonly service: string;
  readonly port: number;
  readonly grpc: boolean;
}

function askedService(provider: ExtensionProvider): AskedService | undefined {
  const { opentelemetry, zipkin, envoyHttpAls, envoyTcpAls, envoyOtelAls } = provider;
  const grpc = { envoyHttpAls, envoyTcpAls, envoyOtelAls };
  for (const [field, one] of Object.entries(grpc)) if (one !== undefined) return { field, ...one, grpc: true };
  if (opentelemetry !== undefined)
    return { field: "opentelemetry", ...opentelemetry, grpc: opentelemetry.http === undefined };
  return zipkin && { field: "zipkin", ...zipkin, grpc: false };
}
