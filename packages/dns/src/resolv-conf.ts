/** What `/etc/resolv.conf` says. Source: resolv.conf(5). */
export interface ResolvConf {
  readonly nameservers: readonly string[];
  /** Lower case, without a dot at the end. */
  readonly search: readonly string[];
}

/** Never fails: lines that are not understood are left out. Of several `search` or `domain` lines the last counts. */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = [];
  let search: readonly string[] = [];
  for (const line of text.split("\n")) {
    const [word, ...values] = line
      .replace(/[#;].*$/, "")
      .trim()
      .split(/\s+/);
    const [first] = values;
    if (word === "nameserver" && first !== undefined) nameservers.push(first.replace(/%.*$/, ""));
    if (word === "search" || word === "domain") search = values.map((name) => name.toLowerCase().replace(/\.$/, ""));
  }
  return { nameservers, search: search.filter((name) => name !== "") };
}
