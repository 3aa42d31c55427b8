interface Resettable {
  reset(): void;
}

function isResettable(value: object): value is Resettable {
  return "reset" in value && typeof value.reset === "function";
}

/** Sets counts back to zero, all but the gauges among them. `counters`: an object of numbers, lists of numbers, maps and histograms. */
export function resetCounters(counters: object, gauges: ReadonlySet<string>): void {
  for (const [key, value] of Object.entries(counters)) {
    if (gauges.has(key)) continue;
    if (typeof value === "number") Reflect.set(counters, key, 0);
    else if (Array.isArray(value)) value.fill(0);
    else if (value instanceof Map) for (const name of value.keys()) value.set(name, 0);
    else if (typeof value === "object" && value !== null && isResettable(value)) value.reset();
  }
}
