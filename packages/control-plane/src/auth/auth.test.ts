import { describe, expect, test } from "bun:test";
import { err, ok } from "@heddle/std";
import { type CallCredentials, createAuthenticator } from "./caller.ts";
import { createClusterReviewer } from "./cluster-reviewer.ts";
import { mayActAs } from "./node-access.ts";
import { readReview, type TokenReviewer } from "./token-review.ts";

const reviewer: TokenReviewer = {
  review: async (token) =>
    token === "good"
      ? ok({ namespace: "a", serviceAccount: "b" })
      : token === "later"
        ? err({ kind: "unavailable", reason: "no API server" })
        : err({ kind: "invalid", reason: "expired" }),
};
const authenticator = createAuthenticator({ reviewer, trustDomains: () => ["td", "old-td"] });
const call = (more: Partial<CallCredentials>): CallCredentials => ({
  secure: true,
  subjectAltName: undefined,
  authorization: undefined,
  peer: "p",
  ...more,
});

describe("who calls", () => {
  test.each([
    ["a certificate", { subjectAltName: "URI:spiffe://td/ns/a/sa/b" }, "certificate"],
    ["a certificate of an alias", { subjectAltName: "URI:spiffe://old-td/ns/a/sa/b" }, "certificate"],
    ["a token", { authorization: "Bearer good" }, "token"],
    [
      "a foreign certificate, but a good token",
      { subjectAltName: "URI:spiffe://x/ns/a/sa/b", authorization: "bearer good" },
      "token",
    ],
  ])("%s is accepted", async (_what, credentials, by) => {
    expect(await authenticator.authenticate(call(credentials))).toMatchObject({
      ok: true,
      value: { by, identity: { namespace: "a", serviceAccount: "b" } },
    });
  });

  test.each([
    ["nothing", {}, "invalid", "neither a client certificate nor a bearer token was sent"],
    [
      "a foreign trust domain",
      { subjectAltName: "URI:spiffe://x/ns/a/sa/b" },
      "invalid",
      "trust domain x of the client certificate is not td",
    ],
    ["an expired token", { authorization: "Bearer old" }, "invalid", "expired"],
    ["no reviewer", { authorization: "Bearer later" }, "unavailable", "no API server"],
    [
      "another scheme",
      { authorization: "Basic Zm9v" },
      "invalid",
      "neither a client certificate nor a bearer token was sent",
    ],
  ])("%s is refused", async (_what, credentials, kind, reason) => {
    expect(await authenticator.authenticate(call(credentials))).toEqual({
      ok: false,
      error: { kind, reason },
    } as never);
  });
});

test("a proxy acts only as itself", () => {
  const identity = { id: "spiffe://td/ns/a/sa/b" as never, trustDomain: "td", namespace: "a", serviceAccount: "b" };
  expect(mayActAs(identity, { id: "n", namespace: "a", serviceAccount: "b" }).ok).toBe(true);
  expect(mayActAs(identity, { id: "n", namespace: "a", serviceAccount: undefined }).ok).toBe(true);
  expect(mayActAs(identity, { id: "n", namespace: "c", serviceAccount: "b" })).toMatchObject({
    error: "node n is of namespace c, but the caller is spiffe://td/ns/a/sa/b",
  });
  expect(mayActAs(identity, { id: "n", namespace: "a", serviceAccount: "c" }).ok).toBe(false);
});

test.each([
  ["not authenticated", { status: { error: "token has expired" } }, "token has expired"],
  [
    "another audience",
    { status: { authenticated: true, audiences: ["api"], user: { username: "system:serviceaccount:a:b" } } },
    "not for audience istio-ca",
  ],
  [
    "a person",
    { status: { authenticated: true, audiences: ["istio-ca"], user: { username: "eve" } } },
    '"eve", which is no service account',
  ],
  ["noise", 7, "does not accept the token"],
])("a review of %s is a refusal", (_what, answer, reason) => {
  const read = readReview(answer);
  expect(read.ok ? "accepted" : read.error.reason).toContain(reason);
});

test("each cluster vouches for its own tokens; an unknown one for none", async () => {
  const from = (namespace: string): TokenReviewer => ({ review: async () => ok({ namespace, serviceAccount: "b" }) });
  const clusters = createClusterReviewer({
    own: from("own"),
    ownId: "east",
    remote: (id) => (id === "west" ? from("west") : undefined),
  });
  const namespaceBy = async (clusterId?: string) => {
    const answer = await clusters.review("t", clusterId);
    return answer.ok ? answer.value.namespace : answer.error.reason;
  };
  expect(await namespaceBy()).toBe("own");
  expect(await namespaceBy("east")).toBe("own");
  expect(await namespaceBy("Kubernetes")).toBe("own");
  expect(await namespaceBy("west")).toBe("west");
  expect(await namespaceBy("north")).toContain(
    "of cluster north, which this control plane (cluster east) does not know",
  );
});
