import { expect, test } from "bun:test";
import { createManualClock } from "@heddle/std";
import { damaged, seededRandom } from "@heddle/std/damage";
import { createRequestHead } from "@heddle/wire";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { JwtAuthnConfig, JwtProviderConfig } from "../config/filters/jwt-authn.ts";
import type { FilterCall, FilterSurroundings } from "./http-filter.ts";
import { createJwtVerifier } from "./jwt-authn-filter.ts";
import { findToken } from "./jwt-token.ts";

// Whatever keys and tokens say: nothing throws, and only the token that was signed is believed.

const pairs = await Promise.all(["RS256", "RS256", "ES256"].map((alg) => generateKeyPair(alg, { extractable: true })));
const jwks = await Promise.all(
  pairs.map(async ({ publicKey }, i) => ({ ...(await exportJWK(publicKey)), kid: `k${i}`, use: "sig" })),
);
const sign = (i: number, head: object = {}) =>
  new SignJWT({ sub: "me", groups: ["a"], nested: { n: 1 } })
    .setProtectedHeader({ alg: i === 2 ? "ES256" : "RS256", ...head })
    .setIssuer("https://issuer.test")
    .setAudience("app")
    .setExpirationTime("1h")
    .sign(pairs[i]?.privateKey as CryptoKey);

const provider = (text: string, more: Partial<JwtProviderConfig> = {}): JwtProviderConfig => ({
  name: "p",
  issuer: "https://issuer.test",
  audiences: ["app"],
  jwks: { kind: "local", text },
  forward: true,
  fromHeaders: [{ name: "authorization", prefix: "Bearer " }],
  fromParams: [],
  fromCookies: [],
  payloadHeader: "",
  padPayload: false,
  payloadInMetadata: "",
  headerInMetadata: "",
  failureInMetadata: "",
  splitClaims: [],
  clockSkewSeconds: 60,
  claimHeaders: [],
  requireExpiration: false,
  clearRoute: false,
  subjects: { kind: "exact", text: "me", ignoreCase: false },
  maxLifetimeSeconds: undefined,
  ...more,
});

function asks(text: string) {
  const one = provider(text);
  const config: JwtAuthnConfig = {
    kind: "jwt-authn",
    providers: new Map([["p", one]]),
    rules: [],
    named: new Map(),
    bypassCors: false,
    stripFailure: false,
  } as unknown as JwtAuthnConfig;
  const verifier = createJwtVerifier(config, { clock: createManualClock() } as unknown as FilterSurroundings);
  return (token: string): Promise<string | undefined> => {
    const request = createRequestHead();
    request.headers.set("authorization", `Bearer ${token}`);
    const requirement = { kind: "provider", name: "p", audiences: undefined } as const;
    return verifier.check(requirement, { request } as FilterCall, new Map());
  };
}

test("a token is believed whichever of the fitting keys has signed it, named or not", async () => {
  const ask = asks(JSON.stringify({ keys: jwks }));
  for (const i of [0, 1, 2]) {
    expect(await ask(await sign(i))).toBeUndefined();
    expect(await ask(await sign(i, { kid: `k${i}` }))).toBeUndefined();
  }
  expect(await ask(await sign(0, { kid: "k1" }))).toBe("Jwt verification fails");
  const stranger = await generateKeyPair("RS256");
  const forged = await new SignJWT({ sub: "me", aud: "app" })
    .setProtectedHeader({ alg: "RS256" })
    .setIssuer("https://issuer.test")
    .sign(stranger.privateKey);
  expect(await ask(forged)).toBe("Jwt verification fails");
});

test("damaged tokens are refused in words, unless they say the very same", async () => {
  const ask = asks(JSON.stringify({ keys: jwks }));
  const random = seededRandom(91);
  const tokens = [await sign(1), await sign(2, { kid: "k2" })];
  const said = new Set<string | undefined>();
  const bytesOf = (token: string) => token.split(".").map((part) => Buffer.from(part, "base64url").toString("hex"));
  for (let round = 0; round < 1500; round++) {
    const whole = tokens[round % 2] ?? "";
    const token = damaged(Buffer.from(whole), random)
      .toString("latin1")
      .replace(/[^\x20-\x7e]/g, "");
    const failure = await ask(token);
    said.add(failure);
    // What follows a blank or comma is not the token's.
    if (failure === undefined) expect(bytesOf(token.trim().split(/[ ,]/)[0] ?? "")).toEqual(bytesOf(whole));
  }
  expect(said.size).toBeGreaterThan(2);
});

test("damaged heads and payloads under a good form", async () => {
  const ask = asks(JSON.stringify({ keys: jwks }));
  const random = seededRandom(92);
  const texts = [
    null,
    1,
    "x",
    [],
    {},
    { alg: "none" },
    { alg: "RS256", kid: {} },
    { alg: 5 },
    { alg: "HS256" },
    { crit: ["b64"], b64: false, alg: "RS256" },
  ];
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  for (const head of texts)
    for (const payload of [null, [], {}, { iss: 5 }, { iss: "https://issuer.test", exp: "x", aud: 7, sub: {} }])
      for (const signature of ["", "AAAA", Buffer.alloc(256, random() * 256).toString("base64url")])
        expect(await ask(`${encode(head)}.${encode(payload)}.${signature}`)).toBeString();
});

test("damaged keys: a token is refused in words, or believed; nothing is thrown", async () => {
  const random = seededRandom(93);
  const text = JSON.stringify({ keys: jwks });
  const token = await sign(1, { kid: "k1" });
  const said = new Set<string | undefined>();
  for (let round = 0; round < 300; round++) {
    said.add(await asks(damaged(Buffer.from(text), random).toString("latin1"))(token));
  }
  for (const other of [
    "",
    "null",
    "[]",
    "{}",
    '{"keys":null}',
    '{"keys":[null]}',
    '{"keys":[{}]}',
    '{"keys":[{"kty":"RSA","kid":"k1"}]}',
    '{"keys":[{"kty":"RSA","kid":"k1","n":5,"e":{}}]}',
  ])
    expect(await asks(other)(token)).toBeString();
  expect(said.size).toBeGreaterThan(1);
});

test("tokens are found in any header, parameter and cookie without a throw", () => {
  const random = seededRandom(94);
  const from = provider("", { fromParams: ["t"], fromCookies: ["c"] });
  let found = 0;
  for (let round = 0; round < 3000; round++) {
    const request = createRequestHead();
    const any = (text: string) => damaged(Buffer.from(text), random).toString("latin1");
    request.headers.set("authorization", any("Bearer a.b.c, d"));
    request.headers.set("cookie", any('x=1; c="a.b.c"; c=2'));
    request.path = any("/p?x=1&t=a.b.c&t=2#t=3");
    if (findToken(from, request) !== undefined) found++;
  }
  expect(found).toBeGreaterThan(500);
});
