import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AuthorityMaterial,
  createAuthority,
  createIntermediate,
  createSelfSignedRoot,
  createSigningRequest,
  createTrustBundle,
  exportPrivateKey,
  generateKey,
  keysMatch,
  peerIdentity,
  readCertificate,
  readSigningRequest,
  verifyChain,
} from "./index.ts";

const now = Date.parse("2026-11-21T12:00:00Z");
const hour = 3_600_000;
const dir = mkdtempSync(join(tmpdir(), "identity-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const openssl = (...args: string[]): string => {
  const done = Bun.spawnSync(["openssl", ...args], { cwd: dir });
  return done.stdout.toString() + done.stderr.toString();
};
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return name;
};
const read = (name: string): string => readFileSync(join(dir, name), "utf8");
const id = "spiffe://cluster.local/ns/shop/sa/cart";

let self: AuthorityMaterial;
beforeAll(async () => {
  self = await createSelfSignedRoot("cluster.local", now);
});

function authority(material: AuthorityMaterial, at = now) {
  const made = createAuthority(material, at);
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  return made.value;
}

describe("self-signed root", () => {
  test("openssl reads it: ten years, CA", () => {
    const text = openssl("x509", "-noout", "-text", "-in", file("root.pem", self.caCert));
    expect(text).toContain("CA:TRUE");
    expect(text).toContain("Certificate Sign, CRL Sign");
    expect(text).toContain("Not After : Nov 18 12:00:00 2036 GMT");
    expect(text).toContain("O = cluster.local");
  });

  test("a workload certificate verifies with openssl, carries only the SPIFFE id, lives a day, is back-dated", async () => {
    const key = await generateKey();
    const csr = createSigningRequest(key, { uris: [id] });
    expect(openssl("req", "-verify", "-noout", "-in", file("csr.pem", csr))).toContain("verify OK");
    const request = readSigningRequest(csr);
    if (!request.ok) throw new Error(request.error);
    expect(request.value.names.uris).toEqual([id]);
    const issued = authority(self).issue({ publicKey: request.value.publicKey, names: { uris: [id] }, nowMs: now });
    expect(issued.chain).toHaveLength(2);
    file("leaf.pem", issued.chain[0] ?? "");
    expect(
      openssl("verify", "-attime", String(now / 1000), "-CAfile", file("root.pem", self.caCert), "leaf.pem"),
    ).toContain("leaf.pem: OK");
    const text = openssl("x509", "-noout", "-text", "-in", "leaf.pem");
    expect(text).toContain(`URI:${id}`);
    expect(text).toContain("X509v3 Subject Alternative Name: critical");
    expect(text).toContain("TLS Web Server Authentication, TLS Web Client Authentication");
    expect(text).toContain("Not Before: Nov 21 11:58:00 2026 GMT");
    expect(text).toContain("Not After : Nov 22 12:00:00 2026 GMT");
    const leaf = readCertificate(issued.chain[0] ?? "");
    if (!leaf.ok) throw new Error(leaf.error);
    expect(keysMatch(key, leaf.value.x509.publicKey)).toBe(true);
    expect(peerIdentity(leaf.value.x509.subjectAltName)).toMatchObject({
      ok: true,
      value: { namespace: "shop", serviceAccount: "cart" },
    });
  });

  test("the life asked for is kept within 90 days and within the CA's own", async () => {
    const publicKey = createPublicKey(await generateKey());
    const ca = authority(self);
    const issue = (ttlMs: number, at = now) =>
      ca.issue({ publicKey, names: { uris: [id] }, nowMs: at, ttlMs }).notAfterMs - at;
    expect(issue(hour)).toBe(hour);
    expect(issue(400 * 24 * hour)).toBe(90 * 24 * hour);
    expect(issue(-5)).toBe(24 * hour);
    expect(issue(24 * hour, ca.certificate.notAfterMs - hour)).toBe(hour);
  });

  test("serving certificates carry DNS names and addresses", async () => {
    const key = await generateKey();
    const names = { dns: ["istiod.istio-system.svc"], ips: ["10.1.2.3", "fd00::1:2"] };
    const issued = authority(self).issue({ publicKey: createPublicKey(key), names, nowMs: now });
    const text = openssl("x509", "-noout", "-text", "-in", file("serving.pem", issued.chain[0] ?? ""));
    expect(text).toContain("DNS:istiod.istio-system.svc, IP Address:10.1.2.3, IP Address:FD00:0:0:0:0:0:1:2");
    const parsed = readCertificate(issued.chain[0] ?? "");
    expect(parsed.ok && parsed.value.names).toMatchObject({ dns: names.dns, ips: ["10.1.2.3", "fd00:0:0:0:0:0:1:2"] });
  });
});

