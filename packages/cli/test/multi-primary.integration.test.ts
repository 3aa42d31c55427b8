import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./heddle-process.ts";
import { lineProblem } from "./line-between-clusters.ts";
import { eventually } from "./mesh-cluster.ts";
import { withOtherClock } from "./other-clock.ts";
import { CALL_EVERY_MS, type SteadyClient, startSteadyClient } from "./steady-client.ts";
import { createTwoPrimaries, primaries } from "./two-primaries.ts";

const line = lineProblem();
const missing = ["kubectl", "curl"].filter((name) => Bun.which(name) === null);
if (line !== undefined) console.log(`skipped: no line between clusters: ${line}`);
else if (missing.length > 0) console.log(`skipped: the walkthrough needs ${missing.join(", ")} on PATH`);

setDefaultTimeout(120_000);

const samples = join(root, "samples");

/** A gateway or a line is found usable again within this: ejections of 1 s that grow, and connections that have to be made anew. Units: ms. */
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
    outlierDetection: {consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 1s, maxEjectionPercent: 100}
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

/** Two replicas in the client's cluster, one in the other; each can be made to fail by a file. Who fails is left alone for a while. */
const spilling = (cluster: string) => `
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: ${cluster === "east" ? 2 : 1}
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: shop
        image: debian
        command: [/opt/heddle/bun, -e]
        args:
        - >-
          Bun.serve({port: 8080, fetch: () => new Response("",
          {status: require("node:fs").existsSync("/tmp/sick") ? 503 : 200, headers: {"x-from": "${cluster}"}})})
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec:
  host: shop.sample.svc.cluster.local
  trafficPolicy:
    outlierDetection: {consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 6s, maxEjectionPercent: 100}
    loadBalancer: {localityLbSetting: {enabled: true, failoverPriority: [topology.istio.io/cluster]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec: {hosts: [shop], http: [{route: [{destination: {host: shop}}], retries: {attempts: 2, retryOn: 5xx}}]}
`;

