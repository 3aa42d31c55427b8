import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, createManualClock } from "@heddle/std";
import { foreignCertificate } from "../../test/rig/foreign-certificate.ts";
import { stampOf } from "../file-stamp.ts";
import { secretProblem } from "./secret-check.ts";
import { createSecretFiles } from "./secret-files.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-secret-files-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const seen = (path: string) => ({ path, stamp: stampOf(path) });

test("a secret is read again when one of its files changes, and again until that works", () => {
  const clock = createManualClock();
  const said: string[] = [];
  const log = createLogger({
    clock,
    level: "info",
    scope: "test",
    sink: (record) => void said.push(JSON.stringify(record)),
  });
  const files = createSecretFiles(clock, log);
  const [a, b] = [join(folder, "a"), join(folder, "b")];
  writeFileSync(a, "1");
  let reads = 0;
  let problem: string | undefined;
  const reload = () => {
    reads++;
    return problem;
  };
  files.start();
  files.follow("s", [a, b].map(seen), reload);
  clock.advance(5000);
  expect(reads).toBe(0);
  // A file that was not there.
  problem = "its key is still to come";
  writeFileSync(b, "one");
  clock.advance(1500);
  expect(reads).toBe(3);
  expect(said.filter((line) => line.includes("still to come"))).toHaveLength(1);
  problem = undefined;
  writeFileSync(a, "another");
  clock.advance(5000);
  expect(reads).toBe(4);
  // Gone, and a folder in its place: neither ends anything.
  rmSync(a);
  clock.advance(500);
  mkdirSync(a);
  clock.advance(500);
  expect(reads).toBe(6);
  // Written between the reading of the secret and here.
  files.follow("s", [{ path: b, stamp: "of before" }], reload);
  clock.advance(1500);
  expect(reads).toBe(7);
  files.follow("s", [], reload);
  rmSync(a, { recursive: true });
  clock.advance(5000);
  expect(reads).toBe(7);
  files.close();
});

test("what can't serve is told from what can, without a word of the key", async () => {
  const [one, other] = [await foreignCertificate(), await foreignCertificate()];
  const pair = (certificateChain: string, privateKey: string) =>
    secretProblem({ kind: "certificate", name: "s", files: [], pair: { certificateChain, privateKey } });
  expect(pair(one.cert, one.key)).toBeUndefined();
  expect(pair(one.cert, other.key)).toBe("private_key is not the key of certificate_chain");
  for (const text of [pair("", ""), pair(one.cert, "no key"), pair("no certificate", one.key)])
    expect(text).toBe("certificate_chain or private_key is not PEM of a certificate and its key");
  const roots = (trustedCa: string | undefined) =>
    secretProblem({
      kind: "validation",
      name: "s",
      files: [],
      validation: { trustedCa, sans: [], acceptUntrusted: false },
    });
  expect([roots(one.cert), roots(undefined)]).toEqual([undefined, undefined]);
  expect(roots("nothing")).toBe("trusted_ca holds no PEM certificate");
  expect(roots("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")).toContain("trusted_ca");
});
