/** The inside of `faults-network.integration.test.ts`: a network namespace of its own, a pair with a line between its sides that can be spoilt. */

import { mkdtempSync, rmSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  cluster,
  downstreamTls,
  httpFilterChain,
  type Json,
  listener,
  MESH_ALPN_BY_FILTER,
  MESH_HTTP,
  TLS_INSPECTOR,
  upstreamTls,
} from "./rig/bootstrap.ts";
import { eventually } from "./rig/eventually.ts";
import { FAR_ADDRESS, type LineState } from "./rig/line-state.ts";
import { type ProxyProcess, startProxy } from "./rig/proxy-process.ts";
import { issueWorkloads } from "./rig/workloads.ts";

const [INBOUND, OUTBOUND, CLIENT_ADMIN, SERVER_ADMIN, APP] = [15006, 15001, 15000, 15010, 8080];
const GOOD: LineState = { delayMs: 0, loss: 0, resets: 0 };
/** The route's limit: nobody waits longer for an answer. Units: ms. */
const TIMEOUT_MS = 3000;

const line = Bun.spawn([process.execPath, resolve(import.meta.dir, "rig/link-loop.ts")], {
  stdin: "pipe",
  stdout: "pipe",
  stderr: "inherit",
});
const said = line.stdout.getReader();
await said.read();

async function setLine(state: Partial<LineState>): Promise<void> {
  line.stdin.write(`${JSON.stringify({ ...GOOD, ...state })}\n`);
  line.stdin.flush();
  await said.read();
}

const unit = (id: string, size: number): string => `${id}.`.repeat(Math.ceil(size / (id.length + 1))).slice(0, size);

/** Answers with what only this request can have asked for. */
const app = createServer((incoming, answer) => {
  const url = new URL(incoming.url ?? "/", "http://app");
  const id = url.searchParams.get("id") ?? "";
  let received = 0;
  incoming.on("data", (chunk: Buffer) => {
    received += chunk.length;
  });
  incoming.on("end", () => answer.end(`${id} ${received} ${unit(id, Number(url.searchParams.get("size") ?? 0))}`));
});
await new Promise<void>((done) => app.listen(APP, "127.0.0.1", done));

const folder = mkdtempSync(join(tmpdir(), "heddle-line-"));
const { client, server } = await issueWorkloads(folder, ["client", "server"]);
const far = (name: string): Json => ({
  cluster_name: name,
  endpoints: [
    {
      lb_endpoints: [{ endpoint: { address: { socket_address: { address: FAR_ADDRESS, port_value: INBOUND } } } }],
    },
  ],
});

const startServer = (): Promise<ProxyProcess> =>
  startProxy({
    engine: "heddle",
    adminPort: SERVER_ADMIN,
    bootstrap: {
      static_resources: {
        clusters: [cluster("app", [APP], "http1")],
        listeners: [
          {
            ...listener("inbound", INBOUND, [
              {
                ...httpFilterChain("app"),
                filter_chain_match: { transport_protocol: "tls", application_protocols: MESH_HTTP },
                ...downstreamTls(server, client, ["h2", "http/1.1"]),
              },
            ]),
            address: { socket_address: { address: "0.0.0.0", port_value: INBOUND } },
            listener_filters: [TLS_INSPECTOR],
          },
        ],
      },
    },
  });
let inbound = await startServer();
const outbound = await startProxy({
  engine: "heddle",
  adminPort: CLIENT_ADMIN,
  bootstrap: {
    static_resources: {
      clusters: [
        {
          ...cluster("far", [1], "downstream", upstreamTls(client, server, ["istio-http/1.1", "istio-h2"])),
          connect_timeout: "2s",
          load_assignment: far("far"),
        },
      ],
      listeners: [
        listener("outbound", OUTBOUND, [
          httpFilterChain("far", MESH_ALPN_BY_FILTER, { timeout: `${TIMEOUT_MS / 1000}s` }),
        ]),
      ],
    },
  },
});

const agent = new Agent({ keepAlive: true, maxSockets: 32 });
let nextId = 0;

interface Outcome {
  right: number;
  /** Answers of the proxy itself: 503 or 504. */
  refused: number;
  /** The connection broke; no whole answer came. */
  broken: number;
  readonly wrong: string[];
  slowestMs: number;
}

