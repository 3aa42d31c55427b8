import { beforeAll, describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./heddle-process.ts";
import { type Cluster, must, run } from "./truth/cluster.ts";
import { findRealCluster, prepareRealCluster } from "./truth/real-cluster.ts";

const found = findRealCluster(process.env);
if (found.kind === "missing") console.log(`skipped: ${found.reason}`);

const DEPLOYMENTS = ["emoji", "voting", "web", "vote-bot"];
const TRAFFIC_MS = 90_000;

/** What the tests read of `viz stat -o json` and `viz edges -o json`. */
interface StatRow {
  readonly name: string;
  readonly meshed: string;
  readonly success: number | null;
  readonly requests: number;
}
interface EdgeRow {
  readonly src: string;
  readonly dst: string;
  readonly client_id: string;
  readonly server_id: string;
  readonly no_tls_reason: string;
}

describe.skipIf(found.kind === "missing")("the mesh on a real Kubernetes", () => {
  let cluster: Cluster;

  /** What `heddle` prints. Errors: everything that it printed when it fails. */
  const say = async (args: readonly string[], stdin?: string): Promise<string> => {
    const env = { KUBECONFIG: cluster.kubeconfig };
    const { code, stdout, stderr } = await run([join(root, "bin/heddle"), ...args], { stdin, env, timeoutMs: 120_000 });
    if (code !== 0) throw new Error(`heddle ${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  };
  const rolledOut = async (namespace: string, deployment: string) => {
    const args = ["-n", namespace, "rollout", "status", `deployment/${deployment}`, "--timeout=120s"];
    const { code, stdout, stderr } = await cluster.kubectl(args, { timeoutMs: 130_000 });
    if (code === 0) return;
    const pods = await cluster.kubectl(["-n", namespace, "describe", "pods"]);
    throw new Error(`${deployment}: ${stdout}${stderr}${pods.stdout.slice(-6000)}`);
  };

  beforeAll(async () => {
    if (found.kind === "here") cluster = await prepareRealCluster(found, ["heddle/heddle", "emojivoto"]);
  }, 180_000);

  test("installs from the printed manifests, and check finds nothing wrong", async () => {
    expect(await say(["check", "--pre"])).toContain("Status check results are √");
    await must(cluster, ["apply", "-f", "-"], await say(["install"]));
    await must(cluster, ["apply", "-f", "-"], await say(["viz", "install"]));
    await rolledOut("istio-system", "istiod");
    await rolledOut("linkerd-viz", "metrics-api");
    expect(await say(["check", "--wait", "60s"])).toContain("Status check results are √");
    const dashboard = "/api/v1/namespaces/linkerd-viz/services/metrics-api:8085/proxy";
    expect(await must(cluster, ["get", "--raw", `${dashboard}/`])).toContain("<title>Heddle</title>");
    expect((await must(cluster, ["get", "--raw", `${dashboard}/main.js`])).length).toBeGreaterThan(10_000);
  }, 300_000);

  test("emojivoto as published, injected, is meshed", async () => {
    const published = await readFile(join(root, "samples/emojivoto/emojivoto.yml"), "utf8");
    await must(cluster, ["apply", "-f", "-"], await say(["inject", "-"], published));
    await Promise.all(DEPLOYMENTS.map((d) => rolledOut("emojivoto", d)));
    await must(cluster, ["-n", "emojivoto", "set", "env", "deployment/vote-bot", "REQUEST_RATE=10"]);
    await rolledOut("emojivoto", "vote-bot");
    expect(await say(["check", "--proxy", "-n", "emojivoto", "--wait", "60s"])).toContain("Status check results are √");
    const proxies = await say(["proxy-status"]);
    for (const d of DEPLOYMENTS) expect(proxies).toContain(`${d}-`);
  }, 300_000);

  test("the figures are the application's, and all its calls are secured", async () => {
    const deadline = performance.now() + TRAFFIC_MS;
    let rows: readonly StatRow[] = [];
    const row = (name: string) => rows.find((r) => r.name === name);
    while (performance.now() < deadline && !((row("voting")?.requests ?? 0) >= 150)) {
      await Bun.sleep(2000);
      const answer = await say(["viz", "stat", "deploy", "-n", "emojivoto", "-t", "1m", "-o", "json"]);
      rows = JSON.parse(answer);
    }
    for (const [name, share] of [
      ["voting", 0.841],
      ["web", 0.921],
      ["emoji", 1],
    ] as const) {
      const { success, requests, meshed } = row(name) ?? { success: null, requests: 0, meshed: "no row" };
      console.log(`${name}: ${success} of ${requests} requests`);
      expect(meshed).toBe("1/1");
      // As far as chance brings it but for one run in a million; a web request fails where its vote does, and votes are half of them.
      const votes = name === "web" ? requests / 2 : requests;
      const spread = 6 * Math.sqrt((0.841 * 0.159) / votes) * (name === "web" ? 0.5 : name === "emoji" ? 0 : 1);
      expect(Math.abs((success ?? 0) - share)).toBeLessThanOrEqual(spread + 0.01);
    }
    const edges: readonly EdgeRow[] = JSON.parse(
      await say(["viz", "edges", "deploy", "-n", "emojivoto", "-o", "json"]),
    );
    const account = (id: string) => id.split("/").at(-1);
    // The bot may call before the first pod of web is ready: such a call has no other end.
    const reached = edges.filter((e) => e.no_tls_reason !== "no request reached it");
    expect(
      reached.map((e) => [e.src, e.dst, account(e.client_id), account(e.server_id), e.no_tls_reason]).sort(),
    ).toEqual([
      ["vote-bot", "web", "default", "web", ""],
      ["web", "emoji", "web", "emoji", ""],
      ["web", "voting", "web", "voting", ""],
    ]);
  }, 180_000);

  test("uninstall leaves nothing of the mesh", async () => {
    await must(cluster, ["delete", "namespace", "emojivoto", "--wait=false"]);
    await must(cluster, ["delete", "--timeout=60s", "-f", "-"], await say(["viz", "uninstall"]));
    await must(cluster, ["delete", "--timeout=60s", "-f", "-"], await say(["uninstall"]));
    const left = await must(cluster, [
      "get",
      "crd,clusterrole,clusterrolebinding,mutatingwebhookconfiguration,validatingwebhookconfiguration,namespace",
      "-o",
      "name",
    ]);
    expect(left.split("\n").filter((name) => /istio|heddle-|linkerd/.test(name))).toEqual([]);
  }, 180_000);
});
