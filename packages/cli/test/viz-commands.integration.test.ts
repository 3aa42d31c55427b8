/** Every terminal command of viz against a running emojivoto whose emoji service has a real Envoy: columns, figures, and what is refused. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubeObject } from "@heddle/kube-client";
import { parse } from "yaml";
import type { Demo } from "../src/demo/run.ts";
import { waitForPods } from "../src/demo/wait.ts";
import { prometheusManifests } from "../src/install/viz-prometheus.ts";
import { findPod } from "../src/pods.ts";
import { runInProcess } from "./command-line.ts";
import { heddle, root } from "./heddle-process.ts";
import { settles } from "./settles.ts";
import { emojiOnEnvoy, startTestDemo } from "./test-demo.ts";
import { openZoo, ZOO } from "./viz-zoo.ts";

setDefaultTimeout(90_000);

const hasPrometheus = Bun.which("prometheus") !== null;
if (!hasPrometheus) console.log("without Prometheus: apt-get install prometheus");

const FIGURES = "SUCCESS RPS LATENCY_P50 LATENCY_P95 LATENCY_P99";
const STAT = `NAME MESHED ${FIGURES} TCP_CONN`;
const RATE = 10;
let demo: Demo;

beforeAll(async () => {
  demo = await startTestDemo("test-viz", RATE);
  const { kube } = demo;
  const [emoji] = await Promise.all([
    emojiOnEnvoy(kube),
    openZoo(kube),
    kube.applyObjects([
      {
        apiVersion: "linkerd.io/v1alpha2",
        kind: "ServiceProfile",
        metadata: { name: "voting-svc.emojivoto.svc.cluster.local", namespace: "emojivoto" },
        spec: { routes: [{ name: "doughnut", condition: { method: "POST", pathRegex: "/.*/VoteDoughnut" } }] },
      },
      {
        apiVersion: "security.istio.io/v1",
        kind: "AuthorizationPolicy",
        metadata: { name: "emoji-callers", namespace: "emojivoto" },
        spec: {
          selector: { matchLabels: { app: "emoji-svc" } },
          rules: [{ from: [{ source: { serviceAccounts: ["emojivoto/web"] } }] }],
        },
      },
      ...(hasPrometheus ? (prometheusManifests() as readonly KubeObject[]) : []),
    ] as readonly KubeObject[]),
  ]);
  await settles(async () => expect((await tableOf("stat po -n emojivoto")).rows.get(emoji)?.[3]).toMatch(/%$/), 90_000);
  await waitForPods(kube, ZOO, 7, 90_000, () => undefined);
}, 180_000);

afterAll(async () => {
  await demo?.close();
}, 60_000);

const linkerd = (...words: readonly string[]) => runInProcess(demo.cluster.kubeconfig, ["linkerd", ...words]);
const viz = (line: string) => linkerd("viz", ...line.split(" "));

/** A table as its header and a row for each first cell. */
function table(text: string): { readonly header: string; readonly rows: ReadonlyMap<string, readonly string[]> } {
  const [header = "", ...rows] = text.trimEnd().split("\n");
  const cells = (line: string) => line.trim().split(/ {2,}/);
  return { header: cells(header).join(" "), rows: new Map(rows.map((row) => [cells(row)[0] ?? "", cells(row)])) };
}

async function tableOf(line: string) {
  const { code, out, err } = await viz(line);
  expect({ line, code, err: out === "" ? err : "" }).toEqual({ line, code: 0, err: "" });
  return table(out);
}

const percent = (text = "") => Number(/^(\d+\.\d\d)%$/.exec(text)?.[1] ?? Number.NaN);
const perSecond = (text = "") => Number(/^(\d+\.\d)rps$/.exec(text)?.[1] ?? Number.NaN);