function ask(outcome: Outcome): Promise<void> {
  const id = `n${nextId++}`;
  const size = (nextId * 977) % 60_000;
  const upload = Buffer.alloc(nextId % 4 === 0 ? (nextId * 331) % 40_000 : 0, 65);
  const began = performance.now();
  return new Promise((over) => {
    let done = false;
    const finish = (add: () => void) => {
      if (done) return;
      done = true;
      outcome.slowestMs = Math.max(outcome.slowestMs, performance.now() - began);
      add();
      over();
    };
    const call = request(
      {
        host: "127.0.0.1",
        port: OUTBOUND,
        path: `/?id=${id}&size=${size}`,
        method: upload.length > 0 ? "POST" : "GET",
        agent,
        headers: { "content-length": upload.length },
      },
      (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => {
          body += chunk.toString("latin1");
        });
        response.on("end", () =>
          finish(() => {
            if (!response.complete) outcome.broken++;
            else if (body === `${id} ${upload.length} ${unit(id, size)}`) outcome.right++;
            else if (response.statusCode === 503 || response.statusCode === 504) outcome.refused++;
            else outcome.wrong.push(`${id}: ${response.statusCode} ${body.slice(0, 60)}`);
          }),
        );
        response.on("error", () => finish(() => outcome.broken++));
        response.on("close", () => finish(() => outcome.broken++));
      },
    );
    call.on("error", () => finish(() => outcome.broken++));
    call.end(upload);
  });
}

/** `lanes` callers, each one request after the other, until the time is over and `atLeast` have been sent. */
async function load(lanes: number, ms: number, atLeast = 0): Promise<Outcome> {
  const outcome: Outcome = { right: 0, refused: 0, broken: 0, wrong: [], slowestMs: 0 };
  const end = performance.now() + ms;
  let sent = 0;
  const lane = async () => {
    while (performance.now() < end || sent < atLeast) {
      sent++;
      await ask(outcome);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { ...outcome, slowestMs: Math.round(outcome.slowestMs) };
}

/** Requests succeed again, ten in a row. */
async function recovered(): Promise<boolean> {
  await eventually(
    "requests succeed again",
    async () => {
      const outcome: Outcome = { right: 0, refused: 0, broken: 0, wrong: [], slowestMs: 0 };
      for (let i = 0; i < 10; i++) await ask(outcome);
      return outcome.right === 10;
    },
    15_000,
  );
  return true;
}

const results: Record<string, unknown> = {};
const step = async (name: string, run: () => Promise<unknown>) => {
  await setLine({});
  results[name] = await run().catch((error: unknown) => ({ error: String(error) }));
};

await step("a good line", () => load(8, 500, 100));
await step("delay", async () => {
  await setLine({ delayMs: 25 });
  return load(16, 1000, 100);
});
await step("loss", async () => {
  await setLine({ delayMs: 2, loss: 0.02 });
  return load(16, 2500, 100);
});
await step("resets", async () => {
  await setLine({ resets: 0.01 });
  const outcome = await load(8, 1500, 100);
  await setLine({});
  return { ...outcome, recovered: await recovered() };
});
await step("silence", async () => {
  const running = load(8, 1500);
  await Bun.sleep(300);
  await setLine({ loss: 1 });
  const outcome = await running;
  await setLine({});
  return { ...outcome, recovered: await recovered() };
});
await step("half-open", async () => {
  await load(8, 300);
  await setLine({ loss: 1 });
  // Its end of every connection vanishes, and nobody can tell the other end.
  await inbound.stop();
  inbound = await startServer();
  await setLine({});
  const outcome = await load(8, 500, 40);
  return { ...outcome, recovered: await recovered() };
});

agent.destroy();
const active = async (proxy: ProxyProcess) => {
  const text = await (
    await proxy.admin(
      "/stats?filter=(downstream_rq_active|upstream_rq_active|downstream_cx_active|upstream_rq_pending_active)$",
    )
  ).text();
  return text
    .split("\n")
    .filter((row) => /: [1-9]/.test(row) && !(proxy === inbound && row.includes("downstream_cx_active")));
};
results["left"] = await eventually(
  "nothing is left",
  async () => {
    const left = [...(await active(outbound)), ...(await active(inbound))];
    return left.length === 0 ? "nothing" : undefined;
  },
  10_000,
).catch(async () => [...(await active(outbound)), ...(await active(inbound))]);

await outbound.stop();
await inbound.stop();
app.close();
app.closeAllConnections();
line.stdin.end();
await line.exited;
rmSync(folder, { recursive: true, force: true });
process.stdout.write(`${JSON.stringify(results)}\n`, () => process.exit(0));
