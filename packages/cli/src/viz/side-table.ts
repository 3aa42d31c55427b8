import type { RouteRow } from "@heddle/viz";
import { renderTable } from "../output.ts";
import { ms, rate, share } from "./figure-text.ts";

/** What `viz routes` calls requests that no named route took. */
export const DEFAULT_ROUTE = "[DEFAULT]";

/** The newer commands write it small. */
export const routeName = ({ route }: RouteRow): string => (route === DEFAULT_ROUTE ? "[default]" : route);

type Figures = Pick<RouteRow, "latencyMsP50" | "latencyMsP95" | "latencyMsP99"> & {
  readonly success: number | null;
  readonly rps: number | null;
};

const FIGURES = ["SUCCESS", "RPS", "LATENCY_P50", "LATENCY_P95", "LATENCY_P99"];

function shown(f: Figures): readonly string[] {
  return [share(f.success), rate(f.rps), ms(f.latencyMsP50), ms(f.latencyMsP95), ms(f.latencyMsP99)];
}

function figuresJson(f: Figures) {
  return {
    success: f.success,
    rps: f.rps,
    latency_ms_p50: f.latencyMsP50,
    latency_ms_p95: f.latencyMsP95,
    latency_ms_p99: f.latencyMsP99,
  };
}

/** What one resource received by one route. */
export interface InboundRow {
  readonly name: string;
  readonly namespace: string;
  readonly route: string;
  readonly figures: Figures;
}

/** Linkerd's table of `stat-inbound`. */
export function inboundTable(rows: readonly InboundRow[]): string {
  const header = ["NAME", "SERVER", "ROUTE", "TYPE", ...FIGURES];
  return renderTable(
    header,
    rows.map(({ name, route, figures }) => [name, "[default]", route, "", ...shown(figures)]),
    FIGURES,
  );
}

export function inboundJson(rows: readonly InboundRow[]): string {
  const out = rows.map(({ namespace, name, route, figures }) => ({
    namespace,
    name,
    server: "[default]",
    route,
    ...figuresJson(figures),
  }));
  return `${JSON.stringify(out, null, 2)}\n`;
}

/** What one workload sent by one route. */
export interface OutboundRow {
  readonly name: string;
  readonly namespace: string;
  readonly sent: RouteRow;
}

/** Of everything sent, what was sent again. */
const retries = ({ rps, actualRps }: RouteRow) => (actualRps > 0 ? (actualRps - rps) / actualRps : 0);
const service = ({ namespace, sent }: OutboundRow) =>
  sent.namespace === namespace || sent.namespace === "" ? sent.service : `${sent.service}.${sent.namespace}`;

/** Linkerd's table of `stat-outbound`. */
export function outboundTable(rows: readonly OutboundRow[]): string {
  const numbers = [...FIGURES, "TIMEOUTS", "RETRIES"];
  const lines = rows.map((row) => {
    const { name, sent } = row;
    return [
      name,
      service(row),
      routeName(row.sent),
      "",
      service(row),
      ...shown(sent),
      share(sent.timeouts),
      share(retries(sent)),
    ];
  });
  return renderTable(["NAME", "SERVICE", "ROUTE", "TYPE", "BACKEND", ...numbers], lines, numbers);
}

export function outboundJson(rows: readonly OutboundRow[]): string {
  const out = rows.map((row) => ({
    namespace: row.namespace,
    name: row.name,
    service: service(row),
    route: routeName(row.sent),
    ...figuresJson(row.sent),
    timeouts: row.sent.timeouts,
    retries: retries(row.sent),
  }));
  return `${JSON.stringify(out, null, 2)}\n`;
}
