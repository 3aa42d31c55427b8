import { parseGoDuration } from "@heddle/std";
import { describe, leaf, type Schema } from "./schema.ts";

/** Text. An empty string is a value. */
export function string(): Schema<string, false> {
  return leaf("string", { type: "string" }, (value, path, sink) => {
    if (typeof value === "string") return value;
    sink.error(path, `expected a string, got ${describe(value)}; quote it if it is meant as text`);
    return undefined;
  });
}

export function boolean(): Schema<boolean, false> {
  return leaf("bool", { type: "boolean" }, (value, path, sink) => {
    if (typeof value === "boolean") return value;
    const hint = value === "true" || value === "false" ? "; remove the quotes" : "";
    sink.error(path, `expected true or false, got ${describe(value)}${hint}`);
    return undefined;
  });
}

/** A whole number in `[min, max]`. */
export function int(min = -2147483648, max = 2147483647): Schema<number, false> {
  const bounds = { ...(min > -2147483648 ? { minimum: min } : {}), ...(max < 2147483647 ? { maximum: max } : {}) };
  return leaf(min >= 0 ? "uint32" : "int32", { type: "integer", ...bounds }, (value, path, sink) => {
    if (typeof value !== "number" || !Number.isInteger(value)) {
      sink.error(path, `expected a whole number, got ${describe(value)}`);
      return undefined;
    }
    if (value < min || value > max) {
      const range = value < min && max === 2147483647 ? `${min} or more` : `between ${min} and ${max}`;
      sink.error(path, `must be ${range}, is ${value}`);
      return undefined;
    }
    return value;
  });
}

export function uint32(): Schema<number, false> {
  return int(0, 4294967295);
}

/** A TCP port. */
export function port(): Schema<number, false> {
  return int(1, 65535);
}

export function double(min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): Schema<number, false> {
  return leaf("double", { type: "number", format: "double" }, (value, path, sink) => {
    if (typeof value !== "number" || !Number.isFinite(value)) {
      sink.error(path, `expected a number, got ${describe(value)}`);
      return undefined;
    }
    if (value < min || value > max) {
      sink.error(path, `must be between ${min} and ${max}, is ${value}`);
      return undefined;
    }
    return value;
  });
}

/** One of a list of names. */
export function oneOf<const N extends readonly string[]>(...names: N): Schema<N[number], false> {
  return leaf(names.join("|"), { type: "string", enum: [...names] }, (value, path, sink) => {
    const found = names.find((name) => name === value);
    if (found === undefined) sink.error(path, `expected one of ${names.join(", ")}, got ${describe(value)}`);
    return found;
  });
}

/** One of the names; the API has `refused` too, each with the reason why it can't be taken. */
export function oneOfBut<const N extends readonly string[]>(
  names: N,
  refused: Readonly<Record<string, string>>,
): Schema<N[number], false> {
  const known = oneOf(...names, ...Object.keys(refused));
  const taken = oneOf(...names);
  const remark = Object.entries(refused).map(([name, reason]) => `${name} is refused: ${reason}`);
  return {
    ...taken,
    label: known.label,
    openApi: known.openApi,
    remark: remark.join("; "),
    read(value, path, sink) {
      const reason = typeof value === "string" && Object.hasOwn(refused, value) ? refused[value] : undefined;
      if (reason === undefined) return taken.read(value, path, sink);
      sink.error(path, `${value} is not available: ${reason}`);
      return undefined;
    },
  };
}

/** What Envoy's durations and the kernel's timers can hold, about a hundred years. Units: ms. */
const LONGEST_MS = 3_153_600_000_000;

/** A duration such as `1h30m`, `10s`, `500ms`, up to a hundred years. Units: milliseconds once read. */
export function duration(minMs = 0): Schema<number, false> {
  const openApi = { type: "string" };
  return leaf("Duration", openApi, (value, path, sink) => {
    const read = typeof value === "string" ? parseGoDuration(value) : undefined;
    const ms: number | undefined = read?.ok ? read.value : undefined;
    if (ms === undefined) {
      sink.error(
        path,
        `expected a duration such as 10s or 500ms, got ${describe(value)}; a unit (ms, s, m, h) is needed`,
      );
      return undefined;
    }
    if (ms < minMs) {
      sink.error(path, `must be at least ${minMs}ms, is ${String(value)}`);
      return undefined;
    }
    if (ms > LONGEST_MS) {
      sink.error(path, `must be at most 876000h (a hundred years), is ${String(value)}`);
      return undefined;
    }
    return ms;
  });
}

/** Any JSON; kept as it is. */
export function anyJson(): Schema<unknown, false> {
  return leaf("any", { "x-kubernetes-preserve-unknown-fields": true, type: "object" }, (value) => value);
}
