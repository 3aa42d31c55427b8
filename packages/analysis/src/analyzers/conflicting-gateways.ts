import type { Gateway } from "@heddle/config";
import { hostMatches, isFromIngress } from "@heddle/model";
import type { Analyzer } from "../analyzer.ts";
import { finding } from "../finding.ts";
import type { AnalysisInput } from "../input.ts";

/** Two Gateways that want one host on one port of the same pods. */
export const conflictingGateways: Analyzer = {
  name: "gateway.ConflictingGateway",
  about: "no two Gateways of the same pods have one host on one port",
  codes: ["IST0145"],
  analyze: (input) => {
    // Those of Ingresses share ports 80 and 443 by nature: their routes are put together.
    const gateways = [...input.state.objects.gateways.values()].filter(({ ref }) => !isFromIngress(ref.name));
    return gateways.flatMap((gateway) =>
      gateway.spec.servers.flatMap((server, index) => {
        const others = gateways.filter((other) => other !== gateway && samePods(gateway, other, input));
        const rivals = others.filter((other) =>
          other.spec.servers.some(
            (one) =>
              one.port.number === server.port.number &&
              (one.bind ?? "") === (server.bind ?? "") &&
              one.hosts.some((a) => server.hosts.some((b) => sameHost(a, b))),
          ),
        );
        return rivals.length === 0
          ? []
          : [
              finding(
                "IST0145",
                gateway.ref,
                `spec.servers[${index}]`,
                `Conflict with gateways ${rivals
                  .map(({ ref }) => `${ref.namespace}/${ref.name}`)
                  .sort()
                  .join(
                    ",",
                  )} (workload selector ${selectorText(gateway)}, port ${server.port.number}, hosts ${server.hosts.join(",")}): the oldest counts. Merge them, or give each its own hosts`,
              ),
            ];
      }),
    );
  },
};

function selectorText(gateway: Gateway): string {
  return Object.entries(gateway.spec.selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

function samePods(a: Gateway, b: Gateway, input: AnalysisInput): boolean {
  const pods = input.selected(undefined, a.spec.selector);
  if (pods.length === 0) return selectorText(a) === selectorText(b);
  const other = new Set(input.selected(undefined, b.spec.selector));
  return pods.some((pod) => other.has(pod));
}

/** Hosts of other namespaces do not meet; a wildcard beside a narrower name is the usual way to have a default. */
function sameHost(a: string, b: string): boolean {
  const [left, right] = [split(a), split(b)];
  return (
    (left.namespace === right.namespace || left.namespace === "*" || right.namespace === "*") &&
    left.name === right.name &&
    hostMatches(left.name, right.name)
  );
}

function split(host: string): { readonly namespace: string; readonly name: string } {
  const slash = host.indexOf("/");
  return { namespace: slash < 0 ? "*" : host.slice(0, slash), name: host.slice(slash + 1) };
}
