import { afterEach, describe, expect, test } from "bun:test";
import type { DemoReport } from "../src/demo/report.ts";
import { type HeddleProcess, heddle } from "./heddle-process.ts";
import { settles } from "./settles.ts";

const READY = /All pods ready after/;
const running: HeddleProcess[] = [];

function start(...args: readonly string[]): HeddleProcess {
  const child = heddle(["demo", ...args]);
  running.push(child);
  return child;
}

afterEach(async () => {
  for (const child of running.splice(0)) {
    child.kill("SIGKILL");
    await child.exited;
  }
});

/** Clusters that `heddle local list` knows. */
async function clusters(): Promise<string> {
  const list = heddle(["local", "list"]);
  await list.exited;
  return list.stdout();
}

/** As far from a share `p` as chance brings what is measured over `n` independent requests, but for one run in a million. */
const chance = (p: number, n: number) => 6.5 * Math.sqrt((p * (1 - p)) / n);

function rowOf(report: DemoReport, name: string) {
  const row = report.stat.find((r) => r.name === name);
  if (!row) throw new Error(`no row for ${name} in ${JSON.stringify(report.stat)}`);
  return row;
}

async function reportOf(child: HeddleProcess): Promise<DemoReport> {
  expect(await child.exited).toBe(0);
  return JSON.parse(child.stdout().trim().split("\n").at(-1) ?? "");
}

describe("heddle demo", () => {
  test("--once --json: the published load shows the known numbers, every edge is secured, nothing stays", async () => {
    const report = await reportOf(start("--once", "--json", "--name", "test-once"));
    console.log(report.phases.map((p) => `${p.name} ${Math.round(p.ms)} ms`).join(", "));
    const expected = { voting: 0.841, web: 0.921, emoji: 1 } as const;
    for (const [name, share] of Object.entries(expected)) {
      const row = rowOf(report, name);
      console.log(`${name}: ${row.success} of ${row.requests} requests at ${row.rps} rps`);
      expect(row.meshed).toBe(1);
      expect(row.requests).toBeGreaterThan(30);
      // A web request fails where its vote does: the independent draws are the votes, half of web's requests.
      const draws = name === "web" ? row.requests / 2 : row.requests;
      const spread = name === "web" ? chance(0.841, draws) / 2 : chance(share, draws);
      expect(Math.abs((row.success ?? 0) - share)).toBeLessThanOrEqual(spread + 1e-9);
    }
    expect(rowOf(report, "vote-bot").success).toBeNull();
    const edges = report.edges.map((e) => [
      e.src,
      e.dst,
      e.secured,
      e.clientId.split("/").at(-1),
      e.serverId.split("/").at(-1),
    ]);
    expect(edges).toContainEqual(["vote-bot", "web", true, "default", "web"]);
    expect(edges).toContainEqual(["web", "emoji", true, "web", "emoji"]);
    expect(edges).toContainEqual(["web", "voting", true, "web", "voting"]);
    expect(edges.length).toBe(3);
    expect(await clusters()).not.toContain("test-once");
  });

  test("twenty rounds a second: within three points, and three more for chance", async () => {
    const report = await reportOf(start("--once", "--json", "--request-rate", "20", "--name", "test-fast"));
    for (const [name, share] of [
      ["voting", 0.841],
      ["web", 0.921],
      ["emoji", 1],
    ] as const) {
      const row = rowOf(report, name);
      console.log(`${name}: ${row.success} of ${row.requests} requests at ${row.rps} rps`);
      expect(row.requests).toBeGreaterThan(600);
      // A slow machine makes fewer rounds, which chance brings further apart.
      const draws = name === "web" ? row.requests / 2 : row.requests;
      const spread = name === "web" ? chance(0.841, draws) / 2 : chance(share, draws);
      expect(Math.abs((row.success ?? 0) - share)).toBeLessThanOrEqual(
        name === "emoji" ? 0.06 : Math.max(0.06, spread),
      );
    }
  });

  test("Ctrl-C removes everything; the page answers until then", async () => {
    const child = start("--name", "test-int");
    await child.printed(READY, 120_000);
    const url = /emojivoto +(http:\S+)/.exec(child.output())?.[1] ?? "";
    expect(await (await fetch(url)).text()).toContain("<title>Emoji Vote</title>");
    expect(((await (await fetch(`${url}/api/list`)).json()) as unknown[]).length).toBe(99);
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
    expect(await clusters()).not.toContain("test-int");
    await expect(fetch(url, { signal: AbortSignal.timeout(1000) })).rejects.toThrow();
  });

  test("Ctrl-C while it starts removes everything at once", async () => {
    const child = start("--name", "test-early");
    await child.printed(/√ install/, 60_000);
    const inside = await descendants(child.pid);
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
    expect(child.output()).toContain("removing everything");
    expect(child.output()).not.toContain("All pods ready");
    await expectEnd(inside);
    expect(await clusters()).not.toContain("test-early");
  });

  test("killed with -9, the kernel ends all of it and the next start cleans up", async () => {
    const child = start("--name", "test-kill");
    await child.printed(/√ cluster/, 60_000);
    const inside = await descendants(child.pid);
    expect(inside.length).toBeGreaterThan(0);
    child.kill("SIGKILL");
    await child.exited;
    await expectEnd(inside);
    const next = start("--name", "test-kill");
    await next.printed(/√ cluster/, 60_000);
    next.kill("SIGINT");
    await next.exited;
  });

  test("wrong flags are refused with a sentence", async () => {
    const child = start("--request-rate", "-3");
    expect(await child.exited).not.toBe(0);
    expect(child.output()).toContain("--request-rate -3: expected a number above 0");
  });
});

/** Pids of all processes below one. */
async function descendants(pid: number): Promise<number[]> {
  const children = (
    await Bun.file(`/proc/${pid}/task/${pid}/children`)
      .text()
      .catch(() => "")
  )
    .trim()
    .split(" ")
    .filter(Boolean)
    .map(Number);
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}

/** The kernel ends them in its own time. */
async function expectEnd(pids: readonly number[]): Promise<void> {
  await settles(async () => expect(await alive(pids)).toEqual([]));
}

async function alive(pids: readonly number[]): Promise<number[]> {
  const states = await Promise.all(
    pids.map(async (pid) =>
      (
        await Bun.file(`/proc/${pid}/stat`)
          .text()
          .catch(() => "")
      ).includes(") Z ")
        ? 0
        : (await Bun.file(`/proc/${pid}/stat`).exists())
          ? pid
          : 0,
    ),
  );
  return states.filter((pid) => pid !== 0);
}
