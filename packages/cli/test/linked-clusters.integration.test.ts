import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./heddle-process.ts";
import { lineProblem } from "./line-between-clusters.ts";
import { eventually } from "./mesh-cluster.ts";
import { settles } from "./settles.ts";
import { createShell } from "./shell.ts";

/** The two are not alike: names end differently. */
const domains = { east: "cluster.local", west: "west.internal" } as const;

/** Pods with names of their own. */
const stateful = `
apiVersion: v1
kind: Service
metadata: {name: db, labels: {mirror.linkerd.io/exported: "true"}}
spec: {clusterIP: None, selector: {app: db}, ports: [{name: http, port: 8000, targetPort: 8000}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: httpbin, image: mccutchen/go-httpbin, env: [{name: PORT, value: "8000"}]}]}
`;

const line = lineProblem();
const missing = ["kubectl", "curl"].filter((name) => Bun.which(name) === null);
if (line !== undefined) console.log(`skipped: no line between clusters: ${line}`);
else if (missing.length > 0) console.log(`skipped: linking clusters needs ${missing.join(", ")} on PATH`);

setDefaultTimeout(100_000);

describe.skipIf(line !== undefined || missing.length > 0)("two clusters, linked as Linkerd's users do it", () => {
  const folder = mkdtempSync(join(tmpdir(), "heddle-link-"));
  const config = (name: string) => join(folder, "clusters", name, "kubeconfig");
  const { ok, run } = createShell(folder, {
    HEDDLE_STATE: folder,
    KUBECONFIG: `${config("east")}:${config("west")}`,
  });
  const east = "kubectl --context=east";
  const west = "kubectl --context=west";
  const curl = (host: string, path = "headers") =>
    run(`${east} -n app exec deploy/sleep -c sleep -- curl -sS -m 5 -w '\\n%{http_code}' ${host}:8000/${path}`);
  const answered = (host: string, path?: string) =>
    eventually(`an answer of ${host}`, async () => {
      const { out } = await curl(host, path);
      return out.endsWith("\n200") ? out : undefined;
    });
  const ready = (slice: string) => ok(`${east} -n app get endpointslices ${slice} -o jsonpath='{..conditions.ready}'`);

  beforeAll(async () => {
    // One network, so that both forms have a way; only the gateway's address is in Links.
    for (const [name, domain] of Object.entries(domains))
      await ok(`heddle local up --name ${name} --flat --cluster-domain ${domain}`);
    await ok("heddle ca root");
    await Promise.all(
      Object.entries(domains).map(async ([name, domain]) => {
        const files = ["ca-cert.pem", "ca-key.pem", "root-cert.pem", "cert-chain.pem"]
          .map((file) => `--from-file=ca/${name}/${file}`)
          .join(" ");
        const kubectl = `kubectl --context=${name}`;
        await ok(`heddle ca intermediate --cluster ${name} && ${kubectl} create namespace linkerd`);
        await ok(`${kubectl} create secret generic cacerts -n linkerd ${files}`);
        await ok(`linkerd install --cluster-domain ${domain} | ${kubectl} apply -f -`);
        await ok(`${kubectl} wait -n linkerd --for=condition=Available deployment --all --timeout=50s`);
        await ok(
          `linkerd multicluster install --gateway-probe-seconds 1 --set enableHeadlessServices=true | ${kubectl} apply -f -`,
        );
        await ok(`${kubectl} create namespace app && ${kubectl} annotate namespace app linkerd.io/inject=enabled`);
        await ok(`${kubectl} apply -n app -f ${join(root, "samples/httpbin/httpbin.yaml")}`);
      }),
    );
    await ok(`${east} apply -n app -f ${join(root, "samples/sleep/sleep.yaml")}`);
    for (const name of ["east", "west"])
      for (const namespace of ["linkerd-multicluster", "app"])
        await ok(
          `kubectl --context=${name} wait -n ${namespace} --for=condition=Available deployment --all --timeout=50s`,
        );
  });

  afterAll(async () => {
    await run("heddle local down --all");
    rmSync(folder, { recursive: true, force: true });
  });

  test("an exported Service is called through the gateway, and its server sees who calls", async () => {
    // An account of its own for each cluster that mirrors: one can be taken away without the others.
    await ok(`linkerd multicluster allow --service-account-name east | ${west} apply -f -`);
    const account = "--service-account-name east";
    await ok(`linkerd --context=west multicluster link --cluster-name west ${account} | ${east} apply -f -`);
    await ok(`${west} -n app label service httpbin mirror.linkerd.io/exported=true`);
    const seen = await answered("httpbin-west");
    expect(seen).toContain("By=spiffe://cluster.local/ns/app/sa/httpbin");
    expect(seen).toContain("URI=spiffe://cluster.local/ns/app/sa/sleep");
    const subset = await ok(`${east} -n app get endpoints httpbin-west -o jsonpath='{.subsets[0]}' 2>/dev/null`);
    expect(JSON.parse(subset)).toEqual({
      addresses: [{ ip: "198.18.1.1" }],
      ports: [{ name: "http", port: 4143, protocol: "TCP" }],
    });
    // The mirror serves before its gateway was first asked.
    await settles(async () =>
      expect(await ok("linkerd --context=east multicluster gateways")).toMatch(
        /^CLUSTER +ALIVE +NUM_SVC +LATENCY\nwest +True +1 +\d+ms\n$/,
      ),
    );
    const check = await ok("linkerd --context=east multicluster check --wait 20s");
    expect(check).toContain("√ clusters share trust anchors\n\t* west\n");
    expect(check).toContain("Status check results are √");
    // Without the mesh's TLS the gateway leads nowhere.
    const plain = await run(
      `${east} -n app exec deploy/sleep -c istio-proxy -- bash -c "exec 3<>/dev/tcp/198.18.1.1/4143; printf 'GET /headers HTTP/1.1\\r\\nHost: httpbin\\r\\n\\r\\n' >&3; timeout 3 cat <&3"`,
    );
    expect(plain.out).not.toContain("200 OK");
  });

  test("the pods of an exported headless Service are called by their names below its mirror", async () => {
    await ok(`${west} -n app apply -f -`, stateful);
    await ok(`${west} -n app rollout status statefulset/db --timeout=50s`);
    for (const pod of ["db-0", "db-1"]) {
      const host = `${pod}.db-west`;
      const seen = await answered(host);
      expect(seen).toContain("By=spiffe://cluster.local/ns/app/sa/default");
      expect(seen).toContain("URI=spiffe://cluster.local/ns/app/sa/sleep");
      expect(await answered(host, "hostname")).toContain(pod);
    }
    // Whichever of them.
    await answered("db-west");
  });

  test("on one network pods are called straight, federated ones as one Service over both clusters", async () => {
    await ok(`${west} -n app create service clusterip direct --tcp=8000:8080`);
    await ok(`${west} -n app patch service direct -p '{"spec":{"selector":{"app":"httpbin"}}}'`);
    await ok(`${west} -n app label service direct mirror.linkerd.io/exported=remote-discovery`);
    for (const kubectl of [east, west])
      await ok(`${kubectl} -n app label service httpbin mirror.linkerd.io/federated=member`);
    // Until the caller's proxy knows the new Service, its address is one outside of the mesh.
    for (const host of ["direct-west", "httpbin-federated"])
      await settles(async () => expect(await answered(host)).toContain("URI=spiffe://cluster.local/ns/app/sa/sleep"));
    const addresses = async (service: string) =>
      (
        await ok(
          `${east} -n app get endpointslices -l kubernetes.io/service-name=${service} -o jsonpath='{.items[*].endpoints[*].addresses[0]}'`,
        )
      )
        .split(" ")
        .sort();
    const pod = (kubectl: string) =>
      ok(`${kubectl} -n app get pods -l app=httpbin -o jsonpath='{.items[0].status.podIP}'`);
    const [here, there] = [await pod(east), await pod(west)];
    expect(await addresses("direct-west")).toEqual([there]);
    await eventually("both members", async () => (await addresses("httpbin-federated")).length === 2);
    expect(await addresses("httpbin-federated")).toEqual([here, there].sort());
    const discovery = "jsonpath='{.metadata.annotations.multicluster\\.linkerd\\.io/remote-discovery}'";
    expect(await ok(`${east} -n app get service httpbin-federated -o ${discovery}`)).toBe("httpbin@west");
  });

  test("a cut line: not ready instead of hanging; a mended one: as before", async () => {
    await ok("heddle local wan --cut --between east,west");
    await eventually("the gateway counts as dead", async () => (await ready("httpbin-west-gateway")) === "false");
    await eventually("an answer at once", async () => (await curl("httpbin-west")).out.endsWith("\n503"));
    expect(await ok("linkerd --context=east multicluster gateways")).toMatch(/\nwest +False +\d +-\n/);
    // The local member of the federated Service still serves, and nothing was taken away.
    expect(await ok(`${east} -n app get service httpbin-west direct-west -o name`)).toContain("direct-west");
    await ok("heddle local wan --restore");
    await answered("httpbin-west");
  });

  test("revoked credentials are a sentence, and a restart takes nothing away; unlinking does", async () => {
    await ok(`${west} -n linkerd-multicluster delete secret east-token`);
    await ok(`${east} -n linkerd-multicluster rollout restart deployment linkerd-service-mirror`);
    await ok(`${east} -n linkerd-multicluster rollout status deployment linkerd-service-mirror --timeout=40s`);
    await eventually("what is wrong, in the Link", async () => {
      const conditions = await ok(`${east} -n linkerd-multicluster get link west -o jsonpath='{.status.conditions}'`);
      return conditions.includes("did not accept the credentials");
    });
    await answered("httpbin-west");
    await ok(`linkerd --context=east multicluster unlink --cluster-name west | ${east} delete -f -`);
    await eventually("every mirror is gone", async () => {
      const left = await ok(
        `${east} get services,endpointslices -A -l 'mirror.linkerd.io/mirrored-service=true' -o name`,
      );
      return left === "";
    });
    expect(await ok(`${east} -n app get service httpbin -o name`)).toBe("service/httpbin\n");
  });
});
