/** What a panel shows: queries with the legend of their lines. `$namespace`, `$workload`, `$service` are the dashboard's choices. */
export interface Panel {
  readonly title: string;
  readonly kind: "timeseries" | "stat" | "table";
  /** Grafana's name of the unit. */
  readonly unit: "reqps" | "percentunit" | "ms" | "s" | "Bps" | "bytes" | "short";
  readonly queries: readonly (readonly [legend: string, promql: string])[];
  /** Of 24. Default: 12. */
  readonly width?: number;
}

export interface Variable {
  readonly name: string;
  /** PromQL metadata query of its values. */
  readonly query: string;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly variables: readonly Variable[];
  readonly panels: readonly Panel[];
}

const DATASOURCE = { type: "prometheus", uid: "$datasource" };
const HEIGHT = 8;
const COLUMNS = 24;

/** The dashboard as Grafana imports it. Source: grafana.com/docs, dashboard JSON model, schema version 39. */
export function grafanaJson(dashboard: Dashboard): unknown {
  let x = 0;
  let y = 0;
  const panels = dashboard.panels.map((panel, i) => {
    const w = panel.width ?? 12;
    if (x + w > COLUMNS) {
      x = 0;
      y += HEIGHT;
    }
    const gridPos = { h: HEIGHT, w, x, y };
    x += w;
    return { id: i + 1, gridPos, ...panelJson(panel) };
  });
  return {
    uid: dashboard.uid,
    title: dashboard.title,
    tags: ["heddle", "service-mesh"],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: "15s",
    time: { from: "now-30m", to: "now" },
    templating: {
      list: [
        { name: "datasource", type: "datasource", query: "prometheus", label: "Prometheus" },
        ...dashboard.variables.map(({ name, query }) => ({
          name,
          type: "query",
          datasource: DATASOURCE,
          query: { query, refId: name },
          refresh: 2,
          sort: 1,
        })),
      ],
    },
    panels,
  };
}

function panelJson({ title, kind, unit, queries }: Panel) {
  return {
    title,
    type: kind,
    datasource: DATASOURCE,
    fieldConfig: { defaults: { unit, min: 0, ...(unit === "percentunit" ? { max: 1 } : {}) }, overrides: [] },
    options: kind === "timeseries" ? { tooltip: { mode: "multi", sort: "desc" }, legend: { showLegend: true } } : {},
    targets: queries.map(([legendFormat, expr], i) => ({
      refId: String.fromCharCode(65 + i),
      datasource: DATASOURCE,
      expr,
      legendFormat,
      ...(kind === "timeseries" ? {} : { instant: true, format: kind === "table" ? "table" : "time_series" }),
    })),
  };
}
