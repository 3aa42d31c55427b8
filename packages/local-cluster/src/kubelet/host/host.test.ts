import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { KubeObject } from "../../contract/index.ts";
import { decodeContainer } from "../spec/container-spec.ts";
import { decodePod } from "../spec/pod-spec.ts";
import { hostsFile, resolvConf } from "./etc-files.ts";
import { boundingSet, type IdentityInput, resolveIdentity, setprivArguments } from "./identity.ts";
import { unportableVariables } from "./launch.ts";
import { findProgram, resolveInRoot } from "./path-in-root.ts";

const root = mkdtempSync(path.join(tmpdir(), "heddle-root-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("paths in a root", () => {
  mkdirSync(path.join(root, "usr/bin"), { recursive: true });
  symlinkSync("usr/bin", path.join(root, "bin"));
  symlinkSync("/usr", path.join(root, "abs"));
  symlinkSync("loop", path.join(root, "loop"));
  writeFileSync(path.join(root, "usr/bin/tool"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(path.join(root, "usr/bin/data"), "x", { mode: 0o644 });

  test("links stay inside", () => {
    expect(resolveInRoot(root, "/bin/tool")).toBe(path.join(root, "usr/bin/tool"));
    expect(resolveInRoot(root, "/abs/bin/../bin/tool")).toBe(path.join(root, "usr/bin/tool"));
    expect(resolveInRoot(root, "/../../etc/passwd")).toBe(path.join(root, "etc/passwd"));
    expect(resolveInRoot(root, "/loop/x")).toStartWith(root);
  });

  test("programs are found as exec would", () => {
    const find = (program: string, searchPath = "/bin", workdir = "/") =>
      findProgram(root, program, searchPath, workdir, "/usr/bin");
    expect(find("tool", "/nope:/bin")).toEqual({ kind: "found", program: "tool" });
    expect(find("bin/tool", "", "/usr")).toEqual({ kind: "found", program: "bin/tool" });
    // The image itself has it elsewhere than we do.
    expect(find("/opt/image/tool")).toEqual({ kind: "found", program: "/usr/bin/tool" });
    expect(find("nosuch")).toEqual({
      kind: "missing",
      reason: 'exec: "nosuch": executable file not found in $PATH',
    });
    expect(find("/bin/nosuch")).toMatchObject({
      reason: 'exec: "/bin/nosuch": stat /bin/nosuch: no such file or directory',
    });
    expect(find("/bin/data")).toMatchObject({
      reason: 'exec: "/bin/data": permission denied',
    });
  });
});

describe("identity", () => {
  const NODE = boundingSet("CapBnd:\t000001ffffffffff\n");
  const input = (security: unknown, over: Partial<IdentityInput> = {}): IdentityInput => ({
    container: decodeContainer({ name: "c", securityContext: security }, {}),
    imageUser: undefined,
    fsGroup: undefined,
    supplementalGroups: [],
    rootless: false,
    nodeCapabilities: NODE,
    ...over,
  });

  test("users, groups and capabilities", () => {
    const result = resolveIdentity(
      input({ runAsUser: 1337, runAsGroup: 1338, capabilities: { add: ["NET_ADMIN"], drop: ["ALL"] } }, { fsGroup: 7 }),
    );
    expect(result).toMatchObject({ identity: { uid: 1337, gid: 1338, groups: [7], capabilities: ["net_admin"] } });
    const identity = result.kind === "identity" ? result.identity : undefined;
    expect(identity && setprivArguments(identity, false)).toEqual([
      "/usr/bin/setpriv",
      "--reuid=1337",
      "--regid=1338",
      "--groups=7",
      "--inh-caps=-all",
      "--bounding-set=-all,+net_admin",
    ]);
  });

  test("the image's user is the default; rootless everyone is uid 0", () => {
    expect(resolveIdentity(input({}, { imageUser: "65532:65533" }))).toMatchObject({
      identity: { uid: 65532, gid: 65533 },
    });
    const rootless = resolveIdentity(input({ runAsUser: 5 }, { rootless: true }));
    expect(rootless).toMatchObject({ identity: { uid: 0, gid: 0, groups: [] } });
    expect(rootless.kind === "identity" && setprivArguments(rootless.identity, true)[1]).toBe("--inh-caps=-all");
  });

  test("refusals say what to do", () => {
    expect(resolveIdentity(input({ runAsNonRoot: true }))).toMatchObject({
      kind: "refused",
      message: expect.stringContaining("runAsUser"),
    });
    expect(resolveIdentity(input({ capabilities: { add: ["NET_ADMN"] } }))).toMatchObject({
      message: expect.stringContaining("NET_ADMN"),
    });
    const weak = { nodeCapabilities: NODE.filter((name) => name !== "net_admin") };
    expect(resolveIdentity(input({ capabilities: { add: ["NET_ADMIN"] } }, weak))).toMatchObject({
      message: expect.stringContaining("--cap-add=NET_ADMIN"),
    });
    expect(resolveIdentity(input({}, { nodeCapabilities: ["chown"] }))).toMatchObject({
      identity: { capabilities: ["chown"] },
    });
  });
});

describe("/etc", () => {
  const pod = (spec: object): KubeObject => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-1", namespace: "ns" },
    spec: { containers: [], ...spec },
  });
  const dns = {
    clusterIp: "10.0.0.10",
    clusterDomain: "cluster.local",
    hostResolvConf: "nameserver 1.1.1.1\nsearch home\n",
  };

  test("resolv.conf by policy", () => {
    const conf = (spec: object): string => resolvConf("ns", decodePod(pod(spec)), dns);
    expect(conf({})).toBe(
      "search ns.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.0.0.10\noptions ndots:5\n",
    );
    expect(conf({ dnsPolicy: "Default" })).toBe("search home\nnameserver 1.1.1.1\n");
    expect(conf({ hostNetwork: true })).toBe("search home\nnameserver 1.1.1.1\n");
    const dnsConfig = { nameservers: ["9.9.9.9"], searches: ["x"], options: [{ name: "ndots", value: "2" }] };
    expect(conf({ dnsPolicy: "None", dnsConfig })).toBe("search x\nnameserver 9.9.9.9\noptions ndots:2\n");
    expect(conf({ dnsConfig })).toContain("options ndots:2");
  });

  test("hosts", () => {
    const object = pod({ subdomain: "sub", hostAliases: [{ ip: "1.2.3.4", hostnames: ["a", "b"] }] });
    const content = hostsFile(object, decodePod(object), "10.0.0.5", "cluster.local", "");
    expect(content).toContain("10.0.0.5\tweb-1.sub.ns.svc.cluster.local\tweb-1\n");
    expect(content).toContain("1.2.3.4\ta\tb\n");
  });
});

test("variables that a shell would drop go another way", () => {
  expect(unportableVariables({ A_1: "x", "my.var": "y", "1A": "z" })).toEqual(["my.var=y", "1A=z"]);
});
