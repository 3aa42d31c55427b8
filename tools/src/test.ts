import { dirname, join } from "node:path";
import { withKubernetes } from "./kubernetes/kubernetes-lane.ts";
import { runChecks } from "./ok.ts";
import { type Found, findDnsmasq, findEnvoy, findGrpcGo, findGrpcJava, findKubectl } from "./prerequisites.ts";
import { add, bunTest, closingLine, heldBack, nothing, type Outcome, sideBySide, type Tally } from "./test-lanes.ts";

const root = join(import.meta.dir, "../..");
const INTEGRATION_TIMEOUT_MS = 600_000;

/** Programs that some tests talk to. A missing one is told here; its tests skip themselves with the same reason. */
async function prerequisites(): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  const take = (name: string, variable: string, found: Found) => {
    console.log("path" in found ? `  ${name}: ${found.path}` : `  ${name}: not here (${found.missing})`);
    if ("path" in found) env[variable] = found.path;
  };
  take("envoy", "HEDDLE_ENVOY", await findEnvoy(process.env));
  const pom = join(root, "packages/control-plane/test/proxyless/pom.xml");
  take("grpc-java", "HEDDLE_GRPC_JAVA", await findGrpcJava(process.env, pom));
  take("grpc-go", "HEDDLE_GRPC_GO", await findGrpcGo(process.env, root));
  take("dnsmasq", "HEDDLE_DNSMASQ", await findDnsmasq(process.env));
  const kubectl = await findKubectl(root);
  take("kubectl", "HEDDLE_KUBECTL", kubectl);
  if ("path" in kubectl) env["PATH"] = `${dirname(kubectl.path)}:${process.env["PATH"] ?? ""}`;
  return env;
}

async function integrationFiles(only: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for await (const f of new Bun.Glob("{packages,samples,bench,tools}/*/{test,src}/**/*.integration.test.ts").scan({
    cwd: root,
  }))
    files.push(f);
  for await (const f of new Bun.Glob("{bench,tools,conformance}/{test,src}/**/*.integration.test.ts").scan({
    cwd: root,
  }))
    files.push(f);
  const wanted = only.length ? files.filter((f) => only.some((o) => f.includes(o))) : files;
  return [...new Set(wanted)].filter((f) => !f.includes("node_modules")).sort();
}

/** Files that run against a real Kubernetes where there is one; what they do without it they say themselves. */
function wantsKubernetes(file: string): boolean {
  return /^packages\/(cli\/test\/[a-z-]*kubernetes[a-z-]*|kube-client\/test\/cluster|inject\/test\/kubernetes-accepts)\./.test(
    file,
  );
}

/** Long, and nearly idle: a fixed small rate whose judgement needs no quiet machine. These run beside all others. */
function runsBeside(file: string): boolean {
  return file === "bench/test/soak.integration.test.ts";
}

/** Many, and mostly waiting: two at a time, their output held back until each is done. */
function runsInPairs(file: string): boolean {
  return file.startsWith("packages/proxy/test/");
}

/** `npm test`: the quick checks, then every integration file in a process of its own, one or two at a time; the long ones beside them. */
async function main(only: readonly string[]): Promise<number> {
  const started = performance.now();
  const minutes = () => `${((performance.now() - started) / 60_000).toFixed(1)} min`;
  console.log("== what tests can use");
  const env = await prerequisites();
  let total: Tally = nothing;
  const failures: { where: string; what: string }[] = [];
  const count = (where: string, { tally, failures: failed }: Outcome) => {
    total = add(total, tally);
    failures.push(...failed.map((what) => ({ where, what })));
  };
  if (only.length === 0) {
    console.log("== quick checks");
    const { passed, failed, problems } = await runChecks(root);
    count("quick checks", { tally: { ...nothing, passed, failed }, failures: problems });
  }
  const files = await integrationFiles(only);
  const beside = files.length > 1 ? files.filter(runsBeside) : [];
  const onKubernetes = files.filter(wantsKubernetes);
  const pairs = files.filter(runsInPairs);
  const others = files.filter((f) => !wantsKubernetes(f) && !beside.includes(f) && !pairs.includes(f));
  let done = 0;
  const runFiles = async (lane: readonly string[], laneEnv: Readonly<Record<string, string>>) => {
    for (const file of lane) {
      console.log(`== ${file} (${++done} of ${files.length}, ${minutes()})`);
      count(file, await bunTest(root, [`./${file}`], INTEGRATION_TIMEOUT_MS, { ...env, ...laneEnv }));
    }
  };
  const long = beside.map((file) => {
    console.log(`== ${file} runs beside the others; its output comes at their end`);
    const output = heldBack();
    return { file, output, outcome: bunTest(root, [`./${file}`], INTEGRATION_TIMEOUT_MS, env, output.sink) };
  });
  await runFiles(others, {});
  await sideBySide(pairs, 2, async (file) => {
    const output = heldBack();
    const outcome = await bunTest(root, [`./${file}`], INTEGRATION_TIMEOUT_MS, env, output.sink);
    console.log(`== ${file} (${++done} of ${files.length}, ${minutes()})`);
    output.flush();
    count(file, outcome);
  });
  if (onKubernetes.length > 0) await withKubernetes(root, (laneEnv) => runFiles(onKubernetes, laneEnv));
  for (const { file, output, outcome } of long) {
    const counted = await outcome;
    console.log(`== ${file} (${++done} of ${files.length}, ${minutes()})`);
    output.flush();
    count(file, counted);
  }
  for (const { where, what } of failures) console.log(`== failed: ${where}\n${what}`);
  console.log(`== done in ${minutes()}`);
  console.log(closingLine(total));
  return total.failed === 0 ? 0 : 1;
}

process.exit(await main(process.argv.slice(2)));
