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
  // Under Go's names, because Istio's dashboards draw the control plane's memory from them.
  const heapUsed = ["go_memstats_heap_alloc_bytes", "go_memstats_heap_inuse_bytes", "go_memstats_alloc_bytes"].map(
    (name) => gauge(name, "Bytes of the heap that are in use."),
  );
  const heap = gauge("go_memstats_heap_sys_bytes", "Bytes of the heap obtained from the system.");
  const stack = gauge("go_memstats_stack_inuse_bytes", "Bytes of the main thread's stack.");
  gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.").value =
    startedAtMs / 1000;
  metrics.onCollect(() => {
    const { user, system } = process.cpuUsage();
    cpu.value = (user + system) / 1e6;
    resident.value = process.memoryUsage.rss();
    const linux = linuxFigures();
    const { heapTotal, heapUsed: used } = process.memoryUsage();
    for (const one of heapUsed) one.value = used;
    heap.value = Math.max(heapTotal, used);
    virtual.value = linux?.virtualBytes ?? 0;
    stack.value = linux?.stackBytes ?? 0;
    files.value = linux?.openFiles ?? 0;
  });
}

interface LinuxFigures {
  readonly virtualBytes: number;
  readonly stackBytes: number;
  readonly openFiles: number;
}

function linuxFigures(): LinuxFigures | undefined {
  try {
    const status = readFileSync("/proc/self/status", "utf8");
    const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0) * 1024;
    return {
      virtualBytes: bytes("VmSize"),
      stackBytes: bytes("VmStk"),
      openFiles: readdirSync("/proc/self/fd").length,
    };
  } catch {
    // Elsewhere than on Linux nobody says.
    return undefined;
  }
}
