/** Labels that many series have in common, each text once in memory. */
export interface LabelSets {
  /** A copy without `le` that holds on to nothing of the scrape that the labels were read from. */
  keep(labels: ReadonlyMap<string, string>): ReadonlyMap<string, string>;
  /** Forgets which texts are known already. */
  clear(): void;
}

export function createLabelSets(): LabelSets {
  const known = new Map<string, string>();
  // A piece of a text keeps all of it alive, here a whole scrape of maybe a megabyte: only copies are kept.
  const kept = (text: string): string => {
    let own = known.get(text);
    if (own === undefined) {
      own = Buffer.from(text).toString();
      known.set(own, own);
    }
    return own;
  };
  return {
    keep: (labels) => {
      const copy = new Map<string, string>();
      for (const [name, value] of labels) if (name !== "le") copy.set(kept(name), kept(value));
      return copy;
    },
    clear: () => known.clear(),
  };
}

/** Upper bound of a histogram's bucket by its label; NaN for what is none. */
export function bucketBound(labels: ReadonlyMap<string, string>): number {
  const le = labels.get("le");
  return le === undefined ? Number.NaN : Number(le.replace("+Inf", "Infinity"));
}
