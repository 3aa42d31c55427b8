import { expect, test } from "bun:test";
import { createRequestHead } from "@heddle/wire";
import type { JWTPayload } from "jose";
import type { JwtAuthnConfig, JwtProviderConfig } from "../config/filters/jwt-authn.ts";
import type { FilterCall, FilterReply, FilterSurroundings } from "./http-filter.ts";
import { createJwtAuthnFilter, type JwtVerifier } from "./jwt-authn-filter.ts";

const PROVIDER = {
  name: "p",
  fromHeaders: [{ name: "authorization", prefix: "Bearer " }],
  fromParams: [],
  fromCookies: [],
  forward: true,
  payloadHeader: "x-payload",
  headerInMetadata: "",
  payloadInMetadata: "",
  claimHeaders: [{ header: "x-name", claim: ["name"] }],
} as unknown as JwtProviderConfig;
const CONFIG = {
  providers: new Map([["p", PROVIDER]]),
  named: new Map([["r", { kind: "provider", name: "p", audiences: undefined }]]),
  rules: [],
  bypassCors: false,
  stripFailure: false,
} as unknown as JwtAuthnConfig;
const ROUTE = { kind: "jwt-route", disabled: false, requirement: "r" } as const;

/** A request that is under way until `end`. */
function asked(check: JwtVerifier["check"]) {
  const request = createRequestHead();
  const replies: FilterReply[] = [];
  const counts: string[] = [];
  let resumed = 0;
  let end = () => {};
  const call = {
    request,
    metadata: new Map(),
    reply: (reply: FilterReply) => replies.push(reply),
    resume: () => {
      resumed++;
    },
    onEnd: (callback: () => void) => {
      end = callback;
    },
  } as unknown as FilterCall;
  const around = { count: (name: string) => counts.push(name) } as unknown as FilterSurroundings;
  const waits = createJwtAuthnFilter({ config: CONFIG, check }, ROUTE, around).onRequest(call);
  expect(waits).toBe(false);
  return { request, replies, counts, end: () => end(), resumed: () => resumed };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** The check says yes, with this payload. */
const saying =
  (payload: JWTPayload): JwtVerifier["check"] =>
  async (_requirement, _call, verified) => {
    verified.set(PROVIDER, payload);
    return undefined;
  };

test.each<[string, JwtVerifier["check"]]>([
  ["rejects", () => Promise.reject(new Error("a bug"))],
  [
    "throws",
    () => {
      throw new Error("a bug");
    },
  ],
  // Its payload can't be written down, so what it says can't be passed on.
  ["passes what can't be told", saying({ name: { toJSON: () => JSON.parse("no JSON") } })],
])("a check that %s has failed", async (_name, check) => {
  const { replies, counts, resumed } = asked(check);
  await settled();
  expect(replies.map(({ status, body }) => [status, body])).toEqual([[401, "Jwt verification fails"]]);
  expect(counts).toEqual(["jwt_authn.denied"]);
  expect(resumed()).toBe(0);
});

test("a check that comes back after its request's end does not touch the next request of the connection", async () => {
  let answer = () => {};
  const waits = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const { request, replies, counts, end, resumed } = asked(async (requirement, call, verified) => {
    await waits;
    return saying({ name: "alice" })(requirement, call, verified);
  });
  end();
  request.headers.set("authorization", "Bearer of.the.next");
  answer();
  await settled();
  expect(request.headers.get("x-name")).toBeUndefined();
  expect(request.headers.get("x-payload")).toBeUndefined();
  expect([replies, counts, resumed()]).toEqual([[], [], 0]);
});

test("a claim is a header in UTF-8, and stays in its line", async () => {
  const { request, resumed } = asked(saying({ name: "Zoë Ł\r\nx-admin: yes" }));
  await settled();
  const value = request.headers.get("x-name") ?? "";
  expect(Buffer.from(value, "latin1").toString("utf8")).toBe("Zoë Ł  x-admin: yes");
  expect(resumed()).toBe(1);
});
