import type { Sidecar, StringMap } from "@heddle/config";
import { protocolNamed, selectProtocol } from "./protocol.ts";
import type { InboundPort } from "./proxy-view.ts";
import type { MeshService } from "./service.ts";
import { sidecarOf } from "./sidecar-scope.ts";
import type { MeshState } from "./state.ts";

/** The ports of a workload: what a Sidecar's `ingress` says, else what Services say; with the Sidecar's limits. */
export function ingressPorts(
  state: MeshState,
  workload: { readonly namespace: string; readonly labels: StringMap },
  ports: readonly InboundPort[],
): InboundPort[] {
  const sidecar = sidecarOf(state, workload);
  const pool = sidecar?.spec.inboundConnectionPool;
  // The application may listen on the loopback only.
  const local = state.settings.mesh.inboundTrafficPolicy.mode === "LOCALHOST";
  const limited = (port: InboundPort): InboundPort => ({
    ...(pool === undefined ? {} : { pool }),
    ...(local ? { endpoint: `127.0.0.1:${port.number}` } : {}),
    ...port,
  });
  if (sidecar === undefined || sidecar.spec.ingress.length === 0) return ports.map(limited);
  return sidecar.spec.ingress.map((listener) => {
    const { number, name, protocol } = listener.port;
    const known = ports.find((port) => port.number === number);
    const spoken =
      protocolNamed(protocol) ?? selectProtocol({ name, number, transport: "TCP", appProtocol: "", opaque: false });
    const servicePort = { name, number: known?.servicePort.number ?? number, target: number, protocol: spoken };
    return limited({
      number,
      servicePort,
      service: known?.service ?? ports[0]?.service ?? nameless(sidecar),
      ...(listener.defaultEndpoint === undefined ? {} : { endpoint: listener.defaultEndpoint }),
      ...(listener.tls === undefined ? {} : { tls: listener.tls }),
      ...(listener.connectionPool === undefined ? {} : { pool: listener.connectionPool }),
    });
  });
}

/** A port that no Service leads to belongs to the Sidecar that opened it. */
function nameless({ ref, meta }: Sidecar): MeshService {
  return {
    hostname: `${ref.name}.${ref.namespace}`,
    name: ref.name,
    namespace: ref.namespace,
    resolution: "endpoints",
    addresses: [],
    autoAddresses: [],
    headless: false,
    dnsTargets: [],
    ports: [],
    labels: {},
    selector: {},
    exportTo: [],
    identities: [],
    preferClose: false,
    external: false,
    source: ref,
    creationTimestamp: meta.creationTimestamp,
  };
}
