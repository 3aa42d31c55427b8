import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBareHosts } from "./bare-hosts.ts";
import { heddle, root } from "./heddle-process.ts";
import { lineProblem } from "./line-between-clusters.ts";
import { eventually } from "./mesh-cluster.ts";
import { createShell } from "./shell.ts";

const line = lineProblem();
const missing = ["kubectl", "openssl", "curl"].filter((name) => Bun.which(name) === null);
if (line !== undefined) console.log(`skipped: no line between clusters: ${line}`);
else if (missing.length > 0) console.log(`skipped: the walkthrough needs ${missing.join(", ")} on PATH`);

setDefaultTimeout(120_000);

const VALUES = "values-istio-multicluster-gateways.yaml";
const OPERATOR = readFileSync(join(root, "samples/multicluster", VALUES), "utf8");
/** The older form of the same. */
const CONTROL_PLANE = OPERATOR.replace("v1alpha1", "v1alpha2")
  .replace("IstioOperator", "IstioControlPlane")
  .replace("  addonComponents:\n    istiocoredns:\n      enabled: true\n", "  coreDNS:\n    enabled: true\n");

const serviceEntry = (host: string, gateway: string, port = 15443) => `
apiVersion: networking.istio.io/v1alpha3
kind: ServiceEntry
metadata:
  name: ${host.replaceAll(".", "-")}
spec:
  hosts:
  - ${host}
  location: MESH_INTERNAL
  ports:
  - name: http1
    number: 8000
    protocol: http
  resolution: DNS
  addresses:
  - 240.0.0.2
  endpoints:
  - address: ${gateway}
    ports:
      http1: ${port}
`;

const corefile = (dns: string) => `
apiVersion: v1
kind: ConfigMap
metadata:
  name: coredns
  namespace: kube-system
data:
  Corefile: |
    .:53 {
        errors
        kubernetes cluster.local in-addr.arpa ip6.arpa
        forward . /etc/resolv.conf
    }
    global:53 {
        errors
        cache 30
        forward . ${dns}:53
    }
`;

