import { chownSync, existsSync, readFileSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parseMeshConfig, proxyConfigJson } from "@heddle/config";

type Env = Readonly<Record<string, string | undefined>>;

const USAGE = `Usage: heddle proxy vm [--dir DIR] [--gateway] [--no-intercept] [--log-level LEVEL]

Makes this host a workload of the mesh, with the files that "heddle experimental workload entry configure" wrote: redirects its traffic and DNS
questions (as root), then runs the proxy as user 1337. Without --dir the files are where Istio has them: /var/lib/istio/envoy/cluster.env,
/etc/istio/config/mesh, /etc/certs/root-cert.pem, /var/run/secrets/tokens/istio-token. The lines of the file "hosts" belong in /etc/hosts.
Instead of a token there may be a certificate (cert-chain.pem, key.pem, from "... configure --ca"); its successors are kept in its place.
--gateway: a gateway, whose listeners are those of the Gateways that select its labels; nothing is redirected.
`;

/** User and group whose traffic is not redirected. */
const PROXY_ID = 1337;

interface HostFiles {
  readonly env: string;
  readonly mesh: string;
  readonly root: string;
  readonly token: string;
  /** Folder of a certificate that takes the token's place. */
  readonly certificates: string;
}

function filesIn(folder: string | undefined): HostFiles {
  if (folder === undefined)
    return {
      env: "/var/lib/istio/envoy/cluster.env",
      mesh: "/etc/istio/config/mesh",
      root: "/etc/certs/root-cert.pem",
      token: "/var/run/secrets/tokens/istio-token",
      certificates: "/etc/certs",
    };
  const at = (name: string) => join(folder, name);
  return {
    env: at("cluster.env"),
    mesh: at("mesh.yaml"),
    root: at("root-cert.pem"),
    token: at("istio-token"),
    certificates: folder,
  };
}

/** Runs the proxy on a host outside of the cluster. Gives the exit code. */
export async function main(argv: readonly string[], env: Env): Promise<number> {
  const complain = (sentence: string): number => {
    process.stderr.write(`heddle proxy vm: ${sentence}\n`);
    return 2;
  };
  const string = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  let values: { dir?: string; gateway?: boolean; "no-intercept"?: boolean; "log-level"?: string; help?: boolean };
  try {
    const options = {
      dir: string,
      gateway: flag,
      "no-intercept": flag,
      "log-level": string,
      help: { ...flag, short: "h" },
    } as const;
    ({ values } = parseArgs({ args: [...argv], strict: true, options }));
  } catch (error) {
    return complain(`${error instanceof Error ? error.message : String(error)}; see heddle proxy vm --help`);
  }
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  const files = filesIn(values.dir);
  const certified = hasCertificate(files);
  const missing = [files.env, files.mesh, files.root, ...(certified ? [] : [files.token])].filter(
    (path) => !existsSync(path),
  );
  if (missing.length > 0)
    return complain(
      `${missing.join(", ")} not found; write the files with heddle experimental workload entry configure, copy them here, and name their folder with --dir`,
    );
  const workload = hostEnvironment(files, env);
  if (typeof workload === "string") return complain(workload);
  const intercepts = values["no-intercept"] !== true && values.gateway !== true;
  if (process.getuid?.() === 0) {
    if (intercepts) {
      const { main: intercept } = await import("@heddle/intercept/main");
      const code = await intercept(interceptFlags(workload), workload);
      if (code !== 0) return code;
    }
    for (const path of [files.token, ...certificateFiles(files)])
      if (existsSync(path)) chownSync(path, PROXY_ID, PROXY_ID);
    // Its successors are kept there.
    if (certified) chownSync(files.certificates, PROXY_ID, PROXY_ID);
    process.setgroups?.([]);
    process.setgid?.(PROXY_ID);
    process.setuid?.(PROXY_ID);
  } else if (intercepts)
    return complain("redirecting this host's traffic takes root; or do it yourself and say --no-intercept");
  const level = values["log-level"] === undefined ? [] : ["--proxyLogLevel", values["log-level"]];
  const { main: proxy } = await import("@heddle/proxy/main");
  const role = values.gateway === true ? "router" : "sidecar";
  return proxy([role, "--domain", `${workload["POD_NAMESPACE"]}.svc.cluster.local`, ...level], workload);
}

function certificateFiles({ certificates }: HostFiles): readonly string[] {
  return ["cert-chain.pem", "key.pem"].map((name) => join(certificates, name));
}

function hasCertificate(files: HostFiles): boolean {
  return certificateFiles(files).every((path) => existsSync(path));
}

/** The environment that a sidecar would have. Errors: a sentence. */
export function hostEnvironment(files: HostFiles, env: Env): Readonly<Record<string, string | undefined>> | string {
  const mesh = parseMeshConfig(readFileSync(files.mesh, "utf8"), files.mesh);
  if (!mesh.ok) return mesh.problems.map(({ path, reason }) => `${files.mesh}: ${path} ${reason}`).join("; ");
  const cluster = parseEnvironment(readFileSync(files.env, "utf8"));
  const { defaultConfig } = mesh.value;
  const merged = { ...env, ...cluster, ...defaultConfig.proxyMetadata };
  const address = merged["INSTANCE_IP"] ?? merged["ISTIO_SVC_IP"] ?? ownAddress();
  if (address === undefined) return "this host has no address that others can reach; set INSTANCE_IP";
  return {
    ...merged,
    POD_NAME: merged["POD_NAME"] ?? hostname().split(".")[0],
    INSTANCE_IP: address,
    CA_ADDR: merged["CA_ADDR"] ?? defaultConfig.discoveryAddress,
    PROXY_CONFIG: JSON.stringify(proxyConfigJson(defaultConfig)),
    HEDDLE_RENEW_BY_CERTIFICATE: "true",
    HEDDLE_TOKEN_FILE: files.token,
    HEDDLE_ROOT_CERT_FILE: files.root,
    ...(hasCertificate(files) ? { PROV_CERT: files.certificates, OUTPUT_CERTS: files.certificates } : {}),
  };
}

/** `KEY='value'` lines, as a shell would read them. */
export function parseEnvironment(text: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$/.exec(line);
    const [, name, raw = ""] = match ?? [];
    if (name === undefined) continue;
    const quoted = /^'(.*)'$/.exec(raw) ?? /^"(.*)"$/.exec(raw);
    found[name] = (quoted?.[1] ?? raw).replaceAll("'\\''", "'");
  }
  return found;
}

function interceptFlags(env: Env): readonly string[] {
  const flags: string[] = ["-p", "15001", "-z", "15006", "-u", String(PROXY_ID), "-g", String(PROXY_ID)];
  flags.push("-b", env["ISTIO_INBOUND_PORTS"] ?? "*");
  flags.push("-d", env["ISTIO_LOCAL_EXCLUDE_PORTS"] ?? "22,15090,15021,15020");
  flags.push("-i", env["ISTIO_SERVICE_CIDR"] ?? "*");
  if (env["ISTIO_SERVICE_EXCLUDE_CIDR"]) flags.push("-x", env["ISTIO_SERVICE_EXCLUDE_CIDR"]);
  if (env["ISTIO_OUTBOUND_PORTS_EXCLUDE"]) flags.push("-o", env["ISTIO_OUTBOUND_PORTS_EXCLUDE"]);
  return flags;
}

function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outward = all.filter(({ internal, address }) => !internal && !address.startsWith("fe80:"));
  return (outward.find(({ family }) => family === "IPv4") ?? outward[0])?.address;
}
