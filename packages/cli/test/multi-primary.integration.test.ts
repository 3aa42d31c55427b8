import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./heddle-process.ts";
import { lineProblem } from "./line-between-clusters.ts";
import { eventually } from "./mesh-cluster.ts";
import { withOtherClock } from "./other-clock.ts";
import { createShell } from "./shell.ts";
import { CALL_EVERY_MS, type SteadyClient, startSteadyClient } from "./steady-client.ts";

const line = lineProblem();
const missing = ["kubectl", "curl"].filter((name) => Bun.which(name) === null);
if (line !== undefined) console.log(`skipped: no line between clusters: ${line}`);
else if (missing.length > 0) console.log(`skipped: the walkthrough needs ${missing.join(", ")} on PATH`);

setDefaultTimeout(120_000);

const samples = join(root, "samples");
const clusters = ["east", "west"] as const;

/** A gateway or a line is found usable again within this: ejections of 2 s that grow, and connections that have to be made anew. Units: ms. */
const MENDED_MS = 12_000;
/** How long a call may last in all. Units: ms. */
const CALL_MS = 12_000;

/** The own cluster first, what fails is left alone at once, five more tries; three seconds are more than a busy machine stops for. */
const failover = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: httpbin}
spec:
  host: httpbin.sample.svc.cluster.local
  trafficPolicy:
    outlierDetection: {consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 2s, maxEjectionPercent: 100}
    loadBalancer:
      localityLbSetting:
        enabled: true
        failoverPriority: [topology.istio.io/cluster]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: httpbin}
spec:
  hosts: [httpbin]
  http:
  - route: [{destination: {host: httpbin}}]
    timeout: ${CALL_MS / 1000}s
    retries: {attempts: 5, perTryTimeout: 3s, retryOn: "connect-failure,refused-stream,reset,5xx"}
