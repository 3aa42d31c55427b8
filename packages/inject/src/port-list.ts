/** Checks of the lists that annotations hold; each returns the reason when the text is wrong. */

export function checkPorts(text: string): string | undefined {
  if (text === "" || text === "*") return undefined;
  for (const entry of text.split(",")) {
    const match = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(entry);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    if (match === null || from < 1 || to > 65535 || from > to) {
      return `has to be ports separated by commas, such as 80,8000-8010; "${entry.trim()}" is not a port`;
    }
  }
  return undefined;
}

export function checkCidrs(text: string): string | undefined {
  if (text === "" || text === "*") return undefined;
  for (const entry of text.split(",").map((part) => part.trim())) {
    const [address = "", bits] = entry.split("/");
    const v4 = /^\d{1,3}(\.\d{1,3}){3}$/.test(address) && address.split(".").every((octet) => Number(octet) < 256);
    const v6 = address.includes(":") && /^[0-9a-fA-F:.]+$/.test(address);
    const size = bits === undefined ? 0 : /^\d+$/.test(bits) ? Number(bits) : Number.NaN;
    if ((!v4 && !v6) || Number.isNaN(size) || size > (v4 ? 32 : 128)) {
      return `has to be CIDR ranges separated by commas, such as 10.0.0.0/8; "${entry}" is not one`;
    }
  }
  return undefined;
}

/** A Kubernetes resource quantity. */
export function isQuantity(text: string): boolean {
  return /^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.test(text);
}
