import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Run, runInProcess } from "./command-line.ts";
import { root } from "./heddle-process.ts";
import { createShell, type Shell } from "./shell.ts";

const samples = join(root, "samples");

/** In the order in which they start, which gives the addresses: 198.18.0.1 and 198.18.1.1. */
export const primaries = ["east", "west"] as const;

const CA_FILES = ["ca-cert.pem", "ca-key.pem", "root-cert.pem", "cert-chain.pem"];

/** Two embedded clusters on networks of their own, each with a control plane, a gateway and namespace `sample`; neither reads the other yet. */
export interface TwoPrimaries extends Shell {
  readonly env: Readonly<Record<string, string>>;
  /** The file with the way to one cluster. */
  config(name: string): string;
  kubectl(name: string, words: string, stdin?: string): Promise<string>;
  /** A command of ours, in this process; whatever its exit code. */
  cli(words: string): Promise<Run>;
  /** What it printed. Errors: all that it said, when it fails. */
  told(words: string): Promise<string>;
  /** `--from-file` flags for the files of Secret `cacerts`. */
  caFiles(folder: string): string;
  replicas(name: string, what: string, count: number): Promise<void>;
  /** @param fill Puts the applications into namespace `sample`. */
  start(fill: (name: string) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export function createTwoPrimaries(): TwoPrimaries {
  const folder = mkdtempSync(join(tmpdir(), "heddle-mp-"));
  const config = (name: string) => join(folder, "clusters", name, "kubeconfig");
  const env = { HEDDLE_STATE: folder, KUBECONFIG: primaries.map(config).join(":") };
  const shell = createShell(folder, env, 120_000);
  const { ok, run } = shell;
  const kubectl = (name: string, words: string, stdin?: string) => ok(`kubectl --context=${name} ${words}`, stdin);
  const cli = (words: string) => runInProcess(env.KUBECONFIG, words.split(" "));
  const caFiles = (of: string) => CA_FILES.map((file) => `--from-file=${of}/${file}`).join(" ");

  const fillCluster = async (name: string, fill: (name: string) => Promise<void>) => {
    await ok(`heddle ca intermediate --root ca --cluster ${name}`);
    await kubectl(name, "create namespace istio-system");
    await kubectl(name, `create secret generic cacerts -n istio-system ${caFiles(`ca/${name}`)}`);
    const values = `--set values.global.multiCluster.clusterName=${name} --set values.global.network=net-${name}`;
    await ok(
      `istioctl --context=${name} install -y --set profile=minimal --set values.global.meshID=mesh1 --set meshConfig.accessLogFile=/dev/stdout ${values}`,
    );
    const gateway = `${join(samples, "multicluster/gen-eastwest-gateway.sh")} --network net-${name}`;
    const applications = async () => {
      await kubectl(name, "create namespace sample");
      await kubectl(name, "label namespace sample istio-injection=enabled");
      await fill(name);
      await kubectl(name, "wait -n sample --for=condition=Available deployment --all --timeout=60s");
    };
    await Promise.all([
      ok(`${gateway} | istioctl --context=${name} install -y -f -`),
      kubectl(name, `apply -n istio-system -f ${join(samples, "multicluster/expose-services.yaml")}`),
      applications(),
    ]);
  };

  return {
    ...shell,
    env,
    config,
    kubectl,
    cli,
    caFiles,
    async told(words) {
      const { code, out, err } = await cli(words);
      if (code !== 0) throw new Error(`$ ${words}\nexit code ${code}\n${out}${err}`);
      return out;
    },
    async replicas(name, what, count) {
      const [namespace, deployment] = what.split("/");
      await kubectl(name, `scale -n ${namespace} deploy/${deployment} --replicas=${count}`);
    },
    async start(fill) {
      await ok("heddle ca root --out ca");
      const filling: Promise<void>[] = [];
      for (const name of primaries) {
        await ok(`heddle local up --name ${name}`);
        filling.push(fillCluster(name, fill));
      }
      await Promise.all(filling);
    },
    async close() {
      await run("heddle local down --all");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
