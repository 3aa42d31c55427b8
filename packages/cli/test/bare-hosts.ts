import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./heddle-process.ts";
import type { Shell } from "./shell.ts";

const samples = join(root, "samples/multicluster/hosts");

/** Machines of a member of the mesh that is not Kubernetes: network namespaces of a cluster, of which the member knows nothing. */
export interface BareHosts {
  /** Where other clusters find the gateway. */
  readonly port: number;
  /** Runs a command on the host with the application. */
  command(words: string): string;
}

const container = (name: string, script: string, files: string) => ({
  name,
  image: "heddle/heddle:0.1.0",
  command: ["sh", "-c", script],
  securityContext: { runAsUser: 0, capabilities: { add: ["NET_ADMIN", "NET_RAW"] } },
  volumeMounts: [{ name: files, mountPath: `/given/${files}` }],
});

const machine = (name: string, containers: readonly object[], secrets: readonly string[]) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "hosts", labels: { machine: name } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers,
    volumes: secrets.map((secret) => ({ name: secret, secret: { secretName: secret } })),
  },
});

const GATEWAY_PORT = 15543;

/**
 * One machine with a control plane that reads files and the gateway, another with an application. Each has what its folder of files holds, and
 * signs with its own CA (folder `hosts`). @param entry what calls of the clusters lead to, for the folder of files.
 */
export async function startBareHosts(shell: Shell, context: string, entry: string): Promise<BareHosts> {
  const kubectl = (words: string, stdin?: string) => shell.ok(`kubectl --context=${context} ${words}`, stdin);
  const apply = (object: object) => kubectl("apply -f -", JSON.stringify(object));
  const address = async (name: string) => {
    await kubectl(`wait -n hosts --for=condition=Ready pod/${name} --timeout=50s`);
    return kubectl(`get pod -n hosts ${name} -o jsonpath={.status.podIP}`);
  };
  const configure = (group: string, ip: string) =>
    shell.ok(
      `heddle experimental workload entry configure -f ${samples}/${group}-group.yaml --ca hosts --clusterID hosts --ingressIP ${ip} -o ${group}-files`,
    );
  await kubectl("create namespace hosts");
  await configure("gateway", "127.0.0.1");
  for (const [name, folder] of [
    ["authority", "hosts"],
    ["gateway", "gateway-files"],
  ])
    await kubectl(`create secret generic -n hosts ${name} --from-file=${folder}`);
  const start = (role: string, files: string) =>
    `cp -rL /given/${files} /tmp/own && cat /tmp/own/hosts >> /etc/hosts && exec heddle proxy vm ${role} --dir /tmp/own`;
  const discovery = `mkdir /conf && exec heddle discovery --registries "" --configDir /conf --caDir /given/authority --clusterID hosts`;
  await apply(
    machine(
      "one",
      [container("registry", discovery, "authority"), container("gateway", start("--gateway", "gateway"), "gateway")],
      ["authority", "gateway"],
    ),
  );
  await apply({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "gateway", namespace: "hosts" },
    spec: {
      type: "LoadBalancer",
      selector: { machine: "one" },
      ports: [{ name: "tls", port: GATEWAY_PORT, targetPort: 15443 }],
    },
  });
  await configure("ledger", await address("one"));
  await kubectl("create secret generic -n hosts ledger --from-file=ledger-files");
  const application = { name: "application", image: "mccutchen/go-httpbin" };
  await apply(machine("two", [application, container("proxy", start("", "ledger"), "ledger")], ["ledger"]));
  const write = (name: string, text: string) =>
    kubectl(`exec -i -n hosts one -c registry -- sh -c 'cat > /conf/${name}.yaml'`, text);
  const ledger = readFileSync(join(samples, "ledger.yaml"), "utf8").replaceAll("ADDRESS", await address("two"));
  await write("gateway", readFileSync(join(samples, "gateway.yaml"), "utf8"));
  await write("ledger", ledger);
  await write("entry", entry);
  return {
    port: GATEWAY_PORT,
    command: (words) => `kubectl --context=${context} exec -n hosts two -c application -- ${words}`,
  };
}