describe("viz stat", () => {
  test("workloads, pods, namespaces and Services: Linkerd's columns, the application's figures", async () => {
    await settles(async () => {
      const deploys = await tableOf("stat deploy -n emojivoto -t 15s");
      expect(deploys.header).toBe(STAT);
      const [, meshed, success, rps, p50] = deploys.rows.get("emoji") ?? [];
      expect(meshed).toBe("1/1");
      // Its program never fails; a busy machine may make its caller give up.
      expect(percent(success)).toBeGreaterThan(90);
      expect(p50).toMatch(/^\d+ms$/);
      // Two requests a round: a list and a vote, or less while the machine is busy.
      expect(perSecond(rps)).toBeGreaterThan(RATE / 4);
      expect(perSecond(rps)).toBeLessThan(RATE * 4);
      const voting = percent(deploys.rows.get("voting")?.[2]);
      expect(voting).toBeGreaterThan(60);
      expect(voting).toBeLessThan(100);
      expect(deploys.rows.get("vote-bot")?.slice(1)).toEqual(["1/1", "-", "-", "-", "-", "-", "0"]);
    }, 60_000);
    const pods = await tableOf("stat po -n emojivoto");
    expect(pods.header).toBe(`NAME STATUS MESHED ${FIGURES} TCP_CONN`);
    expect([...pods.rows.values()].filter(([, status]) => status === "Running")).toHaveLength(4);
    const namespaces = await tableOf("stat ns");
    expect(namespaces.header).toBe(STAT);
    expect(namespaces.rows.get("emojivoto")?.[1]).toBe("4/4");
    const services = await tableOf("stat svc -n emojivoto -o wide");
    expect(services.header).toBe(`${STAT} READ_BYTES/SEC WRITE_BYTES/SEC`);
    expect([...services.rows.keys()]).toEqual(["emoji-svc", "voting-svc", "web-svc"]);
    const everywhere = await tableOf("stat deploy -A");
    expect(everywhere.header).toBe(`NAMESPACE ${STAT}`);
  });

  test.each([
    ["sts", "db", "0/2"],
    ["ds", "agent", "0/1"],
    ["rs", "bare", "0/1"],
    ["rc", "old", "0/1"],
    ["job", "once", "0/1"],
    ["cronjob", "nightly", "0/1"],
  ])("%s: pods by their owner, shown when asked for", async (kind, name, meshed) => {
    const { header, rows } = await tableOf(`stat ${kind} -n ${ZOO} --unmeshed`);
    expect(header).toBe(STAT);
    expect(rows.get(name)?.slice(1)).toEqual([meshed, "-", "-", "-", "-", "-", "-"]);
    expect((await viz(`stat ${kind} -n ${ZOO}`)).err).toContain("No resources found.");
  });

  test("authorities, with the callers' figures where a caller is named", () =>
    settles(async () => {
      const { header, rows } = await tableOf("stat au -n emojivoto");
      expect(header).toBe(`NAME MESHED ${FIGURES}`);
      const hosts = ["emoji-svc", "voting-svc", "web-svc"].map((name) => `${name}.emojivoto.svc.cluster.local`);
      expect([...rows.keys()]).toEqual(hosts);
      expect(rows.get(hosts[0] ?? "")?.[1]).toBe("-");
      expect(percent(rows.get(hosts[0] ?? "")?.[2])).toBeGreaterThan(90);
      const sent = await tableOf("stat authority -n emojivoto --from deploy/web");
      expect([...sent.rows.keys()]).toEqual(hosts.slice(0, 2));
      const [row] = JSON.parse((await viz(`stat au/${hosts[2]} -n emojivoto -o json`)).out);
      expect(Object.keys(row)).toEqual(
        "namespace kind name success rps latency_ms_p50 latency_ms_p95 latency_ms_p99 tcp_open_connections tcp_read_bytes_rate tcp_write_bytes_rate requests failures".split(
          " ",
        ),
      );
    }));

  test("policies with what they refused; kinds that this mesh has not are told from one another", () =>
    settles(async () => {
      const { header, rows } = await tableOf("stat authorizationpolicy -n emojivoto");
      expect(header).toBe(`NAME UNAUTHORIZED ${FIGURES}`);
      expect(rows.get("emoji-callers")?.[1]).toBe("0.0rps");
      expect(percent(rows.get("emoji-callers")?.[2])).toBeGreaterThan(90);
      for (const kind of ["server", "serverauthorization", "httproute", "trafficsplit"]) {
        const refused = await viz(`stat ${kind} -n emojivoto`);
        expect(refused.code).toBe(1);
        expect(refused.err).toContain(`${kind}: this mesh keeps no figures of that kind; see `);
      }
    }));

  test("senders and receivers, and what can't be asked", async () => {
    await settles(async () => {
      const to = await tableOf("stat deploy -n emojivoto --to deploy/voting");
      expect(perSecond(to.rows.get("web")?.[3])).toBeGreaterThan(0);
      const from = await tableOf("stat deploy/voting -n emojivoto --from deploy/web");
      expect(percent(from.rows.get("voting")?.[2])).toBeLessThan(100);
    });
    for (const [line, sentence] of [
      ["stat gadget", "gadget: unknown kind; known are deployment"],
      ["stat deploy -t 5s", "expected a time of at least 15s"],
      ["stat deploy -o xml", "expected table, wide or json"],
      ["stat deploy --to deploy/a --from deploy/b", "from and to cannot be combined"],
      ["stat deploy -l =x", "-l =x"],
    ] as const) {
      const { code, err } = await viz(line);
      expect([line, code]).toEqual([line, 1]);
      expect(err).toContain(sentence);
    }
  });
});

