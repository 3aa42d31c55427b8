import type { ClusterNetworkPlan, KubeObject } from "../../contract/index.ts";
import { type FieldError, invalid } from "../errors/field-errors.ts";
import { at, child, children, type Draft, isEmpty, list, text } from "../json/json-value.ts";
import type { Store } from "../store/store.ts";

/** Gives services their cluster address and node ports. Changes the draft; errors are clashes. */
export type ServiceAllocator = (draft: Draft, present: KubeObject | undefined) => readonly FieldError[];

function toNumber(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

interface Range {
  readonly first: number;
  readonly size: number;
}

function parseCidr(cidr: string): Range {
  const [base = "0.0.0.0", bits = "16"] = cidr.split("/");
  return { first: toNumber(base), size: 2 ** (32 - Number(bits)) };
}

interface Taken {
  readonly addresses: Set<string>;
  /** `TCP/30080` */
  readonly ports: Set<string>;
}

export function createServiceAllocator(
  store: Store,
  network: Pick<ClusterNetworkPlan, "serviceCidr" | "nodePortRange" | "firstAutomaticNodePort">,
): ServiceAllocator {
  const range = parseCidr(network.serviceCidr);
  const [lowest, highest] = network.nodePortRange;
  /** Like Kubernetes, automatic addresses come from beyond the part that users choose from. */
  const reserved = Math.min(256, Math.max(16, Math.floor(range.size / 16)));
  let nextAddress = reserved;
  let nextPort = network.firstAutomaticNodePort - 1;

  function taken(except: KubeObject | undefined): Taken {
    const addresses = new Set<string>();
    const ports = new Set<string>();
    for (const service of store.collection("/services").list(undefined)) {
      if (service === except) continue;
      addresses.add(text(at(service, "spec", "clusterIP")));
      for (const port of list(at(service, "spec", "ports"))) {
        const number = at(port, "nodePort");
        if (typeof number === "number") ports.add(`${text(at(port, "protocol"))}/${number}`);
      }
    }
    return { addresses, ports };
  }

  function freeAddress(used: Taken): string | undefined {
    for (let tries = 0; tries < range.size; tries++) {
      const address = toAddress(range.first + nextAddress);
      nextAddress = nextAddress + 1 >= range.size - 1 ? 1 : nextAddress + 1;
      if (!used.addresses.has(address)) return address;
    }
    return undefined;
  }

  function allocateAddress(spec: Draft, before: string, used: Taken): FieldError[] {
    let address = text(spec["clusterIP"]);
    if (address === "") address = text(list(spec["clusterIPs"])[0]);
    if (address === "") address = before;
    if (address !== "" && address !== "None" && address !== before) {
      const offset = toNumber(address) - range.first;
      if (offset < 0 || offset >= range.size) {
        return [
          invalid(
            "spec.clusterIPs",
            [address],
            `failed to allocate IP ${address}: the provided network does not match the current range`,
          ),
        ];
      }
      if (used.addresses.has(address)) {
        return [
          invalid("spec.clusterIPs", [address], `failed to allocate IP ${address}: provided IP is already allocated`),
        ];
      }
    }
    if (address === "") {
      const free = freeAddress(used);
      if (free === undefined) return [invalid("spec.clusterIPs", [], "failed to allocate a serviceIP: range is full")];
      address = free;
    }
    spec["clusterIP"] = address;
    spec["clusterIPs"] = [address];
    if (isEmpty(spec["ipFamilies"])) spec["ipFamilies"] = ["IPv4"];
    if (isEmpty(spec["ipFamilyPolicy"])) spec["ipFamilyPolicy"] = "SingleStack";
    return [];
  }

  function allocatePorts(spec: Draft, before: readonly unknown[], used: Taken): FieldError[] {
    const errors: FieldError[] = [];
    children(spec, "ports").forEach((port, index) => {
      const protocol = text(port["protocol"]);
      const kept = before.find((other) => at(other, "port") === port["port"] && at(other, "protocol") === protocol);
      const wanted = port["nodePort"] ?? at(kept, "nodePort");
      if (typeof wanted === "number") {
        const path = `spec.ports[${index}].nodePort`;
        if (wanted < lowest || wanted > highest) {
          errors.push(
            invalid(
              path,
              wanted,
              `provided port is not in the valid range. The range of valid ports is ${lowest}-${highest}`,
            ),
          );
        } else if (used.ports.has(`${protocol}/${wanted}`)) {
          errors.push(invalid(path, wanted, "provided port is already allocated"));
        }
        port["nodePort"] = wanted;
        used.ports.add(`${protocol}/${wanted}`);
        return;
      }
      for (let tries = lowest; tries <= highest; tries++) {
        nextPort = nextPort >= highest ? lowest : nextPort + 1;
        if (used.ports.has(`${protocol}/${nextPort}`)) continue;
        port["nodePort"] = nextPort;
        used.ports.add(`${protocol}/${nextPort}`);
        return;
      }
      errors.push(invalid(`spec.ports[${index}].nodePort`, 0, "failed to allocate a nodePort: range is full"));
    });
    return errors;
  }

  return (draft, present) => {
    const spec = child(draft, "spec");
    const used = taken(present);
    if (spec["type"] === "ExternalName") {
      for (const key of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"])
        delete spec[key];
      return [];
    }
    const errors = allocateAddress(spec, text(at(present, "spec", "clusterIP")), used);
    if (spec["type"] === "NodePort" || spec["type"] === "LoadBalancer") {
      return [...errors, ...allocatePorts(spec, list(at(present, "spec", "ports")), used)];
    }
    for (const port of children(spec, "ports")) delete port["nodePort"];
    delete spec["externalTrafficPolicy"];
    return errors;
  };
}

/** An update without address keeps the present one: `kubectl replace` and apply leave it out. */
export function keepServiceAddress(draft: Draft, present: KubeObject): void {
  const spec = child(draft, "spec");
  const before = text(at(present, "spec", "clusterIP"));
  if (spec["type"] === "ExternalName" || before === "") return;
  if (isEmpty(spec["clusterIP"])) spec["clusterIP"] = before;
  if (isEmpty(spec["clusterIPs"])) spec["clusterIPs"] = [spec["clusterIP"]];
  for (const key of ["ipFamilies", "ipFamilyPolicy"]) {
    if (spec[key] === undefined) spec[key] = at(present, "spec", key);
  }
  if (at(present, "spec", "type") !== "ClusterIP" && spec["type"] === "ClusterIP") {
    // Back to ClusterIP: node ports that were allocated go, ones the user wrote are an error.
    const old = list(at(present, "spec", "ports"));
    for (const port of children(spec, "ports")) {
      if (old.some((other) => at(other, "nodePort") === port["nodePort"])) delete port["nodePort"];
    }
    if (spec["externalTrafficPolicy"] === at(present, "spec", "externalTrafficPolicy"))
      delete spec["externalTrafficPolicy"];
  }
}
