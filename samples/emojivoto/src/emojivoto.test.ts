import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { startEmojiService } from "./emoji-svc.ts";
import { LISTED_EMOJI, VOTABLE_EMOJI, voteMethod } from "./emoji-table.ts";
import { readFields, readText, textField } from "./protobuf.ts";
import { startVoteBot } from "./vote-bot.ts";
import { startVotingService } from "./voting-svc.ts";
import { startWeb } from "./web.ts";

type Counts = ReadonlyMap<string, number>;

async function counted(port: number | undefined): Promise<Counts> {
  return countsIn(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
}

/** Series of a `/metrics`, by their text. */
function countsIn(text: string): Counts {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

function sum(counts: Counts, ...parts: readonly string[]): number {
  return [...counts]
    .filter(([series]) => parts.every((part) => series.includes(part)))
    .reduce((total, [, value]) => total + value, 0);
}

/** Numbers in [0, 1), always the same. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("the table", () => {
  test("lists 99 emoji and takes votes for 100, each with its own method", () => {
    expect(LISTED_EMOJI).toHaveLength(99);
    expect(new Set(LISTED_EMOJI.map(({ unicode }) => unicode)).size).toBe(99);
    expect(new Set(VOTABLE_EMOJI.map(({ shortcode }) => voteMethod(shortcode))).size).toBe(100);
    expect(LISTED_EMOJI.some(({ shortcode }) => shortcode === ":doughnut:")).toBe(true);
    expect(LISTED_EMOJI.some(({ shortcode }) => shortcode === ":relaxed:")).toBe(false);
    expect(voteMethod(":stuck_out_tongue_winking_eye:")).toBe("VoteStuckOutTongueWinkingEye");
    expect(voteMethod(":100:")).toBe("Vote100");
  });

  test("a cut message is refused", () => {
    const message = textField(1, ":joy:");
    expect(readText(readFields(message), 1)).toBe(":joy:");
    for (let length = 1; length < message.length; length++)
      expect(() => readFields(message.subarray(0, length))).toThrow("cut");
  });
});

test("the manifest has the published 11 objects", () => {
  const manifest = readFileSync(new URL("../emojivoto.yml", import.meta.url), "utf8");
  const objects = manifest
    .split("\n---\n")
    .map((text) => `${/^kind: (.*)$/m.exec(text)?.[1]} ${/^ {2}name: (.*)$/m.exec(text)?.[1]}`);
  expect(objects).toEqual([
    "Namespace emojivoto",
    "ServiceAccount emoji",
    "ServiceAccount voting",
    "ServiceAccount web",
    "Service emoji-svc",
    "Service voting-svc",
    "Service web-svc",
    "Deployment emoji",
    "Deployment vote-bot",
    "Deployment voting",
    "Deployment web",
  ]);
});

describe("the four programs", () => {
  let emoji: Awaited<ReturnType<typeof startEmojiService>>;
  let voting: Awaited<ReturnType<typeof startVotingService>>;
  let web: Awaited<ReturnType<typeof startWeb>>;
  let url: string;

  beforeAll(async () => {
    emoji = await startEmojiService({ GRPC_PORT: "0", PROM_PORT: "0" });
    voting = await startVotingService({ GRPC_PORT: "0", PROM_PORT: "0" });
    const hosts = { EMOJISVC_HOST: `127.0.0.1:${emoji.grpcPort}`, VOTINGSVC_HOST: `127.0.0.1:${voting.grpcPort}` };
    web = await startWeb({
      WEB_PORT: "0",
      PROM_PORT: "0",
      INDEX_BUNDLE: "dist/index_bundle.js",
      MESSAGE_OF_THE_DAY: "<hi>",
      ...hosts,
    });
    url = `http://127.0.0.1:${web.webPort}`;
  });
  afterAll(async () => {
    await web.close();
    await Promise.all([emoji.close(), voting.close()]);
  });

  test("list, vote, leaderboard", async () => {
    const list = await (await fetch(`${url}/api/list`)).json();
    expect(list).toEqual(LISTED_EMOJI.map(({ shortcode, unicode }) => ({ shortcode, unicode })));
    for (const choice of [":joy:", ":joy:", ":100:"]) {
      const response = await fetch(`${url}/api/vote?choice=${choice}`);
      expect(response.status).toBe(200);
      expect(await response.text()).toBe("");
    }
    const board = await fetch(`${url}/api/leaderboard`);
    expect(board.headers.get("content-type")).toBe("application/json; charset=UTF-8");
    expect(await board.json()).toEqual([
      { shortcode: ":joy:", unicode: "😂", votes: "2" },
      { shortcode: ":100:", unicode: "💯", votes: "1" },
    ]);
  });

  test("errors are those of the original", async () => {
    const cases = [
      [":doughnut:", 500, "rpc error: code = Unknown desc = ERROR"],
      ["", 400, "Emoji choice [] is mandatory"],
      [":relaxed:", 400, "Choosen emoji shortcode [:relaxed:] doesnt exist"],
    ] as const;
    for (const [choice, status, error] of cases) {
      const response = await fetch(`${url}/api/vote?choice=${choice}`);
      expect(response.status).toBe(status);
      expect(await response.json()).toEqual({ error });
    }
  });

  test("the page, its script, and what is not there", async () => {
    for (const path of ["/", "/leaderboard", "/anything"]) {
      const html = await (await fetch(url + path)).text();
      expect(html).toContain('<script src="/js"');
      expect(html).toContain("&lt;hi&gt;");
    }
    expect(await (await fetch(`${url}/js`)).text()).toContain("/api/vote?choice=");
    expect((await fetch(`${url}/img/favicon.ico`)).headers.get("content-type")).toBe("image/svg+xml");
    expect((await fetch(`${url}/dist/nothing.js`)).status).toBe(404);
  });

  test("what the bot sent is what everybody counted, and doughnuts fail", async () => {
    const before = {
      web: await counted(web.promPort),
      emoji: await counted(emoji.promPort),
      voting: await counted(voting.promPort),
    };
    const bot = await startVoteBot(
      { WEB_HOST: `127.0.0.1:${web.webPort}`, REQUEST_RATE: "400", PROM_PORT: "0" },
      seeded(7),
    );
    while (sum(await counted(bot.promPort), "/api/vote") < 400) await new Promise((resolve) => setTimeout(resolve, 20));
    await bot.close();
    const sent = countsIn(bot.counters.expose());
    const after = {
      web: await counted(web.promPort),
      emoji: await counted(emoji.promPort),
      voting: await counted(voting.promPort),
    };
    const grew = (who: keyof typeof after, ...parts: readonly string[]) =>
      sum(after[who], ...parts) - sum(before[who], ...parts);
    const lists = grew("web", 'path="/api/list"');
    const votes = grew("web", 'path="/api/vote"');
    const failed = grew("web", 'path="/api/vote"', 'code="500"');
    expect(sum(sent, "/api/list")).toBe(lists);
    expect(sum(sent, "/api/vote")).toBe(votes);
    expect(grew("emoji", "handled", 'grpc_method="ListAll"', 'grpc_code="OK"')).toBe(lists);
    expect(grew("emoji", "handled", 'grpc_method="FindByShortcode"', 'grpc_code="OK"')).toBe(votes);
    expect(grew("voting", "handled", 'grpc_code="OK"')).toBe(votes - failed);
    expect(grew("voting", "handled", 'grpc_method="VoteDoughnut"', 'grpc_code="Unknown"')).toBe(failed);
    expect(grew("voting", "emojivoto_votes_total")).toBe(votes - failed);
    // 15 % and one of 99: 15.9 %, within four standard deviations.
    const share = 0.15 + 0.85 / 99;
    expect(Math.abs(failed / votes - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / votes));
  }, 60_000);

  test("environment that is wrong is named", async () => {
    await expect(startEmojiService({})).rejects.toThrow("GRPC_PORT");
    await expect(startEmojiService({ GRPC_PORT: "http" })).rejects.toThrow('GRPC_PORT is "http", which is not a port');
    await expect(startVoteBot({ WEB_HOST: "" })).rejects.toThrow("WEB_HOST");
  });
});
