/** A configured prefix in names of statistics, with its dot; "" stays. Source: Envoy `Filters::Common::RBAC::generateStats`. */
export function statPrefix(configured: string): string {
  return configured === "" || configured.endsWith(".") ? configured : `${configured}.`;
}