describe.skipIf(line !== undefined || missing.length > 0)(
  "two clusters, replicated control planes, as the walkthrough has it",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "heddle-s1-"));
    const config = (name: string) => join(folder, "clusters", name, "kubeconfig");
    const shell = createShell(folder, {
      HEDDLE_STATE: folder,
      CTX_CLUSTER1: "cluster1",
      CTX_CLUSTER2: "cluster2",
      KUBECONFIG: `${config("cluster1")}:${config("cluster2")}`,
    });
    const { ok, run } = shell;
    const gateways: Record<string, string> = {};
    const inSleep = (context: string, namespace: string) =>
      `kubectl exec --context=${context} -n ${namespace} -c sleep deploy/sleep --`;

    beforeAll(async () => {
      writeFileSync(join(folder, VALUES), OPERATOR);
      writeFileSync(join(folder, "values-old.yaml"), CONTROL_PLANE);
      for (const name of ["cluster1", "cluster2"]) await ok(`heddle local up --name ${name}`);
    });

    afterAll(async () => {
      const down = await run("heddle local down --all");
      rmSync(folder, { recursive: true, force: true });
      expect(down.err).toContain('cluster "cluster2" ended');
    });

    test("1, 2: a root of openssl, an intermediate for each cluster, its Secret", async () => {
      await ok(
        "openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 3650 -subj '/O=Istio/CN=Root CA' -keyout root-key.pem -out root-cert.pem",
      );
      // By hand for one cluster, as Istio's Makefile does.
      await ok(
        "mkdir one && openssl req -newkey rsa:2048 -nodes -sha256 -subj '/O=Istio/CN=Intermediate CA/L=cluster1' -keyout one/ca-key.pem -out one/ca.csr",
      );
      writeFileSync(
        join(folder, "ext"),
        "basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,digitalSignature,nonRepudiation,keyEncipherment,keyCertSign\n",
      );
      await ok(
        "openssl x509 -req -days 730 -CA root-cert.pem -CAkey root-key.pem -CAcreateserial -in one/ca.csr -extfile ext -out one/ca-cert.pem",
      );
      await ok("cat one/ca-cert.pem root-cert.pem > one/cert-chain.pem && cp root-cert.pem one/");
      await ok("heddle ca intermediate --root . --cluster cluster2 --out two");
      expect(await ok("heddle ca check one")).toContain("CN=Root CA");
      for (const [context, files] of [
        ["$CTX_CLUSTER1", "one"],
        ["$CTX_CLUSTER2", "two"],
      ]) {
        await ok(`kubectl create --context=${context} namespace istio-system`);
        const secret = `kubectl create --context=${context} secret generic cacerts -n istio-system`;
        expect(
          await ok(
            `cd ${files} && ${secret} --from-file=ca-cert.pem --from-file=ca-key.pem --from-file=root-cert.pem --from-file=cert-chain.pem`,
          ),
        ).toBe("secret/cacerts created\n");
      }
    });

    test("3: istioctl manifest apply with either form of the operator's file", async () => {
      const done = await Promise.all([
        ok("istioctl --context=$CTX_CLUSTER1 manifest apply -f values-istio-multicluster-gateways.yaml"),
        ok("istioctl --context=$CTX_CLUSTER2 manifest apply -f values-old.yaml"),
      ]);
      for (const out of done)
        expect(out).toContain("✔ Ingress gateways installed\n✔ Mesh DNS (istiocoredns) installed\n");
      for (const context of ["cluster1", "cluster2"]) {
        const pods = (await ok(`kubectl get pods --context=${context} -n istio-system --no-headers`))
          .trim()
          .split("\n");
        expect(pods.map((row) => row.split(/\s+/).slice(1, 3).join(" "))).toEqual([
          "1/1 Running",
          "1/1 Running",
          "1/1 Running",
        ]);
        const jsonpath = "jsonpath='{.status.loadBalancer.ingress[0].ip}'";
        gateways[context] = await ok(
          `kubectl get --context=${context} svc istio-ingressgateway -n istio-system -o ${jsonpath}`,
        );
      }
      expect([gateways["cluster1"], gateways["cluster2"]]).toEqual(["198.18.0.1", "198.18.1.1"]);
    });

    test("4, 5: DNS in both stock forms; the applications, injected", async () => {
      const dns = (context: string) =>
        `$(kubectl get --context=${context} svc -n istio-system istiocoredns -o jsonpath={.spec.clusterIP})`;
      // Nobody asks it yet.
      const check = async () => (await run("heddle multicluster check --contexts cluster1,cluster2")).out;
      const missing = "has the mesh's DNS at";
      expect((await check()).split(missing).length).toBe(3);
      const stub =
        '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-dns", "namespace": "kube-system"}, "data": {"stubDomains": "{\\"global\\": [\\"IP\\"]}"}}';
      await ok(`sed "s/IP/${dns("cluster1")}/" | kubectl apply --context=cluster1 -f -`, stub);
      await ok("kubectl apply --context=cluster2 -f -", corefile((await ok(`echo ${dns("cluster2")}`)).trim()));
      for (const [context, namespace] of [
        ["cluster1", "foo"],
        ["cluster2", "bar"],
      ]) {
        await ok(`kubectl create --context=${context} namespace ${namespace}`);
        await ok(`kubectl label --context=${context} namespace ${namespace} istio-injection=enabled`);
        for (const sample of ["sleep", "httpbin"])
          await ok(
            `kubectl apply --context=${context} -n ${namespace} -f ${join(root, "samples", sample, `${sample}.yaml`)}`,
          );
      }
      await ok("kubectl run --context=cluster1 stranger --image=debian -- sleep infinity");
      await ok("kubectl wait --context=cluster1 --for=condition=Ready pod/stranger --timeout=50s");
      for (const [context, namespace] of [
        ["cluster1", "foo"],
        ["cluster2", "bar"],
      ])
        await ok(
          `kubectl wait --context=${context} -n ${namespace} --for=condition=Available deployment --all --timeout=50s`,
        );
      const ready = await ok("kubectl get pods --context=cluster1 -n foo --no-headers");
      expect(
        ready
          .trim()
          .split("\n")
          .every((row) => row.includes("2/2")),
      ).toBe(true);
      // Only the gateways' addresses lead across.
      const pod = await ok(
        "kubectl get pods --context=cluster2 -n bar -l app=httpbin -o jsonpath={.items[0].status.podIP}",
      );
      const direct = await run(`kubectl exec --context=cluster1 stranger -- bash -c 'exec 3<>/dev/tcp/${pod}/8080'`);
      expect(direct.err).toContain("Connection refused");
    });

    test("6, 7: curl -I answers 200, the other side sees who called; and the other way round", async () => {
      const entry = serviceEntry("httpbin.bar.global", gateways["cluster2"] ?? "");
      expect(await ok("kubectl apply --context=$CTX_CLUSTER1 -n foo -f -", entry)).toContain(
        "httpbin-bar-global created",
      );
      // The other way round without writing it by hand.
      const back = "heddle multicluster expose httpbin --context $CTX_CLUSTER1 -n foo";
      expect(await ok(`${back} | kubectl apply --context=$CTX_CLUSTER2 -n bar -f -`)).toContain("httpbin-foo created");
      const calls = [
        {
          from: inSleep("$CTX_CLUSTER1", "foo"),
          host: "httpbin.bar.global",
          caller: "ns/foo/sa/sleep",
          server: "ns/bar/sa/httpbin",
        },
        {
          from: inSleep("$CTX_CLUSTER2", "bar"),
          host: "httpbin.foo.global",
          caller: "ns/bar/sa/sleep",
          server: "ns/foo/sa/httpbin",
        },
      ];
      for (const { from, host, caller, server } of calls) {
        const head = await eventually(`an answer from ${host}`, async () => {
          const { out } = await run(`${from} curl -sS -m 5 -I ${host}:8000/headers`);
          return out.includes("200 OK") ? out : undefined;
        });
        expect(head).toStartWith("HTTP/1.1 200 OK\r\n");
        expect(head).toContain("server: istio-envoy");
        const seen = await ok(`${from} curl -sS -m 5 ${host}:8000/headers`);
        expect(seen).toContain(`By=spiffe://cluster.local/${server}`);
        expect(seen).toContain(`URI=spiffe://cluster.local/${caller}`);
      }
      // The given address, and one of its own where none is given; the search domains find the short name.
      const resolve = (from: string, host: string) => ok(`${from} getent hosts ${host}`);
      expect(await resolve(inSleep("cluster1", "foo"), "httpbin.bar.global")).toContain("240.0.0.2");
      expect(await resolve(inSleep("cluster2", "bar"), "httpbin.foo.global")).toMatch(/^240\.0\.\d+\.\d+ /);
      expect(await resolve(inSleep("cluster1", "foo"), "httpbin.bar")).toContain("240.0.0.2");
    });

    test("hosts without Kubernetes are a member like the others: they call pods, and pods call them", async () => {
      await ok("heddle ca intermediate --root . --cluster hosts --out hosts");
      const expose = `heddle multicluster expose httpbin --context $CTX_CLUSTER1 -n foo`;
      const hosts = await startBareHosts(shell, "cluster2", await ok(expose));
      const entry = serviceEntry("ledger.shop.global", gateways["cluster2"] ?? "", hosts.port);
      await ok("kubectl apply --context=$CTX_CLUSTER1 -n foo -f -", entry.replace("240.0.0.2", "240.0.0.3"));
      const calls = [
        {
          from: inSleep("cluster1", "foo"),
          host: "ledger.shop.global",
          caller: "foo/sa/sleep",
          server: "shop/sa/ledger",
        },
        { from: hosts.command(""), host: "httpbin.foo.global", caller: "shop/sa/ledger", server: "foo/sa/httpbin" },
      ];
      for (const { from, host, caller, server } of calls) {
        const seen = await eventually(`an answer from ${host}`, async () => {
          const { out } = await run(`${from} curl -sS -m 5 ${host}:8000/headers`);
          return out.includes("By=spiffe://") ? out : undefined;
        });
        expect(seen).toContain(`By=spiffe://cluster.local/ns/${server}`);
        expect(seen).toContain(`URI=spiffe://cluster.local/ns/${caller}`);
      }
    });

    test("strangers get nothing through 15443, and the gateway says why", async () => {
      await ok(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=stranger -addext 'subjectAltName=URI:spiffe://cluster.local/ns/foo/sa/sleep' -keyout evil-key.pem -out evil.pem",
      );
      const level = "istioctl --context=cluster2 proxy-config log";
      await ok(`${level} deploy/istio-ingressgateway.istio-system --level debug`);
      await ok(`${level} deploy/httpbin.bar --level info`);
      const stranger = "kubectl exec -i --context=cluster1 stranger -- bash -c";
      const connect = (flags: string) =>
        run(
          `${stranger} "cat > /tmp/evil.pem; timeout 5 openssl s_client -quiet -connect ${gateways["cluster2"]}:15443 ${flags} < <(printf 'GET /headers HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'; sleep 1) 2>&1"`,
          pair,
        );
      const pair = await ok("cat evil.pem evil-key.pem");
      const right = "-servername outbound_.8000_._.httpbin.bar.global";
      const answers = {
        foreign: await connect("-servername outbound_.8000_._.nobody.bar.global -alpn istio"),
        plain: await connect(right),
        anonymous: await connect(`${right} -alpn istio`),
        otherRoot: await connect(`${right} -alpn istio -cert /tmp/evil.pem -key /tmp/evil.pem`),
      };
      for (const { out } of Object.values(answers)) expect(out).not.toContain("HTTP/1.1 200");
      await eventually("a sentence about the name in the gateway's log", async () => {
        const log = await ok("kubectl logs --context=cluster2 -n istio-system deploy/istio-ingressgateway");
        return (
          log.includes("no filter chain matches; the connection is closed") &&
          log.includes("outbound_.8000_._.nobody.bar.global")
        );
      });
      // The one without a certificate and the one of another root reached the sidecar and no further.
      await eventually(
        "a sentence about both in the sidecar's log",
        async () => {
          const log = await ok("kubectl logs --context=cluster2 -n bar deploy/httpbin -c istio-proxy");
          return log.match(/TLS handshake with a client failed .*reason=/g)?.length === 2;
        },
        40_000,
      );
    });

    test("a slow line is slow, a cut one is a sentence, a mended one works again", async () => {
      const call = `${inSleep("cluster1", "foo")} curl -sS -m 8 -w '\\n%{http_code} %{time_total}' httpbin.bar.global:8000/status/200`;
      const wan = await ok("heddle local wan --delay 60ms");
      expect(wan).toMatch(/cluster1 +cluster2 +up +60 ms +0 %/);
      const slow = (await ok(call)).trim().split(" ");
      expect(slow[0]).toBe("200");
      expect(Number(slow[1])).toBeGreaterThanOrEqual(0.12);
      expect(await ok("heddle local wan --cut --between cluster1,cluster2")).toMatch(/cluster2 +cluster1 +cut/);
      const cut = await run(call.replace("-m 8", "-m 3"));
      expect(cut.out).not.toContain("200 ");
      expect(await ok("heddle local wan --restore")).toMatch(/cluster1 +cluster2 +up +0 ms/);
      await eventually("an answer over the mended line", async () =>
        (await run(call)).out.includes("200 ") ? true : undefined,
      );
    });
  },
);

test.skipIf(line !== undefined || Bun.which("curl") === null)(
  "demo multicluster --once: from nothing to the answer and its picture; nothing stays",
  async () => {
    const state = mkdtempSync(join(tmpdir(), "heddle-md-"));
    const demo = heddle(["demo", "multicluster", "--once"], { HEDDLE_STATE: state });
    expect(await demo.exited).toBe(0);
    expect(demo.stdout()).toContain("HTTP/1.1 200 OK\n");
    expect(demo.stdout()).toContain("httpbin sees spiffe://cluster.local/ns/foo/sa/sleep");
    const list = heddle(["local", "list"], { HEDDLE_STATE: state });
    await list.exited;
    expect(list.output()).toContain("no cluster is running");
    rmSync(state, { recursive: true, force: true });
  },
);
