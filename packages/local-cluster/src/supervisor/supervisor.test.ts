import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { lackingCapabilities } from "./capabilities.ts";
import { nameservers } from "./host-resolver.ts";
import { kubeconfigText, mergeKubeconfig, unmergeKubeconfig } from "./kubeconfig.ts";
import { hasManyIds } from "./namespaces.ts";
import { type NodeMessage, readMessages } from "./node-link.ts";
import { createRegistry } from "./registry.ts";
import { checkClusterName, stateDirectory } from "./state-directory.ts";
import { openHostListener, serveTunnel } from "./tunnel.ts";

const root = mkdtempSync(join(tmpdir(), "heddle-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("the state directory", () => {
  test("is chosen by HEDDLE_STATE, root, or the user's runtime directory", () => {
    expect(stateDirectory({ HEDDLE_STATE: "/x" }, 0).root).toBe("/x");
    expect(stateDirectory({}, 0).root).toBe("/run/heddle");
    expect(stateDirectory({ XDG_RUNTIME_DIR: "/run/user/5" }, 5).root).toBe("/run/user/5/heddle");
    expect(stateDirectory({}, 5).root).toBe("/tmp/heddle-5");
  });

  test.each(["", "A", "a_b", "-a", "a-", "a/b", "..", "x".repeat(41)])("%p is no cluster name", (name) => {
    expect(() => checkClusterName(name)).toThrow("no cluster name");
  });
});

test("capabilities that root lacks are named", () => {
  expect(lackingCapabilities("CapEff:\t000001ffffffffff\n")).toEqual([]);
  expect(lackingCapabilities("CapEff:\t00000000a80425fb\n")).toEqual(["NET_ADMIN", "SYS_ADMIN"]);
  expect(lackingCapabilities("")).toEqual([]);
});

test("a user namespace with one id counts as rootless, whoever is root in it", () => {
  expect(hasManyIds("         0          0 4294967295\n")).toBe(true);
  expect(hasManyIds("         0       1000          1\n")).toBe(false);
  expect(hasManyIds("         0       1000          1\n         1     100000      65536\n")).toBe(true);
  expect(hasManyIds("")).toBe(false);
});

describe("the registry", () => {
  const state = stateDirectory({ HEDDLE_STATE: join(root, "registry") }, 0);
  const registry = createRegistry(state);

  test("gives names and indexes once, and takes over what a dead process left", async () => {
    expect(await registry.reserve("one")).toMatchObject({ name: "one", index: 0 });
    expect(await registry.reserve("two")).toMatchObject({ index: 1 });
    expect(registry.reserve("one")).rejects.toThrow('cluster "one" is running already');
    const files = state.cluster("one");
    const dead = { ...JSON.parse(readFileSync(files.record, "utf8")), owner: { pid: process.pid, startTicks: "1" } };
    writeFileSync(files.record, JSON.stringify(dead));
    writeFileSync(join(files.node, "leftover"), "x");
    expect(registry.find("one")).toBeUndefined();
    expect(await registry.reserve("three")).toMatchObject({ index: 0 });
    expect(() => readFileSync(join(files.node, "leftover"))).toThrow();
  });

  test("hands a lock of a dead process on", async () => {
    writeFileSync(state.lock, JSON.stringify({ pid: process.pid, startTicks: "1" }));
    expect(await registry.reserve("four")).toMatchObject({ name: "four" });
  });

  test("a long path is refused before anything is made", () => {
    const deep = createRegistry(stateDirectory({ HEDDLE_STATE: `/tmp/${"x".repeat(100)}` }, 0));
    expect(deep.reserve("one")).rejects.toThrow("set HEDDLE_STATE to a shorter directory");
  });
});

describe("the kubeconfig", () => {
  const text = kubeconfigText("dev", "https://127.0.0.1:1", { caPem: "CA", token: "T" });

  test("is merged into another and taken out again, the rest kept", () => {
    const target = join(root, "config");
    writeFileSync(
      target,
      "# mine\napiVersion: v1\nkind: Config\nclusters: [{name: other, cluster: {server: x}}]\ncurrent-context: other\n",
    );
    mergeKubeconfig(target, "dev", text);
    mergeKubeconfig(target, "dev", text);
    const merged = readFileSync(target, "utf8");
    expect(merged).toContain("# mine");
    expect(merged.match(/name: dev/g)).toHaveLength(3);
    expect(merged).toContain("current-context: dev");
    unmergeKubeconfig(target, "dev");
    const after = readFileSync(target, "utf8");
    expect(after).toContain("name: other");
    expect(after).not.toContain("dev");
  });

  test("a file that is none is not touched", () => {
    const target = join(root, "broken");
    writeFileSync(target, "- a\n- b\n");
    expect(() => mergeKubeconfig(target, "dev", text)).toThrow("is no kubeconfig");
    expect(readFileSync(target, "utf8")).toBe("- a\n- b\n");
  });
});

test("messages survive any cut of the bytes; other lines are told apart", async () => {
  const lines = '{"kind":"phase","phase":"api","ms":5}\nhello\n{"kind":"failed","message":"é"}\n';
  const bytes = Buffer.from(lines);
  for (let cut = 0; cut < bytes.length; cut++) {
    const messages: NodeMessage[] = [];
    const texts: string[] = [];
    const input = Readable.from([bytes.subarray(0, cut), bytes.subarray(cut)], { objectMode: false });
    readMessages<NodeMessage>(
      input,
      (message) => messages.push(message),
      (text) => texts.push(text),
    );
    await new Promise((resolve) => input.once("end", resolve));
    expect(messages.map(({ kind }) => kind)).toEqual(["phase", "failed"]);
    expect(texts).toEqual(["hello"]);
  }
});

test("resolv.conf: at most three resolvers, comments ignored", () => {
  expect(
    nameservers("# nameserver 9.9.9.9\nnameserver 1.1.1.1\n search x\n nameserver ::1\nnameserver a\nnameserver b"),
  ).toEqual(["1.1.1.1", "::1", "a"]);
  expect(nameservers("")).toEqual([]);
});

test("the tunnel carries bytes both ways and closes where the target refuses", async () => {
  mkdirSync(root, { recursive: true });
  const path = join(root, "tunnel");
  const server = await serveTunnel(path);
  const echo = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => new Response(await request.text()),
  });
  const good = await openHostListener(path, 0, `127.0.0.1:${echo.port}`);
  const bad = await openHostListener(path, 0, "127.0.0.1:1");
  const body = "x".repeat(300_000);
  const answer = await fetch(`http://127.0.0.1:${good.port}/`, { method: "POST", body });
  expect(await answer.text()).toBe(body);
  expect(fetch(`http://127.0.0.1:${bad.port}/`)).rejects.toThrow();
  await good.close();
  await bad.close();
  await server.close();
  await echo.stop(true);
});
