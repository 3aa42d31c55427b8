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
  const maxFiles = gauge("process_max_fds", "Maximum number of open file descriptors.");
  const maxVirtual = gauge("process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes.");
  const threads = gauge("go_threads", "Number of OS threads.");
  const anonymous = gauge("go_memstats_sys_bytes", "Bytes of memory obtained from the system, files' pages apart.");
  const network = (name: string, help: string) => metrics.counter({ name, help }).with();
  const received = network("process_network_receive_bytes_total", "Bytes that the network namespace received.");
  const sent = network("process_network_transmit_bytes_total", "Bytes that the network namespace sent.");
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
    maxFiles.value = linux?.maxFiles ?? 0;
    maxVirtual.value = linux?.maxVirtualBytes ?? 0;
    received.value = linux?.receivedBytes ?? 0;
    sent.value = linux?.sentBytes ?? 0;
    threads.value = linux?.threads ?? 0;
    anonymous.value = linux?.anonymousBytes ?? 0;
  });
}

/** As Prometheus' clients write it: the largest `rlim_t`. */
const UNLIMITED = 2 ** 64;

interface LinuxFigures {
  readonly virtualBytes: number;
  readonly stackBytes: number;
  readonly openFiles: number;
  readonly maxFiles: number;
  readonly maxVirtualBytes: number;
  /** Of the network namespace. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly threads: number;
  /** In memory or swapped out, and backed by no file. */
  readonly anonymousBytes: number;
}

function linuxFigures(): LinuxFigures | undefined {
  try {
    const status = readFileSync("/proc/self/status", "utf8");
    const octets = octetsOf(readFileSync("/proc/self/net/netstat", "utf8"));
    const limits = readFileSync("/proc/self/limits", "utf8");
    const number = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
    const bytes = (name: string) => number(name) * 1024;
    const limit = (name: string) => Number(new RegExp(`^${name}\\s+(\\d+)`, "m").exec(limits)?.[1] ?? UNLIMITED);
    return {
      virtualBytes: bytes("VmSize"),
      stackBytes: bytes("VmStk"),
      openFiles: readdirSync("/proc/self/fd").length,
      maxFiles: limit("Max open files"),
      maxVirtualBytes: limit("Max address space"),
      receivedBytes: octets("InOctets"),
      sentBytes: octets("OutOctets"),
      threads: number("Threads"),
      anonymousBytes: bytes("RssAnon") + bytes("VmSwap"),
    };
  } catch {
    // Elsewhere than on Linux nobody says.
    return undefined;
  }
}

/** The kernel writes a line of names, then one of values. */
function octetsOf(netstat: string): (name: string) => number {
  const [names = [], values = []] = netstat
    .split("\n")
    .filter((line) => line.startsWith("IpExt:"))
    .map((line) => line.split(" "));
  return (name) => Number(values[names.indexOf(name)] ?? 0);
}
