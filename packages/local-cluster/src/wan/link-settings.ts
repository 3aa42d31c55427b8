/** How the way from one cluster to another behaves. */
export interface LinkSettings {
  /** One way. Units: ms. */
  readonly delayMs: number;
  /** Part of the packets that get lost, 0 to 1. */
  readonly loss: number;
  /** Everything gets lost, unanswered, as on a cut line. */
  readonly cut: boolean;
}

/** Everything that leaves one cluster; `to` overrides by the other cluster's name. */
export interface WanSettings {
  readonly all: LinkSettings;
  readonly to: Readonly<Record<string, LinkSettings>>;
}

export const PERFECT_LINK: LinkSettings = { delayMs: 0, loss: 0, cut: false };
export const PERFECT_WAN: WanSettings = { all: PERFECT_LINK, to: {} };

export function linkTo(settings: WanSettings, cluster: string): LinkSettings {
  return settings.to[cluster] ?? settings.all;
}

const MAX_DELAY_MS = 10_000;

/** `40ms`, `1.5s`. Gives ms, or a sentence. Pure. */
export function readDelay(text: string): number | string {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(text) ?? [];
  const ms = Number(number) * (unit === "s" ? 1000 : 1);
  if (number === undefined || ms > MAX_DELAY_MS)
    return `--delay: "${text}" is no time from 0ms to ${MAX_DELAY_MS / 1000}s, such as 40ms`;
  return ms;
}

/** `1%`, `0.5%`. Gives 0 to 1, or a sentence. Pure. */
export function readLoss(text: string): number | string {
  const [, number] = /^(\d+(?:\.\d+)?)%?$/.exec(text) ?? [];
  if (number === undefined || Number(number) > 100) return `--loss: "${text}" is no part of the packets, such as 1%`;
  return Number(number) / 100;
}

/** What a file says; undefined where it says nothing that makes sense. */
export function decodeWanSettings(text: string): WanSettings | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("all" in value) || !("to" in value)) return undefined;
    const all = decodeLink(value.all);
    if (all === undefined || typeof value.to !== "object" || value.to === null) return undefined;
    const to = Object.entries(value.to).flatMap(([name, link]) => {
      const decoded = decodeLink(link);
      return decoded === undefined ? [] : [[name, decoded] as const];
    });
    return { all, to: Object.fromEntries(to) };
  } catch {
    return undefined;
  }
}

function decodeLink(value: unknown): LinkSettings | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { delayMs, loss, cut } = value as Partial<Record<keyof LinkSettings, unknown>>;
  if (typeof delayMs !== "number" || typeof loss !== "number" || typeof cut !== "boolean") return undefined;
  return { delayMs, loss, cut };
}
