import { expect } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "@heddle/std/free-ports";
import { type Answer, ask } from "./ask.ts";
import { cluster, type Json, listener } from "./bootstrap.ts";
import { ENGINES, type Engine } from "./engines.ts";
import { eventually } from "./eventually.ts";
import { type ProxyProcess, startProxy } from "./proxy-process.ts";

const EXT = "type.googleapis.com/envoy.extensions";

/** The message of an HTTP filter, as `typed_config`. */
export const filterMessage = (name: string, type: string, fields: Json = {}): Json => ({
  "@type": `${EXT}.filters.http.${name}.v3.${type}`,
  ...fields,
});

/** What both proxies serve. */
export interface FilterPlan {
  /** A listener each: its filters before the router by name, routes, and fields of the connection manager. */
  readonly listeners: Readonly<
    Record<string, { filters: Readonly<Record<string, Json>>; routes: readonly Json[]; manager?: Json }>
  >;
  readonly clusters: readonly Json[];
  /** Fields of a log line beside `code`, `flags`, `details`. */
  readonly log?: Json;
  readonly secrets?: readonly Json[];
  readonly bootstrap?: Json;
}

/** A request, and to which listener. */
export interface FilterCase {
  readonly to: string;
  readonly path: string;
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
}

/** What is seen of one case. */
export interface FilterResult {
  readonly answer: Answer;
  readonly line: Json;
}

/** The real Envoy and ours with the same filters. */
export interface FilterPair {
  /** Sends the cases one after another to both, compares answers and lines, and gives ours. `comparable`: what is compared of bodies. */
  compare(cases: readonly FilterCase[], comparable?: (body: string) => string): Promise<readonly FilterResult[]>;
  /** Compares statistics whose names match and gives ours. `zeros`: also those that are 0. Default: true. */
  compareStats(pattern: RegExp, zeros?: boolean): Promise<Readonly<Record<string, number>>>;
  /** Sends the cases to one of them, and waits for their lines. */
  send(engine: Engine, cases: readonly FilterCase[]): Promise<readonly FilterResult[]>;
  port(engine: Engine, listener: string): number;
  proxy(engine: Engine): ProxyProcess;
  stop(): Promise<void>;
}

/** Answers with what it got: path, method, body, and headers but those that two proxies may differ in. */
export function echoOrigin(name = "origin"): ReturnType<typeof Bun.serve> {
  const own = new Set(["x-request-id", "connection", "accept-encoding"]);
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: async (request) => {
      const url = new URL(request.url);
      const headers = [...request.headers]
        .filter(([header]) => !own.has(header))
        .sort(([a], [b]) => a.localeCompare(b));
      const wanted = request.headers.get("x-answer");
      const more =
        wanted === null
          ? {}
          : (JSON.parse(wanted) as { status?: number; headers?: Record<string, string>; body?: string });
      const body = await request.text();
      const seen = { name, method: request.method, path: url.pathname + url.search, headers, body };
      return new Response(more.body ?? JSON.stringify(seen), {
        status: more.status ?? 200,
        headers: more.headers ?? {},
      });
    },
  });
}

