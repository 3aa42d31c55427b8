/** A domain whose names are asked elsewhere, as users write it. */
export interface StubZone {
  /** Lower case, no dot at the end. */
  readonly domain: string;
  readonly servers: readonly StubServer[];
}

export interface StubServer {
  readonly ip: string;
  readonly port: number;
}

export interface StubZones {
  readonly zones: readonly StubZone[];
  /** What could not be used, as sentences. */
  readonly problems: readonly string[];
}

const DNS_PORT = 53;
const IPV4 = /^(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?$/;

/**
 * The stub domains of the two stock set-ups: ConfigMap `kube-dns`, key `stubDomains` (JSON: domain → addresses), and ConfigMap `coredns`, key
 * `Corefile` (server blocks with `forward . <address>`). Pure. Source: kube-dns' and CoreDNS' documentation.
 */
export function readStubZones(stubDomains: string | undefined, corefile: string | undefined): StubZones {
  const problems: string[] = [];
  const zones = [
    ...(stubDomains === undefined ? [] : fromKubeDns(stubDomains, problems)),
    ...(corefile === undefined ? [] : fromCorefile(corefile, problems)),
  ];
  return { zones, problems };
}

function fromKubeDns(text: string, problems: string[]): readonly StubZone[] {
  const where = "ConfigMap kube-system/kube-dns, stubDomains";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    problems.push(`${where}: is no JSON (${error instanceof Error ? error.message : error})`);
    return [];
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    problems.push(`${where}: expected {"domain": ["address"]}`);
    return [];
  }
  return Object.entries(value).flatMap(([domain, addresses]) => {
    if (!Array.isArray(addresses)) {
      problems.push(`${where}: "${domain}" needs a list of addresses`);
      return [];
    }
    return zoneOf(domain, addresses.map(String), where, problems);
  });
}

/** Server blocks: `zone[:port] … { directive arguments … }`. The root zone is the cluster's own business. */
function fromCorefile(text: string, problems: string[]): readonly StubZone[] {
  const where = "ConfigMap kube-system/coredns, Corefile";
  const lines = text.split("\n").map((line) => line.replace(/#.*$/, "").trim());
  const zones: StubZone[] = [];
  let depth = 0;
  let names: readonly string[] = [];
  for (const line of lines) {
    if (line === "") continue;
    const words = line.split(/[\s,]+/);
    if (depth === 0) names = words.filter((word) => word !== "{").map(zoneName);
    else if (depth === 1 && (words[0] === "forward" || words[0] === "proxy")) {
      const servers = words.slice(2).filter((word) => word !== "{");
      for (const name of names.filter((one) => one !== "")) zones.push(...zoneOf(name, servers, where, problems));
    }
    depth += (line.match(/\{/g) ?? []).length - (line.match(/\}/g) ?? []).length;
  }
  if (depth !== 0) problems.push(`${where}: a bracket is missing`);
  return zones;
}

function zoneName(word: string): string {
  return word
    .replace(/^[a-z]+:\/\//, "")
    .replace(/:\d+$/, "")
    .replace(/\.$/, "")
    .toLowerCase();
}

function zoneOf(domain: string, servers: readonly string[], where: string, problems: string[]): readonly StubZone[] {
  const name = domain.toLowerCase().replace(/\.$/, "");
  const found = servers.flatMap((text): StubServer[] => {
    const [, ip, port] = IPV4.exec(text.replace(/^dns:\/\//, "")) ?? [];
    if (ip === undefined) {
      problems.push(`${where}: "${text}" of ${name} is no address such as 10.140.1.2`);
      return [];
    }
    return [{ ip, port: port === undefined ? DNS_PORT : Number(port) }];
  });
  return name === "" || found.length === 0 ? [] : [{ domain: name, servers: found }];
}
