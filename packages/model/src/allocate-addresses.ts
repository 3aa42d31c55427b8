import type { EntryStatus, HostAddress, ServiceEntry } from "@heddle/config";
import { addressSet } from "@heddle/std";

/** Addresses for hosts that have none of their own, so that clients can dial them. */
export interface AddressAllocation {
  /** By `namespace/name` of the ServiceEntry, in the order of its hosts: what its `status.addresses` has to say. */
  readonly addresses: ReadonlyMap<string, readonly HostAddress[]>;
  /** By `namespace/name`: a sentence for the operator. */
  readonly conflicts: ReadonlyMap<string, string>;
}

/** Label that keeps a ServiceEntry out. Source: istio api label `networking.istio.io/enable-autoallocate-ip`. */
const ENABLE = "networking.istio.io/enable-autoallocate-ip";
/** Addresses of one range; 0 and 65535 look like a network and a broadcast address and are not given away. */
const SLOTS = 65_534;

/**
 * Where addresses come from: names of other clusters (`name.namespace.global`) have the range that replicated control planes use,
 * everything else Istio's. Source: istio pilot/pkg/controllers/ipallocate; istio.io "gateway-connected clusters".
 */
const ranges = {
  global: { v4: "240.0", v6: "2001:2:0:1::" },
  other: { v4: "240.240", v6: "2001:2::" },
} as const;

function pairOf(host: string, slot: number): readonly [string, string] {
  const { v4, v6 } = host.endsWith(".global") ? ranges.global : ranges.other;
  return [`${v4}.${slot >> 8}.${slot & 255}`, `${v6}${slot.toString(16)}`];
}

/** Hosts that DNS can answer for and whose destination the mesh chooses. */
function hostsToServe(entry: ServiceEntry): readonly string[] {
  const { spec, meta } = entry;
  if (spec.addresses.length > 0 || meta.labels[ENABLE] === "false") return [];
  if (spec.resolution === "NONE") return [];
  return spec.hosts.filter((host) => !host.includes("*") && !/^[\d.]+$/.test(host) && !host.includes(":"));
}

/**
 * Gives each host an address: the one on record while nobody else claims it, else one that follows from its name, so that every replica
 * and every restart comes to the same. What users chose is never given away.
 * @param entries Oldest first: the older keeps its address.
 * @param recorded Statuses by `namespace/name`.
 */
export function allocateAddresses(
  entries: readonly ServiceEntry[],
  recorded: ReadonlyMap<string, EntryStatus>,
): AddressAllocation {
  const chosen = addressSet(entries.flatMap(({ spec }) => spec.addresses));
  const conflicts = new Map(chosenTwice(entries));
  const taken = new Set<string>();
  const given = new Map<string, string>();
  const free = (pair: readonly string[]) => pair.every((address) => !taken.has(address) && !chosen.has(address));
  const give = (key: string, pair: readonly [string, string]) => {
    for (const address of pair) taken.add(address);
    given.set(key, pair[0]);
  };
  const wanted = entries.flatMap((entry) => {
    const key = `${entry.ref.namespace}/${entry.ref.name}`;
    return [...new Set(hostsToServe(entry))].map((host) => ({ entry: key, host, key: `${key}/${host}` }));
  });
  for (const { entry, host, key } of wanted) {
    const kept = recorded
      .get(entry)
      ?.addresses.find((address) => address.host === host && slotOf(host, address.value) > 0);
    if (kept === undefined) continue;
    const pair = pairOf(host, slotOf(host, kept.value));
    if (free(pair)) give(key, pair);
  }
  for (const { entry, host, key } of wanted) {
    if (given.has(key)) continue;
    const start = hashOf(key) % SLOTS;
    for (let step = 0; step < SLOTS && !given.has(key); step++) {
      const pair = pairOf(host, 1 + ((start + step) % SLOTS));
      if (free(pair)) give(key, pair);
    }
    if (!given.has(key))
      conflicts.set(
        entry,
        `no address is left for ${host}: give it one in spec.addresses, or switch allocation off with the label ${ENABLE}: "false"`,
      );
  }
  const addresses = new Map<string, HostAddress[]>();
  for (const { entry, host, key } of wanted) {
    const first = given.get(key);
    if (first === undefined) continue;
    const list = addresses.get(entry) ?? [];
    for (const value of pairOf(host, slotOf(host, first))) list.push({ host, value });
    addresses.set(entry, list);
  }
  return { addresses, conflicts };
}

/** The slot of an IPv4 address in the host's range; 0 when it is none of it. */
function slotOf(host: string, address: string): number {
  const [a = "", b = "", c = "", d = "", ...rest] = address.split(".");
  const { v4 } = host.endsWith(".global") ? ranges.global : ranges.other;
  const slot = Number(c) * 256 + Number(d);
  const fine = rest.length === 0 && `${a}.${b}` === v4 && c !== "" && d !== "" && Number(c) < 256 && Number(d) < 256;
  return fine && slot <= SLOTS ? slot : 0;
}

/** Two entries with one address and port: connections that name no host can't be told apart. */
function* chosenTwice(entries: readonly ServiceEntry[]): Generator<readonly [string, string]> {
  const holders = new Map<string, ServiceEntry>();
  for (const entry of entries) {
    const key = `${entry.ref.namespace}/${entry.ref.name}`;
    for (const address of entry.spec.addresses) {
      for (const port of entry.spec.ports) {
        const place = `${address.replace(/\/32$/, "")} ${port.number}`;
        const holder = holders.get(place);
        if (holder === undefined) holders.set(place, entry);
        else if (!holder.spec.hosts.some((host) => entry.spec.hosts.includes(host))) {
          const other = `${holder.ref.namespace}/${holder.ref.name}`;
          yield [
            key,
            `address ${address} with port ${port.number} belongs to ServiceEntry ${other} (hosts ${holder.spec.hosts.join(", ")}) already, which is older and gets what names no host; choose another address, or leave addresses out to be given one`,
          ];
        }
      }
    }
  }
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
