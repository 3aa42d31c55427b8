const SUFFIXES: Readonly<Record<string, number>> = {
  "": 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number that a resource quantity such as `100m` or `64Mi` means. Errors: undefined for other text. */
export function parseQuantity(quantity: string): number | undefined {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i))?$/.exec(quantity);
  if (!match) return undefined;
  const [, digits = "", exponent = "", suffix = ""] = match;
  return Number(`${digits}${exponent}`) * (SUFFIXES[suffix] ?? 1);
}

/** What the downward API shows of a resource: rounded up in units of `divisor`. Errors: undefined when either is no quantity. */
export function divideQuantity(quantity: string, divisor: string): string | undefined {
  const amount = parseQuantity(quantity);
  const unit = parseQuantity(divisor === "0" ? "1" : divisor);
  if (amount === undefined || !unit) return undefined;
  // A tiny excess comes from binary fractions: 0.1 / 0.001 is a little more than 100.
  return String(Math.ceil(Number((amount / unit).toPrecision(15))));
}