describe("plugged-in CA (cacerts)", () => {
  const subject = (name: string): string[] => ["-subj", `/O=Istio/CN=${name}`];
  beforeAll(() => {
    const ext = file(
      "ca.ext",
      "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n",
    );
    openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      "root.key",
      "-out",
      "root-cert.pem",
      "-days",
      "3650",
      ...subject("Root"),
    );
    for (const [name, issuer] of [
      ["mid", "root-cert"],
      ["ca", "mid"],
    ] as const) {
      openssl(
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        `${name}.key`,
        "-out",
        `${name}.csr`,
        ...subject(name),
      );
      const signer = issuer === "root-cert" ? "root.key" : `${issuer}.key`;
      openssl(
        "x509",
        "-req",
        "-in",
        `${name}.csr`,
        "-CA",
        `${issuer}.pem`,
        "-CAkey",
        signer,
        "-CAcreateserial",
        "-days",
        "700",
        "-extfile",
        ext,
        "-out",
        `${name}.pem`,
      );
    }
    openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      "other.key",
      "-out",
      "other.pem",
      "-days",
      "1",
      ...subject("Other"),
    );
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-out", "leaf.csr", ...subject("leaf"));
    openssl(
      "x509",
      "-req",
      "-in",
      "leaf.csr",
      "-CA",
      "root-cert.pem",
      "-CAkey",
      "root.key",
      "-CAcreateserial",
      "-days",
      "7",
      "-out",
      "leafca.pem",
    );
    // Three RSA keys take seconds on a busy machine.
  }, 60_000);
  // The machine's clock made these certificates.
  const at = Date.now() + 60_000;
  const good = (): AuthorityMaterial => ({
    caCert: read("ca.pem"),
    caKey: read("ca.key"),
    certChain: read("ca.pem") + read("mid.pem"),
    rootCert: read("root-cert.pem"),
  });
  const problems = (change: Partial<AuthorityMaterial>, nowMs = at) => {
    const made = createAuthority({ ...good(), ...change }, nowMs);
    return made.ok ? [] : made.error.map(({ file: name, reason }) => `${name} ${reason}`);
  };

  test("a three level RSA chain signs workloads that openssl accepts", async () => {
    const issued = authority(good(), at).issue({
      publicKey: createPublicKey(await generateKey()),
      names: { uris: [id] },
      nowMs: at,
    });
    expect(issued.chain).toHaveLength(4);
    file("chain.pem", issued.chain.slice(1, -1).join(""));
    file("leaf.pem", issued.chain[0] ?? "");
    expect(openssl("verify", "-CAfile", "root-cert.pem", "-untrusted", "chain.pem", "leaf.pem")).toContain(
      "leaf.pem: OK",
    );
    const bundle = createTrustBundle([read("root-cert.pem"), read("root-cert.pem"), self.caCert]);
    if (!bundle.ok) throw new Error(bundle.error);
    expect(bundle.value.roots).toHaveLength(2);
    const chain = issued.chain.slice(0, -1).map((pem) => {
      const certificate = readCertificate(pem);
      if (!certificate.ok) throw new Error(certificate.error);
      return certificate.value;
    });
    expect(verifyChain(chain, bundle.value, at)).toMatchObject({ ok: true });
    expect(verifyChain(chain.slice(0, 1), bundle.value, at)).toMatchObject({
      ok: false,
      error: expect.stringContaining("no trusted root issued"),
    });
    expect(verifyChain(chain, bundle.value, at + 25 * hour)).toMatchObject({
      ok: false,
      error: expect.stringContaining("expired"),
    });
  });

  test.each([
    ["a foreign key", () => ({ caKey: read("other.key") }), "ca-key.pem does not belong to ca-cert.pem"],
    ["no key", () => ({ caKey: "hello" }), "ca-key.pem is not a PEM private key"],
    ["a missing intermediate", () => ({ certChain: read("ca.pem") }), "cert-chain.pem the chain ends at"],
    ["another root", () => ({ rootCert: read("other.pem") }), "cert-chain.pem the chain ends at"],
    ["an empty root", () => ({ rootCert: "" }), "root-cert.pem holds no PEM certificate"],
    [
      "a broken root",
      () => ({ rootCert: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" }),
      "root-cert.pem certificate 1: is not a certificate",
    ],
    [
      "a leaf as CA",
      () => ({ caCert: read("leafca.pem"), caKey: read("leaf.key") }),
      "ca-cert.pem is not a CA certificate",
    ],
  ])("%s is named", (_what, change, expected) => {
    expect(problems(change()).join("\n")).toContain(expected);
  });

  test("an expired CA is named with its date", () => {
    expect(problems({}, at + 701 * 24 * hour)[0]).toMatch(/^ca-cert.pem expired at 20/);
  });
});

