/** A range of IPv4 addresses as numbers, both ends included. */
interface Range {
  readonly first: number;
  readonly last: number;
}

/** Which addresses are spoken for. */
export interface AddressSet {
  has(address: string): boolean;
}

/** IPv4 as a number; undefined for anything else. */
function ipv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    const byte = /^\d{1,3}$/.test(part) ? Number(part) : 256;
    if (byte > 255) return undefined;
    value = value * 256 + byte;
  }
  return value;
}

/** True when the address lies in the CIDR range, or is that address. */
export function isInRange(address: string, range: string): boolean {
  return addressSet([range]).has(address);
}

/** The set of single addresses and CIDR ranges. IPv6 is compared as text: ranges of it only by their own name. */
export function addressSet(addresses: Iterable<string>): AddressSet {
  const single = new Set<string>();
  const ranges: Range[] = [];
  for (const address of addresses) {
    const [base = "", bits] = address.split("/");
    const from = ipv4(base);
    if (from === undefined || bits === undefined || bits === "32") single.add(base.toLowerCase());
    else {
      const size = 2 ** (32 - Number(bits));
      const first = Math.floor(from / size) * size;
      ranges.push({ first, last: first + size - 1 });
    }
  }
  return {
    has(address) {
      if (single.has(address.toLowerCase())) return true;
      if (ranges.length === 0) return false;
      const value = ipv4(address);
      return value !== undefined && ranges.some(({ first, last }) => value >= first && value <= last);
    },
  };
}