test("stat-inbound and stat-outbound by named route, routes, edges, authz", async () => {
  await settles(async () => {
    const inbound = await viz("stat-inbound deploy/voting -n emojivoto");
    expect(inbound.out.split("\n")[0]?.split(/ +/).join(" ")).toBe(`NAME SERVER ROUTE TYPE ${FIGURES}`);
    expect(inbound.out).toMatch(/^voting +\[default\] +doughnut +0\.00%/m);
    expect(inbound.out).toMatch(/^voting +\[default\] +\[default\] +\d+\.\d\d%/m);
  }, 40_000);
  await settles(async () => {
    expect((await viz("stat-inbound deploy/emoji -n emojivoto")).out).toMatch(
      /^emoji +\[default\] +\[default\] +\d+\.\d\d%/m,
    );
    const outbound = await viz("stat-outbound deploy/web -n emojivoto");
    expect(outbound.out.split("\n")[0]?.split(/ +/).join(" ")).toBe(
      `NAME SERVICE ROUTE TYPE BACKEND ${FIGURES} TIMEOUTS RETRIES`,
    );
    // Callers may have seen emoji's old pod go.
    expect(outbound.out).toMatch(/^web +emoji-svc +\[default\] +emoji-svc +\d+\.\d\d% +\d+\.\drps/m);
    const routes = await tableOf("routes svc/voting-svc -n emojivoto -o wide");
    expect(routes.header).toBe(
      "ROUTE SERVICE EFFECTIVE_SUCCESS EFFECTIVE_RPS ACTUAL_SUCCESS ACTUAL_RPS LATENCY_P50 LATENCY_P95 LATENCY_P99",
    );
    expect([...routes.rows.keys()]).toEqual(["doughnut", "[DEFAULT]"]);
    const edges = await tableOf("edges deploy -n emojivoto");
    expect(edges.header).toBe("SRC DST SRC_NS DST_NS SECURED");
    const listed = JSON.parse((await viz("edges deploy -n emojivoto -o json")).out);
    expect(Object.keys(listed[0]).slice(0, 7)).toEqual(
      "src src_namespace dst dst_namespace client_id server_id no_tls_reason".split(" "),
    );
    // The bot may have called before web was there: such a way has no destination that could prove who it is.
    const secured = listed.filter((e: Record<string, string>) => e["no_tls_reason"] === "");
    expect(secured.map((e: Record<string, string>) => `${e["src"]} ${e["dst"]}`)).toEqual([
      "vote-bot web",
      "web emoji",
      "web voting",
    ]);
    const authz = await viz("authz deploy -n emojivoto");
    expect(authz.out.split("\n")[0]?.split(/ +/).join(" ")).toBe(`ROUTE SERVER AUTHORIZATION UNAUTHORIZED ${FIGURES}`);
    expect(authz.out).toMatch(/^default +deployment\/emoji +authorizationpolicy\/emoji-callers +0\.0rps +\d+\.\d\d%/m);
    expect(authz.out).toMatch(/^default +deployment\/web +default:all-unauthenticated/m);
  });
});