`;

describe.skipIf(line !== undefined || missing.length > 0)("two primaries on two networks", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-mp-"));
  const env = {
    HEDDLE_STATE: folder,
    KUBECONFIG: clusters.map((name) => join(folder, "clusters", name, "kubeconfig")).join(":"),
  };
  const config = (name: string) => join(folder, "clusters", name, "kubeconfig");
  const { ok, run } = createShell(folder, env, 120_000);
  const kubectl = (name: string, words: string, stdin?: string) => ok(`kubectl --context=${name} ${words}`, stdin);
  const inSleep = ["kubectl", "--context=east", "exec", "-n", "sample", "deploy/sleep", "-c", "sleep", "--"];
  const call = "curl -s -m 10 -o /dev/null -w '%{http_code}\\n' httpbin:8000/status/200";
  let client: SteadyClient | undefined;

  const replicas = async (name: string, what: string, count: number) => {
    const [namespace, deployment] = what.split("/");
    await kubectl(name, `scale -n ${namespace} deploy/${deployment} --replicas=${count}`);
  };
  /** Requests that the client's proxy sent, by address. */
  const sent = async (): Promise<ReadonlyMap<string, number>> => {
    const admin = `kubectl --context=east exec -n sample deploy/sleep -c istio-proxy -- curl -s localhost:15000/clusters`;
    const lines = (await ok(admin)).split("\n").filter((row) => row.startsWith("outbound|8000||httpbin.sample"));
    return new Map(
      lines.flatMap((row): [string, number][] => {
        const match = /::([\d.]+:\d+)::rq_total::(\d+)$/.exec(row);
        return match === null ? [] : [[match[1] ?? "", Number(match[2])]];
      }),
    );
  };
  const far = "198.18.1.1:15443";
  /** Secrets that can't be used are told wherever somebody looks, whether they came before the control plane or after it. */
  const refusedAndRevoked = async () => {
    const { out, err } = await run("istioctl --context=east remote-clusters");
    const told = (await run("istioctl --context=east proxy-status")).err;
    return (
      out.split("refused").length === 4 &&
      [err, told].every(
        (text) =>
          text.includes("east is the name of this cluster itself") &&
          text.includes("its kubeconfig leads to cluster east, where this control plane runs") &&
          text.includes("described by the older Secret istio-system/istio-remote-secret-west already") &&
          /cluster south is (syncing|timeout) .*did not accept the credentials/.test(text),
      )
    );
  };
  const remoteStatus = async () => (await run("istioctl --context=east remote-clusters")).out;
  const steady = (): SteadyClient => {
    if (client === undefined) throw new Error("the client does not run");
    return client;
  };
  /** Tells what a fault did to the client. */
  const report = (fault: string, sinceMs: number) => {
    const { answers, failures } = steady().since(sinceMs);
    const recovery = (steady().recoveryMs(sinceMs) / 1000).toFixed(1);
    console.log(
      `${fault}: ${answers - failures} of ${answers} answered, recovered after ${recovery} s; per second: ${steady().perSecond(sinceMs)}`,
    );
    return { answers, failures };
  };
  const steadyAgain = async () => {
    const { answers, failures } = steady().since(performance.now() - 2500);
    return failures === 0 && answers > 8;
  };
  /**
   * What the retry policy allows: while any cluster can answer, nothing; while none can, the calls that began in that time, or were still under
   * way when it began.
   */
  const expectWithin = (fault: string, sinceMs: number, outage?: { readonly endedMs: number }) => {
    const { failures } = report(fault, sinceMs);
    if (outage === undefined) return expect(failures).toBe(0);
    const allowed = Math.ceil((outage.endedMs - sinceMs + CALL_MS) / CALL_EVERY_MS);
    console.log(`${fault}: ${failures} failures of at most ${allowed} that the policy allows`);
    expect(failures).toBeLessThanOrEqual(allowed);
    // Once mended, no call that begins after that may fail: the last failure is one that had begun before.
    expect(sinceMs + steady().recoveryMs(sinceMs)).toBeLessThanOrEqual(outage.endedMs + CALL_MS + MENDED_MS);
  };
  const calls = (count: number, sinceMs: number) =>
    eventually(`${count} calls`, async () => steady().since(sinceMs).answers >= count, 40_000);

  beforeAll(async () => {
    await ok("heddle ca root --out ca");
    // One after the other: the order gives the addresses.
    for (const name of clusters) await ok(`heddle local up --name ${name}`);
    await Promise.all(
      clusters.map(async (name) => {
        await ok(`heddle ca intermediate --root ca --cluster ${name}`);
        await kubectl(name, "create namespace istio-system");
        const files = ["ca-cert.pem", "ca-key.pem", "root-cert.pem", "cert-chain.pem"];
        await kubectl(
          name,
          `create secret generic cacerts -n istio-system ${files.map((file) => `--from-file=ca/${name}/${file}`).join(" ")}`,
        );
        const values = `--set values.global.multiCluster.clusterName=${name} --set values.global.network=net-${name}`;
        await ok(
          `istioctl --context=${name} install -y --set profile=minimal --set values.global.meshID=mesh1 --set meshConfig.accessLogFile=/dev/stdout ${values}`,
        );
        const gateway = `${join(samples, "multicluster/gen-eastwest-gateway.sh")} --network net-${name}`;
        await ok(`${gateway} | istioctl --context=${name} install -y -f -`);
        await kubectl(name, `apply -n istio-system -f ${join(samples, "multicluster/expose-services.yaml")}`);
        await kubectl(name, "create namespace sample");
        await kubectl(name, "label namespace sample istio-injection=enabled");
        await kubectl(name, `apply -n sample -f ${join(samples, "httpbin/httpbin.yaml")}`);
        if (name === "east") {
          await kubectl(name, `apply -n sample -f ${join(samples, "sleep/sleep.yaml")}`);
          await kubectl(name, "apply -n sample -f -", failover);
        }
        await kubectl(name, "wait -n sample --for=condition=Available deployment --all --timeout=60s");
      }),
    );
  }, 180_000);

  afterAll(async () => {
    await client?.close();
    await run("heddle local down --all");
    rmSync(folder, { recursive: true, force: true });
  });

  test("a remote secret brings the other cluster's endpoints, by its gateway", async () => {
    const secret = await ok("istioctl create-remote-secret --context=west --name west");
    expect(secret).toContain('istio/multiCluster: "true"');
    expect(secret).toContain("name: istio-remote-secret-west");
    expect(secret).toContain("server: https://198.18.1.1:6443");
    await kubectl("east", "apply -f -", secret);
    await eventually("west in sync", async () =>
      /west +istio-system\/istio-remote-secret-west +synced/.test(await remoteStatus()),
    );
    await eventually("an endpoint behind the gateway", async () => (await sent()).has(far));
  });

  test("multicluster check finds what is missing, and nothing once it is there", async () => {
    const check = "heddle multicluster check --contexts east,west";
    const half = await run(check);
    expect(half.code).toBe(1);
    expect(half.out).toContain("√ clusters trust each other's certificates");
    expect(half.out).toContain("west does not read east: heddle create-remote-secret --context east --name east");
    await ok("heddle create-remote-secret --context east --name east | kubectl --context west apply -f -");
    await eventually("nothing more to say", async () => (await run(check)).code === 0);

    const label = (network: string) =>
      kubectl("west", `label namespace istio-system topology.istio.io/network=${network} --overwrite`);
    await label("net-wets");
    await kubectl("east", "create service clusterip -n sample unlike --tcp=80:80");
    const skewed = await withOtherClock(config("west"), -90);
    try {
      await kubectl("west", "create service clusterip -n sample unlike --tcp=80");
      writeFileSync(config("west"), skewed.kubeconfig);
      const { out } = await run(check);
      expect(out).toContain("namespace istio-system of west is labelled topology.istio.io/network=net-wets, but");
      expect(out).toContain('port 80 ("80-80") of Service sample/unlike in east is named "80" in west');
      expect(out).toMatch(/the clock of west is (89|9\d) s behind this machine's/);
    } finally {
      writeFileSync(config("west"), skewed.before);
      await skewed.close();
    }
    await label("net-west");
    for (const name of clusters) await kubectl(name, "delete service -n sample unlike");
    await eventually("nothing more to say", async () => (await run(check)).code === 0);
  });

  test("names that can't be: the own one, one that leads back here, one that is taken", async () => {
    const own = (await ok("istioctl create-remote-secret --context=west --name east")).replace(
      "istio-remote-secret-east",
      "wrong-name",
    );
    const back = await ok("istioctl create-remote-secret --context=east --name north");
    const west = await ok("istioctl create-remote-secret --context=west --name west");
    const revoked = west.replace(/token: .*/, "token: nobody").replaceAll(/west$|west(?=:|\n)/gm, "south");
    for (const secret of [own, back, west.replace("istio-remote-secret-west", "zest"), revoked])
      await kubectl("east", "apply -f -", secret);
    await eventually("each is told", () => refusedAndRevoked());
  });

  test("local first; all local replicas gone: the other cluster answers; back without flapping", async () => {
    client = startSteadyClient(inSleep, call, env);
    const start = performance.now();
    await eventually(
      "calls that work",
      async () => steady().since(start).answers - steady().since(start).failures >= 5,
    );
    const before = (await sent()).get(far) ?? 0;
    const calm = performance.now();
    await calls(10, calm);
    expect((await sent()).get(far)).toBe(before);
    const gone = performance.now();
    await replicas("east", "sample/httpbin", 0);
    await eventually("calls at the far gateway", async () => ((await sent()).get(far) ?? 0) > before + 5);
    expectWithin("all local replicas gone", gone);
    const back = performance.now();
    await replicas("east", "sample/httpbin", 1);
    await kubectl("east", "rollout status -n sample deployment/httpbin --timeout=60s");
    await eventually("local calls only", async () => {
      const seen = (await sent()).get(far);
      const since = performance.now();
      await calls(8, since);
      return (await sent()).get(far) === seen;
    });
    const seen = (await sent()).get(far);
    await calls(25, performance.now());
    expect((await sent()).get(far)).toBe(seen);
    expectWithin("local replicas back", back);
  });

  test("replicas that are killed instead of drained: retries hide it", async () => {
    const killed = performance.now();
    await kubectl("east", "delete pod -n sample -l app=httpbin --force --grace-period=0");
    await kubectl("east", "rollout status -n sample deployment/httpbin --timeout=60s");
    await calls(10, performance.now());
    expectWithin("all local replicas killed", killed);
  });

  test("control planes partitioned, then both restarted: nobody notices at home", async () => {
    const cut = performance.now();
    await ok("heddle local wan --cut --between east,west");
    await calls(10, cut);
    expectWithin("line between the control planes cut", cut);
    const { out: found } = await run("heddle multicluster check --contexts east,west");
    expect(found).toContain(`from east the gateway ${far} of network net-west does not answer`);
    const restarted = performance.now();
    await Promise.all(clusters.map((name) => kubectl(name, "delete pod -n istio-system -l app=istiod")));
    await Promise.all(
      clusters.map((name) => kubectl(name, "wait -n istio-system --for=condition=Ready pod --all --timeout=60s")),
    );
    await calls(10, performance.now());
    expectWithin("both control planes restarted while they can't see each other", restarted);
    for (const command of ["remote-clusters", "proxy-status"]) {
      const { err } = await run(`istioctl --context=east ${command}`);
      expect(err).toMatch(/cluster west is (syncing|timeout) .*never in sync since this control plane started/);
    }
    const metrics = await kubectl(
      "east",
      "get --raw /api/v1/namespaces/istio-system/services/istiod:15014/proxy/metrics",
    );
    expect(metrics).toContain('istiod_remote_cluster_last_sync_timestamp_seconds{cluster_id="west"} 0');
    expect(metrics).toContain('istiod_remote_cluster_sync_status{cluster_id="west",status="refused"} 1');
    await ok("heddle local wan --restore");
    await eventually("Secrets that were there from the start", () => refusedAndRevoked());
    await kubectl(
      "east",
      "delete secret -n istio-system wrong-name zest istio-remote-secret-north istio-remote-secret-south",
    );
    await eventually("west in sync again", async () => /west .* synced/.test(await remoteStatus()));
  });

  const rotate = async () => {
    const rotated = performance.now();
    await ok("heddle ca intermediate --root ca --cluster west --force");
    const files = ["ca-cert.pem", "ca-key.pem", "root-cert.pem", "cert-chain.pem"];
    const from = files.map((file) => `--from-file=ca/west/${file}`).join(" ");
    await ok(
      `kubectl --context=west create secret generic cacerts -n istio-system ${from} --dry-run=client -o yaml | kubectl --context=west replace -f -`,
    );
    await calls(15, rotated);
    expectWithin("an intermediate replaced", rotated);
  };

  test("a revoked account: its last state stays, and it is told; the gateway gone: errors until it is back", async () => {
    const revoked = await ok("istioctl create-remote-secret --context=west --name west");
    await kubectl("west", "delete secret -n istio-system istio-reader-service-account-istio-remote-secret-token");
    // The same kubeconfig once more, so that its token is looked at: the old one serves until a new one works.
    await kubectl("east", "apply -f -", revoked.replace("kind: Config", "kind: Config\n    extensions: []"));
    await eventually("a sentence about the token", async () => {
      const { err } = await run("istioctl --context=east remote-clusters");
      return /cluster west is (syncing|timeout) .*(401|refused|credentials)/i.test(err);
    });
    const since = performance.now();
    await replicas("east", "sample/httpbin", 0);
    const before = (await sent()).get(far) ?? 0;
    await eventually("calls at the far gateway", async () => ((await sent()).get(far) ?? 0) > before + 5);
    expectWithin("account revoked, then all local replicas gone", since);
    const dropped = performance.now();
    await replicas("west", "istio-system/istio-eastwestgateway", 0);
    await eventually("failures", async () => steady().since(dropped).failures > 0);
    await replicas("west", "istio-system/istio-eastwestgateway", 1);
    const gatewayBack = performance.now();
    await eventually("ten good calls in a row", () => steadyAgain());
    expectWithin("gateway gone and back", dropped, { endedMs: gatewayBack });
    await ok("istioctl create-remote-secret --context=west --name west | kubectl --context=east apply -f -");
    await eventually("west in sync with a new token", async () => /west .* synced/.test(await remoteStatus()));
  });

  test("all traffic remote: control planes restarted cost nothing; a line that is cut costs what retries can't hide", async () => {
    const since = performance.now();
    await Promise.all(clusters.map((name) => kubectl(name, "delete pod -n istio-system -l app=istiod")));
    await calls(15, performance.now());
    expectWithin("both control planes restarted while all traffic is remote", since);
    await rotate();
    const cut = performance.now();
    await ok("heddle local wan --cut --between east,west");
    await eventually("failures", async () => steady().since(cut).failures > 0, 30_000);
    const mended = performance.now();
    await ok("heddle local wan --restore");
    await eventually("ten good calls in a row", () => steadyAgain());
    expectWithin("line cut under all traffic", cut, { endedMs: mended });
    // Each failed call says in the log why: no connection, cut off, no host, too late; and that retries are used up.
    const log = await ok("kubectl --context=east logs -n sample deploy/sleep -c istio-proxy --tail=400");
    const failed = log.split("\n").filter((row) => /" 50[34] /.test(row));
    console.log(`in its access log: ${failed.at(-1)}`);
    expect(failed.length).toBeGreaterThan(0);
    for (const row of failed) expect(row).toMatch(/" 50[34] U[CFHRT]/);
  });
});
