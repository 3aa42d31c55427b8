import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { parseExposition } from "@heddle/std";
import { emojiList, votable, voteMethod } from "./emoji-list.ts";
import { results } from "./messages.ts";

const children: Bun.Subprocess[] = [];
let base = "";
let ports: { emojiProm: number; votingProm: number };

function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  server.stop(true);
  return server.port;
}

async function start(name: string, env: Record<string, string>): Promise<void> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, `${name}.ts`)], {
    env: { ...process.env, ...env },
    stdout: "pipe",
  });
  children.push(child);
  for await (const chunk of child.stdout) if (new TextDecoder().decode(chunk).includes("serves")) return;
}

beforeAll(async () => {
  const [emoji, voting, web] = [freePort(), freePort(), freePort()];
  ports = { emojiProm: freePort(), votingProm: freePort() };
  await Promise.all([
    start("emoji-svc", { GRPC_PORT: String(emoji), PROM_PORT: String(ports.emojiProm) }),
    start("voting-svc", { GRPC_PORT: String(voting), PROM_PORT: String(ports.votingProm) }),
    start("web", {
      WEB_PORT: String(web),
      EMOJISVC_HOST: `127.0.0.1:${emoji}`,
      VOTINGSVC_HOST: `127.0.0.1:${voting}`,
      WEB_COUNTERS_PORT: String(freePort()),
    }),
  ]);
  base = `http://127.0.0.1:${web}`;
});

afterAll(() => {
  for (const child of children) child.kill();
});

async function json<T>(path: string): Promise<T> {
  return (await (await fetch(`${base}${path}`)).json()) as T;
}

async function counted(port: number, method: string, code: string): Promise<number> {
  const { samples } = parseExposition(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
  return samples.find((s) => s.labels.get("grpc_method") === method && s.labels.get("grpc_code") === code)?.value ?? 0;
}

test("99 emoji on the page, 100 methods, unique names", () => {
  expect(emojiList.length).toBe(99);
  expect(new Set(votable.map(voteMethod)).size).toBe(100);
  expect(voteMethod(":stuck_out_tongue_winking_eye:")).toBe("VoteStuckOutTongueWinkingEye");
  expect(voteMethod(":point_up_2:")).toBe("VotePointUp2");
  expect(emojiList.every((e) => /[^\x20-\x7e]/.test(e.unicode))).toBe(true);
});

test("results round trip", () => {
  const message = {
    results: [
      { shortcode: ":joy:", votes: 3 },
      { shortcode: ":100:", votes: 700 },
    ],
  };
  expect(results.decode(results.encode(message))).toEqual(message);
});

test("every emoji but the doughnut can be voted for, and each vote is counted once", async () => {
  const list = await json<{ shortcode: string }[]>("/api/list");
  expect(list.length).toBe(99);
  for (const { shortcode } of list) {
    const { status } = await fetch(`${base}/api/vote?choice=${shortcode}`);
    expect([shortcode, status]).toEqual([shortcode, shortcode === ":doughnut:" ? 500 : 200]);
  }
  expect(await counted(ports.votingProm, "VoteDoughnut", "UNKNOWN")).toBe(1);
  expect(await counted(ports.votingProm, "VoteJoy", "OK")).toBe(1);
  expect(await counted(ports.emojiProm, "FindByShortcode", "OK")).toBe(99);
});

test("the doughnut's voter learns the error, the board shows the others", async () => {
  const failed = await fetch(`${base}/api/vote?choice=:doughnut:`);
  expect(await failed.json()).toHaveProperty("error");
  const board = await json<{ shortcode: string; votes: number; unicode: string }[]>("/api/leaderboard");
  expect(board.find((r) => r.shortcode === ":doughnut:")).toBeUndefined();
  expect(board.find((r) => r.shortcode === ":joy:")).toMatchObject({ votes: 1, unicode: "😂" });
});

test("wrong choices are refused with a sentence", async () => {
  expect((await fetch(`${base}/api/vote`)).status).toBe(400);
  expect((await fetch(`${base}/api/vote?choice=:nosuch:`)).status).toBe(400);
  expect((await fetch(`${base}/nowhere`)).status).toBe(404);
});

test("page and script are served", async () => {
  expect(await (await fetch(`${base}/leaderboard`)).text()).toContain("EMOJI VOTE");
  const script = await (await fetch(`${base}/js`)).text();
  expect(script).toContain("/api/leaderboard");
  expect(script).not.toContain("export default");
});