test("an intermediate below an intermediate signs for the same root, as openssl sees it", async () => {
  const cluster = await createIntermediate(await createIntermediate(self, "region", now), "cluster-1", now);
  const made = createAuthority(cluster, now);
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  const { chain } = made.value.issue({
    publicKey: createPublicKey(await generateKey()),
    names: { uris: [id] },
    nowMs: now,
  });
  expect(chain.length).toBe(4);
  expect(chain.at(-1)).toBe(self.caCert);
  const [leaf, ...rest] = chain;
  const verify = openssl(
    ...["verify", "-attime", String(now / 1000), "-CAfile", file("r.pem", self.caCert)],
    ...["-untrusted", file("i.pem", rest.join("")), file("l.pem", leaf ?? "")],
  );
  expect(verify).toContain("l.pem: OK");
});

describe("signing requests", () => {
  test("openssl's RSA request with names is read", () => {
    openssl(
      "req",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      "w.key",
      "-out",
      "w.csr",
      "-subj",
      "/O=x",
      "-addext",
      `subjectAltName=URI:${id},DNS:a.b`,
    );
    expect(readSigningRequest(read("w.csr"))).toMatchObject({
      ok: true,
      value: { names: { uris: [id], dns: ["a.b"] } },
    });
  });

  test("weak keys, altered requests and noise are refused with a reason", async () => {
    openssl("req", "-newkey", "rsa:1024", "-nodes", "-keyout", "w.key", "-out", "w.csr", "-subj", "/O=x");
    expect(readSigningRequest(read("w.csr"))).toEqual({
      ok: false,
      error: "an RSA key of 1024 bits is too short; use 2048 or more, or P-256",
    });
    expect(readSigningRequest("hello")).toEqual({ ok: false, error: "is not a PEM certificate request" });
    const csr = createSigningRequest(await generateKey(), { uris: [id] });
    const bytes = Buffer.from(csr.replace(/-----[A-Z ]+-----|\s/g, ""), "base64");
    for (let i = 0; i < bytes.length; i += 3) {
      const altered = Buffer.from(bytes);
      altered[i] = (altered[i] ?? 0) ^ 0x55;
      const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${altered.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
      expect(readSigningRequest(pem).ok).toBe(false);
    }
  });

  test("private keys survive export", async () => {
    const key = await generateKey();
    expect(openssl("ec", "-in", file("k.pem", exportPrivateKey(key)), "-noout", "-check")).toContain("valid");
  });
});
