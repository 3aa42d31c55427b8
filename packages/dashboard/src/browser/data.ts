import type {
  ConfigAnswer,
  GatewaysAnswer,
  GraphAnswer,
  MeshAnswer,
  NamedTapEvent,
  NamespaceAnswer,
  OverviewAnswer,
  ProblemsAnswer,
  RoutesAnswer,
  WorkloadAnswer,
} from "@heddle/viz/contract";
import type { TraceServices, TracesAnswer } from "./traces/jaeger.ts";

/** Answers by path; the paths are relative, so that the dashboard works behind any prefix. */
export interface Answers {
  readonly "api/overview": OverviewAnswer;
  readonly "api/graph": GraphAnswer;
  readonly "api/namespace": NamespaceAnswer;
  readonly "api/workload": WorkloadAnswer;
  readonly "api/mesh": MeshAnswer;
  readonly "api/problems": ProblemsAnswer;
  readonly "api/routes": RoutesAnswer;
  readonly "api/config": ConfigAnswer;
  readonly "api/gateways": GatewaysAnswer;
  readonly "api/services": TraceServices;
  readonly "api/traces": TracesAnswer;
  readonly "api/recent-failures": RecentFailures;
}

export interface RecentFailures {
  readonly events: readonly NamedTapEvent[];
  /** Pods that could not be asked, and why. */
  readonly problems: readonly string[];
}

/** A refusal by the server: its sentence is for the reader. */
export class Refused extends Error {
  readonly status: number;
  constructor(message: string, status: number) {
    super(message);
    this.name = "Refused";
    this.status = status;
  }
}

export type Params = Readonly<Record<string, string | undefined>>;

export function queryOf(params: Params): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) if (value !== undefined && value !== "") search.set(key, value);
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

/** Asks the server. Errors: `Refused` with its sentence, or what the network says. */
export async function ask<P extends keyof Answers>(path: P, params: Params, signal: AbortSignal): Promise<Answers[P]> {
  const response = await fetch(path + queryOf(params), { signal, headers: { accept: "application/json" } });
  const text = await response.text();
  if (!response.ok) throw new Refused(errorOf(text) || `the server answered HTTP ${response.status}`, response.status);
  return JSON.parse(text) as Answers[P];
}

function errorOf(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "error" in value ? String(value.error) : "";
  } catch {
    return text.slice(0, 200);
  }
}