export async function startFilterPair(plan: FilterPlan): Promise<FilterPair> {
  const folder = mkdtempSync(join(tmpdir(), "heddle-filters-"));
  const names = Object.keys(plan.listeners);
  const free = freePorts(ENGINES.length * (names.length + 1));
  const ports = new Map<string, number>();
  const proxies = new Map<Engine, ProxyProcess>();
  const logOf = (engine: Engine): string => join(folder, `${engine}.log`);
  const stop = async (): Promise<void> => {
    for (const proxy of proxies.values()) await proxy.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const engine of ENGINES) {
      writeFileSync(logOf(engine), "");
      for (const name of names) ports.set(`${engine} ${name}`, free.pop() ?? 0);
      const listeners = names.map((name) =>
        listener(name, ports.get(`${engine} ${name}`) ?? 0, [chain(plan, name, logOf(engine))]),
      );
      const bootstrap = {
        static_resources: { listeners, clusters: plan.clusters, secrets: plan.secrets ?? [] },
        ...plan.bootstrap,
      };
      const args = engine === "envoy" ? ["--file-flush-interval-msec", "50"] : [];
      proxies.set(engine, await startProxy({ engine, bootstrap, adminPort: free.pop() ?? 0, args }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const port = (engine: Engine, to: string): number => ports.get(`${engine} ${to}`) ?? 0;
  const proxy = (engine: Engine): ProxyProcess => {
    const found = proxies.get(engine);
    if (found === undefined) throw new Error(`${engine} does not run`);
    return found;
  };
  const results = async (engine: Engine, cases: readonly FilterCase[]): Promise<readonly FilterResult[]> => {
    const before = readFileSync(logOf(engine), "utf8").length;
    const answers: Answer[] = [];
    for (const item of cases)
      answers.push(
        await ask(port(engine, item.to), { name: "", ...item, headers: item.headers as Record<string, string> }),
      );
    const lines = await eventually(`the lines of ${engine}`, () => {
      const read = readFileSync(logOf(engine), "utf8").slice(before).split("\n").slice(0, -1);
      return read.length === cases.length && read.map((line) => JSON.parse(line) as Json);
    });
    return answers.map((answer, i) => ({ answer, line: lines[i] ?? {} }));
  };
  return {
    send: results,
    port,
    proxy,
    stop,
    compare: async (cases, comparable = (body) => body) => {
      const [ours = [], envoys = []] = await Promise.all(ENGINES.map((engine) => results(engine, cases)));
      const seen = (list: readonly FilterResult[]) =>
        list.map(({ answer, line }, i) => ({ item: cases[i], ...answer, body: comparable(answer.body), line }));
      const [own, wanted] = [seen(ours), seen(envoys)];
      const differing = own.flatMap((one, i) => (Bun.deepEquals(one, wanted[i]) ? [] : [i]));
      expect(differing.map((i) => own[i])).toEqual(differing.map((i) => wanted[i]));
      return ours;
    },
    compareStats: async (pattern, zeros = true) => {
      const read = async (engine: Engine): Promise<Record<string, number>> => {
        const text = await (await proxy(engine).admin("/stats")).text();
        const found = [...text.matchAll(/^(\S+): (\d+)$/gm)].filter(
          ([, name = "", value]) => pattern.test(name) && (zeros || value !== "0"),
        );
        return Object.fromEntries(found.map(([, name = "", value = ""]) => [name, Number(value)]));
      };
      const [ours = {}, envoys = {}] = await Promise.all(ENGINES.map(read));
      expect(ours).toEqual(envoys);
      return ours;
    },
  };
}

function chain(plan: FilterPlan, name: string, log: string): Json {
  const { filters = {}, routes = [], manager = {} } = plan.listeners[name] ?? {};
  const format = {
    code: "%RESPONSE_CODE%",
    flags: "%RESPONSE_FLAGS%",
    details: "%RESPONSE_CODE_DETAILS%",
    ...plan.log,
  };
  return {
    filters: [
      {
        name: "http",
        typed_config: {
          "@type": `${EXT}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
          stat_prefix: name,
          access_log: [
            {
              name: "file",
              typed_config: {
                "@type": `${EXT}.access_loggers.file.v3.FileAccessLog`,
                path: log,
                log_format: { json_format: format },
              },
            },
          ],
          route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes }] },
          http_filters: [
            ...Object.entries(filters).map(([filter, config]) => ({ name: filter, typed_config: config })),
            { name: "router", typed_config: filterMessage("router", "Router") },
          ],
          ...manager,
        },
      },
    ],
  };
}

/** A route by prefix to `origin`, with configuration of filters. */
export const routeTo = (prefix: string, perFilter: Json = {}, target = "origin", fields: Json = {}): Json => ({
  match: { prefix },
  route: { cluster: target, ...fields },
  typed_per_filter_config: perFilter,
});

/** The cluster of an `echoOrigin`. */
export const originCluster = (origin: { readonly port?: number | undefined }): Json =>
  cluster("origin", [origin.port ?? 0], "http1");
