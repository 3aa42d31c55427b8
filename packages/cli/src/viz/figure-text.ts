/** Figures in Linkerd's forms; what is not known is `-`. */
function known(value: number | null, show: (n: number) => string): string {
  return value === null ? "-" : show(value);
}

/** Units of `value`: ms. */
export function ms(value: number | null): string {
  return known(value, (n) => `${Math.round(n)}ms`);
}

/** `value`: from 0 to 1. */
export function share(value: number | null): string {
  return known(value, (n) => `${(n * 100).toFixed(2)}%`);
}

/** Units of `value`: requests per second. */
export function rate(value: number | null): string {
  return known(value, (n) => `${n.toFixed(1)}rps`);
}