/** Runs a command that does not end by itself until `pattern` is printed, then ends it as Ctrl-C does. */
async function until(pattern: RegExp, ...args: readonly string[]): Promise<string> {
  const child = heddle(args, { KUBECONFIG: demo.cluster.kubeconfig });
  try {
    await child.printed(pattern, 60_000);
    return child.stdout();
  } finally {
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
  }
}

test("tap: lines, wide, JSON and JSONPath, of a pod with Envoy like any other", async () => {
  const tap = (workload: string, pattern: RegExp, ...args: readonly string[]) =>
    until(pattern, "viz", "tap", `deploy/${workload}`, "-n", "emojivoto", ...args);
  const [lines, json, wide, paths] = await Promise.all([
    // Of both sides, each whole.
    tap("web", /^rsp [^\n]*proxy=out[^\n]*:status=200[\s\S]*^end [^\n]*proxy=in /m),
    tap("web", /\n}\n/, "-o", "json", "--path", "/emojivoto.v1.VotingService"),
    tap("emoji", /^end .*rt_route=/m, "-o", "wide"),
    tap(
      "emoji",
      /^INBOUND \/emojivoto\.v1\.\w+\/\w+ 200$/m,
      "-o",
      'jsonpath={.proxyDirection}{" "}{.requestInitEvent.path}{" "}{.responseInitEvent.httpStatus}',
    ),
  ]);
  expect(lines).toMatch(
    /^req id=\d+:0 proxy=in src=\S+:\d+ dst=\S+:8080 tls=true :method=GET :authority=\S+ :path=\/api\//m,
  );
  expect(lines).toMatch(/^rsp id=\d+:0 proxy=out src=\S+ dst=\S+:8080 tls=true :status=200 latency=\d+µs$/m);
  const first = JSON.parse(`${json.split("\n}\n")[0]}}`);
  expect(first).toMatchObject({
    source: { metadata: { namespace: "emojivoto", workload: "web", client_id: expect.any(String) } },
    proxyDirection: "OUTBOUND",
    requestInitEvent: { method: "POST", path: expect.stringContaining("/emojivoto.v1.VotingService/Vote") },
    responseEndEvent: { grpcStatusCode: expect.any(Number) },
  });
  expect(wide).toMatch(
    /^req id=\d+:0 proxy=in src=\S+ dst=\S+:8080 tls=true :method=POST .* src_workload=web src_pod=web-\S+ src_namespace=emojivoto dst_workload=emoji /m,
  );
  expect(paths).not.toContain("undefined");
  const list = table((await viz("list -n emojivoto")).out);
  expect(list.header).toBe("NAMESPACE POD TAP");
  expect((await viz("list -n emojivoto")).out).not.toContain("×");
});