describe.skipIf(line !== undefined || missing.length > 0)("two primaries on two networks", () => {
  const mesh = createTwoPrimaries();
  const { ok, cli, told, kubectl, replicas } = mesh;
  const inSleep = ["kubectl", "--context=east", "exec", "-n", "sample", "deploy/sleep", "-c", "sleep", "--"];
  let client: SteadyClient | undefined;

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
    const { out, err } = await cli("istioctl --context=east remote-clusters");
    const status = (await cli("istioctl --context=east proxy-status")).err;
    return (
      out.split("refused").length === 4 &&
      [err, status].every(
        (text) =>
          text.includes("east is the name of this cluster itself") &&
          text.includes("its kubeconfig leads to cluster east, where this control plane runs") &&
          text.includes("described by the older Secret istio-system/istio-remote-secret-west already") &&
          /cluster south is (syncing|timeout) .*did not accept the credentials/.test(text),
      )
    );
  };
  const remoteStatus = async () => (await cli("istioctl --context=east remote-clusters")).out;
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
    const { answers, failures } = steady().since(performance.now() - 2000);
    return failures === 0 && answers > 10;
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

  beforeAll(
    () =>
      mesh.start(async (name) => {
        await kubectl(name, `apply -n sample -f ${join(samples, "httpbin/httpbin.yaml")}`);
        await kubectl(name, "apply -n sample -f -", spilling(name));
        if (name === "west") return;
        await kubectl(name, `apply -n sample -f ${join(samples, "sleep/sleep.yaml")}`);
        await kubectl(name, "apply -n sample -f -", failover);
      }),
    180_000,
  );

  afterAll(async () => {
    await client?.close();
    await mesh.close();
  });

  test("a remote secret brings the other cluster's endpoints, by its gateway", async () => {
    const secret = await told("istioctl create-remote-secret --context=west --name west");
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
    const half = await cli(check);
    expect(half.code).toBe(1);
    expect(half.out).toContain("√ clusters trust each other's certificates");
    expect(half.out).toContain("west does not read east: heddle create-remote-secret --context east --name east");
    await kubectl("west", "apply -f -", await told("heddle create-remote-secret --context east --name east"));
    await eventually("nothing more to say", async () => (await cli(check)).code === 0);

    const label = (network: string) =>
      kubectl("west", `label namespace istio-system topology.istio.io/network=${network} --overwrite`);
    await label("net-wets");
    await kubectl("east", "create service clusterip -n sample unlike --tcp=80:80");
    const skewed = await withOtherClock(mesh.config("west"), -90);
    try {
      await kubectl("west", "create service clusterip -n sample unlike --tcp=80");
      writeFileSync(mesh.config("west"), skewed.kubeconfig);
      const { out } = await cli(check);
      expect(out).toContain("namespace istio-system of west is labelled topology.istio.io/network=net-wets, but");
      expect(out).toContain('port 80 ("80-80") of Service sample/unlike in east is named "80" in west');
      expect(out).toMatch(/the clock of west is (89|9\d) s behind this machine's/);
    } finally {
      writeFileSync(mesh.config("west"), skewed.before);
      await skewed.close();
    }
    await label("net-west");
    const analyze = "istioctl --context=east analyze -n sample";
    const named = await cli(`${analyze} --remote-contexts west`);
    expect(named.out).toContain("Warning [IST0170] (Service sample/unlike)");
    // The remote secret says who else there is where nobody is named; its address is one of the clusters' own network.
    expect((await cli(analyze)).err).toContain("cluster west is not looked at");
    expect((await cli(`${analyze} --remote-contexts nowhere`)).err).toContain("nowhere");
    for (const name of primaries) await kubectl(name, "delete service -n sample unlike");
    await eventually("nothing more to say", async () => (await cli(check)).code === 0);
  });

  test("names that can't be: the own one, one that leads back here, one that is taken", async () => {
    const own = (await told("istioctl create-remote-secret --context=west --name east")).replace(
      "istio-remote-secret-east",
      "wrong-name",
    );
    const back = await told("istioctl create-remote-secret --context=east --name north");
    const west = await told("istioctl create-remote-secret --context=west --name west");
    const revoked = west.replace(/token: .*/, "token: nobody").replaceAll(/west$|west(?=:|\n)/gm, "south");
    for (const secret of [own, back, west.replace("istio-remote-secret-west", "zest"), revoked])
      await kubectl("east", "apply -f -", secret);
    await eventually("each is told", () => refusedAndRevoked());
  });

  test("local first; all local replicas gone: the other cluster answers; back without flapping", async () => {
    client = startSteadyClient(inSleep, "http://httpbin:8000/status/200", mesh.env);
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

  test("half of the local replicas fail: 30 % of the calls go to the other cluster, and come back for good", async () => {
    const shop = startSteadyClient(inSleep, "http://shop", mesh.env, 40);
    try {
      // While some of the calls spill, this long without one of them is no chance.
      const isHome = async () => [...shop.shares(performance.now() - 3000).keys()].join() === "east";
      await eventually("local calls", isHome);
      const [sick] = (await kubectl("east", "get pods -n sample -l app=shop -o name")).split("\n");
      const started = performance.now();
      await kubectl("east", `exec -n sample ${sick} -c shop -- touch /tmp/sick`);
      await eventually("calls abroad", async () => (shop.shares(started).get("west") ?? 0) > 0);
      const spilled = performance.now();
      await Bun.sleep(4000);
      const shares = shop.shares(spilled);
      await kubectl("east", `exec -n sample ${sick} -c shop -- rm /tmp/sick`);
      await eventually("local calls only", isHome);
      console.log(`spilling, by second: ${shop.sharesPerSecond(started)}`);
      // Half of the replicas times 1.4: they get 70 %. As far off as no chance brings it.
      const [near = 0, far = 0] = [shares.get("east"), shares.get("west")];
      expect(near + far).toBeGreaterThan(20);
      expect(Math.abs(far / (near + far) - 0.3)).toBeLessThan(6 * Math.sqrt((0.3 * 0.7) / (near + far)));
      expect(shop.since(started).failures).toBe(0);
    } finally {
      await shop.close();
    }
  });

  test("control planes partitioned, then both restarted: nobody notices at home", async () => {
    const cut = performance.now();
    await ok("heddle local wan --cut --between east,west");
    await calls(10, cut);
    expectWithin("line between the control planes cut", cut);
    const { out: found } = await cli("heddle multicluster check --contexts east,west");
    expect(found).toContain(`from east the gateway ${far} of network net-west does not answer`);
    const restarted = performance.now();
    await Promise.all(primaries.map((name) => kubectl(name, "delete pod -n istio-system -l app=istiod")));
    await Promise.all(
      primaries.map((name) => kubectl(name, "wait -n istio-system --for=condition=Ready pod --all --timeout=60s")),
    );
    await calls(10, performance.now());
    expectWithin("both control planes restarted while they can't see each other", restarted);
    for (const command of ["remote-clusters", "proxy-status"]) {
      const { err } = await cli(`istioctl --context=east ${command}`);
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

  const giveCa = (name: string, folder: string) =>
    ok(
      `kubectl --context=${name} create secret generic cacerts -n istio-system ${mesh.caFiles(folder)} --dry-run=client -o yaml | kubectl --context=${name} replace -f -`,
    );
  const rotate = async () => {
    const rotated = performance.now();
    await ok("heddle ca intermediate --root ca --cluster west --force");
    await giveCa("west", "ca/west");
    await calls(15, rotated);
    expectWithin("an intermediate replaced", rotated);
  };

  test("a revoked account: its last state stays, and it is told; the gateway gone: errors until it is back", async () => {
    const revoked = await told("istioctl create-remote-secret --context=west --name west");
    await kubectl("west", "delete secret -n istio-system istio-reader-service-account-istio-remote-secret-token");
    // The same kubeconfig once more, so that its token is looked at: the old one serves until a new one works.
    await kubectl("east", "apply -f -", revoked.replace("kind: Config", "kind: Config\n    extensions: []"));
    await eventually("a sentence about the token", async () => {
      const { err } = await cli("istioctl --context=east remote-clusters");
      return /cluster west is (syncing|timeout) .*(401|refused|credentials)/i.test(err);
    });
    const since = performance.now();
    await replicas("east", "sample/httpbin", 0);
    const before = (await sent()).get(far) ?? 0;
    await eventually("calls at the far gateway", async () => ((await sent()).get(far) ?? 0) > before + 5);
    expectWithin("account revoked, then all local replicas gone", since);
    const dropped = performance.now();
    await replicas("west", "istio-system/istio-eastwestgateway", 0);
    await kubectl("west", "delete pod -n istio-system -l istio=eastwestgateway --force --grace-period=0");
    await eventually("failures", async () => steady().since(dropped).failures > 0);
    await replicas("west", "istio-system/istio-eastwestgateway", 1);
    const gatewayBack = performance.now();
    await eventually("ten good calls in a row", () => steadyAgain());
    expectWithin("gateway gone and back", dropped, { endedMs: gatewayBack });
    await kubectl("east", "apply -f -", await told("istioctl create-remote-secret --context=west --name west"));
    await eventually("west in sync with a new token", async () => /west .* synced/.test(await remoteStatus()));
  });

  test("all traffic remote: control planes restarted cost nothing; a line that is cut costs what retries can't hide", async () => {
    const since = performance.now();
    await Promise.all(primaries.map((name) => kubectl(name, "delete pod -n istio-system -l app=istiod")));
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

  test("no shared root any more: what is signed by the other one is refused, and check says what to do", async () => {
    await ok("heddle ca root --out other && heddle ca intermediate --root other --cluster west --out other/west");
    await giveCa("west", "other/west");
    await eventually("roots that differ", async () =>
      (await cli("heddle multicluster check --contexts east,west")).out.includes(
        "east and west have different roots, so neither believes the other's certificates: make one root (heddle ca root)",
      ),
    );
    await kubectl("west", "rollout restart -n sample deployment/httpbin");
    await kubectl("west", "rollout status -n sample deployment/httpbin --timeout=60s");
    await eventually("refusals", async () => {
      const { answers, failures } = steady().since(performance.now() - 1000);
      return failures === answers && answers > 5;
    });
    // While the gateway's host is ejected nothing is tried, so there is no reason.
    const refused = await eventually("the reason in the caller's access log", async () =>
      (await ok("kubectl --context=east logs -n sample deploy/sleep -c istio-proxy --tail=400"))
        .split("\n")
        .find((row) => row.includes("CERTIFICATE_VERIFY_FAILED")),
    );
    console.log(`in its access log: ${refused}`);
    expect(refused).toMatch(/" 503 U[FH]/);
  });
});
