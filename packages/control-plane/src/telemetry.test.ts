import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createMetricsRegistry, type MetricsRegistry } from "@heddle/std";
import { registerMeshFigures } from "./admin/mesh-figures.ts";
import { registerProcessFigures } from "./admin/process-figures.ts";
import { createTelemetry } from "./telemetry.ts";

/** Every name that the control plane registers, with and without series. */
function registered(): { readonly names: ReadonlySet<string>; readonly registry: MetricsRegistry } {
  const registry = createMetricsRegistry();
  const names = new Set<string>();
  const note = <Options extends { readonly name: string }>(options: Options): Options => {
    names.add(options.name);
    return options;
  };
  const noting: MetricsRegistry = {
    counter: (options) => registry.counter(note(options)),
    gauge: (options) => registry.gauge(note(options)),
    histogram: (options, bounds) => registry.histogram(note(options), bounds),
    onCollect: (collect) => registry.onCollect(collect),
    expose: () => registry.expose(),
  };
  createTelemetry(noting);
  registerProcessFigures(noting, Date.now());
  registerMeshFigures(noting, () => undefined);
  return { names, registry };
}

/** Names in the first column of the tables below a heading, in the order of the page. */
function documented(heading: string): readonly string[] {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/control-plane-metrics.md"), "utf8");
  const section = page.split(/^## /m).find((text) => text.startsWith(heading)) ?? "";
  return [...section.matchAll(/^\|([^|]+)\|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
  );
}

test("the page about metrics names what is there, and nothing else; what is absent is absent", () => {
  const { names } = registered();
  expect(documented("What is there").toSorted()).toEqual([...names].toSorted());
  const absent = documented("What istiod has");
  expect(absent).toContain("go_goroutines");
  expect(absent.filter((name) => names.has(name))).toEqual([]);
});

test("a counter that has no labels begins with 0, and figures of the process are what they are called", () => {
  const { registry } = registered();
  const lines = registry.expose().split("\n");
  const value = (name: string) =>
    Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length) ?? Number.NaN);
  expect(value("pilot_total_xds_internal_errors")).toBe(0);
  expect(value("sidecar_injection_failure_total")).toBe(0);
  expect(value("go_memstats_heap_sys_bytes")).toBeGreaterThanOrEqual(value("go_memstats_heap_inuse_bytes"));
  expect(value("go_threads")).toBeGreaterThanOrEqual(1);
  expect(value("process_max_fds")).toBeGreaterThan(value("process_open_fds"));
  expect(value("process_network_receive_bytes_total")).toBeGreaterThanOrEqual(0);
});