test("top: a table at once, and a live full screen that q leaves as it was", async () => {
  // A busy machine may have nothing to show in two seconds.
  await settles(async () => {
    const { out } = await viz("top deploy/web -n emojivoto --once 2");
    expect(out.split("\n")[0]?.split(/ {2,}/)).toEqual(
      "Source,Destination,Method,Path,Count,Best,Worst,Last,Success Rate".split(","),
    );
    expect(out).toMatch(/^web-\S+ +emoji-\S+ +POST +\/emojivoto\.v1\.EmojiService\/\w+ +\d+ .*%$/m);
  });
  let screen = "";
  const decoder = new TextDecoder();
  const child = Bun.spawn([join(root, "bin/heddle"), "viz", "top", "deploy/web", "-n", "emojivoto"], {
    env: { ...process.env, KUBECONFIG: demo.cluster.kubeconfig, TERM: "xterm" },
    terminal: {
      cols: 160,
      rows: 20,
      data: (_terminal, bytes) => {
        screen += decoder.decode(bytes, { stream: true });
      },
    },
  });
  await settles(async () => expect(screen).toMatch(/VotingService\/Vote\w+ +\d+ /), 40_000);
  expect(screen).toStartWith("\u001b[?1049h\u001b[?25l");
  expect(screen).toContain("(press q to quit)");
  child.terminal?.write("q");
  expect(await child.exited).toBe(0);
  await settles(async () => expect(screen).toEndWith("\u001b[?25h\u001b[?1049l"));
  // Not before the end: what has arrived so far may end between CR and LF.
  const longest = Math.max(
    ...screen
      .replaceAll("\u001b[H", "\r\n")
      .split("\r\n")
      .map((line) => Bun.stripANSI(line).length),
  );
  expect(longest).toBeLessThanOrEqual(160);
});

test("profile --tap names what is asked now", async () => {
  await settles(async () => {
    const { code, out } = await viz(
      "profile --tap deploy/voting --tap-duration 2s --tap-route-limit 3 voting-svc -n emojivoto",
    );
    expect(code).toBe(0);
    const profile = parse(out);
    expect(profile).toMatchObject({
      kind: "ServiceProfile",
      metadata: { name: "voting-svc.emojivoto.svc.cluster.local" },
    });
    expect(profile.spec.routes).toHaveLength(3);
    expect(profile.spec.routes[0].name).toMatch(/^POST \/emojivoto\.v1\.VotingService\/Vote/);
  });
});

test("dashboard envoy, prometheus and what is not there; viz install --prometheus-url; bug-report", async () => {
  const { pod } = await findPod(demo.kube, "deploy/web", "emojivoto");
  const opened = async (path: string, ...args: readonly string[]): Promise<string> => {
    const child = heddle(["dashboard", ...args, "--browser", "false"], { KUBECONFIG: demo.cluster.kubeconfig });
    const url = await child.printed(/http:\/\/localhost:\d+/, 30_000);
    const text = await (await fetch(url + path)).text();
    child.kill("SIGINT");
    await child.exited;
    return text;
  };
  expect(JSON.parse(await opened("/server_info", "envoy", `${pod}.emojivoto`))).toHaveProperty("version");
  if (hasPrometheus) {
    await waitForPods(demo.kube, "linkerd-viz", 2, 60_000, () => undefined);
    const answer = await opened("/api/v1/query?query=prometheus_build_info", "prometheus");
    expect(JSON.parse(answer)).toMatchObject({ status: "success" });
  }
  for (const [line, sentence] of [
    ["viz dashboard --show grafana", "no running grafana pod in the cluster; install it"],
    ["viz dashboard --show nothing", "--show nothing: expected linkerd, grafana or url"],
    ["viz install --prometheus-url prometheus:9090", "--prometheus-url: expected an address such as http://"],
  ] as const)
    expect((await linkerd(...line.split(" "))).err).toContain(sentence);
  expect(await until(/http:\S+/, "viz", "dashboard", "--show", "url", "-p", "0")).toContain(
    "Heddle dashboard available at:\nhttp://localhost:",
  );
  const installed = await linkerd("viz", "install", "--prometheus-url", "http://prometheus.monitoring:9090");
  expect(installed.out).toMatch(/- --prometheus-url\n\s+- http:\/\/prometheus\.monitoring:9090\n/);
  const folder = mkdtempSync(join(tmpdir(), "heddle-report-"));
  try {
    const report = await linkerd("bug-report", "--output-dir", folder, "--include", "emojivoto");
    expect(report.code).toBe(0);
    const names = Bun.spawnSync(["tar", "tzf", join(folder, "bug-report.tar.gz")]).stdout.toString();
    expect(names).toContain(pod);
    expect(names).toContain("istiod");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
