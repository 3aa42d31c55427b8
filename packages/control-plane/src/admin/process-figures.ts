import { readdirSync, readFileSync } from "node:fs";
import type { MetricsRegistry } from "@heddle/std";

/** What Prometheus' clients say of their process everywhere. Source: prometheus.io/docs, "Process metrics". */
export function registerProcessFigures(metrics: MetricsRegistry, startedAtMs: number): void {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help }).with();
  const cpu = metrics
    .counter({ name: "process_cpu_seconds_total", help: "Total user and system CPU time spent in seconds." })
    .with();
  const resident = gauge("process_resident_memory_bytes", "Resident memory size in bytes.");
  const virtual = gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.");
  const files = gauge("process_open_fds", "Number of open file descriptors.");
  gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.").value =
    startedAtMs / 1000;
  metrics.onCollect(() => {
    const { user, system } = process.cpuUsage();
    cpu.value = (user + system) / 1e6;
    resident.value = process.memoryUsage.rss();
    const linux = linuxFigures();
    virtual.value = linux?.virtualBytes ?? 0;
    files.value = linux?.openFiles ?? 0;
  });
}

function linuxFigures(): { readonly virtualBytes: number; readonly openFiles: number } | undefined {
  try {
    const kilobytes = /^VmSize:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return { virtualBytes: Number(kilobytes ?? 0) * 1024, openFiles: readdirSync("/proc/self/fd").length };
  } catch {
    // Elsewhere than on Linux nobody says.
    return undefined;
  }
}
