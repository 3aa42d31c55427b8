/** Numbers as text; a dash where nothing was measured. */
const DASH = "–";

export function percent(share: number | null): string {
  if (share === null) return DASH;
  // Never round a failure away.
  return `${(share === 1 ? 100 : Math.min(share * 100, 99.99)).toFixed(share === 1 ? 0 : 2)} %`;
}

export function rate(rps: number | null): string {
  if (rps === null) return DASH;
  return rps >= 100 ? rps.toFixed(0) : rps.toFixed(rps >= 10 ? 1 : 2);
}

export function millis(ms: number | null): string {
  if (ms === null) return DASH;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

export function bytesRate(n: number): string {
  if (n < 1000) return `${Math.round(n)} B/s`;
  return n < 1e6 ? `${(n / 1000).toFixed(1)} kB/s` : `${(n / 1e6).toFixed(1)} MB/s`;
}

/** `3 d 4 h`, `23 h`, `12 min`. */
export function duration(ms: number | null): string {
  if (ms === null) return DASH;
  if (ms <= 0) return "ended";
  const minutes = Math.floor(ms / 60_000);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 3) return `${days} d`;
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.ceil(ms / 1000)} s`;
}

export function clockTime(ms: number): string {
  return new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

export type Health = "good" | "poor" | "bad" | "idle";

/** Good: at most one failure in a hundred; poor: up to five; bad: more; idle: nothing was asked. */
export function health(success: number | null): Health {
  if (success === null) return "idle";
  return success >= 0.99 ? "good" : success >= 0.95 ? "poor" : "bad";
}

export const HEALTH_SIGN: Readonly<Record<Health, string>> = { good: "✓", poor: "!", bad: "✕", idle: "·" };
