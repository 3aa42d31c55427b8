import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createManualClock } from "@heddle/std";
import type { KubeObject } from "../../contract/index.ts";
import { decodePod } from "../spec/pod-spec.ts";
import { writeAtomically } from "./atomic-directory.ts";
import { createTokenSource, refreshTime } from "./token-source.ts";
import { type VolumeFile, volumeContent } from "./volume-content.ts";

const directory = mkdtempSync(path.join(tmpdir(), "heddle-volume-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const files = (entries: Readonly<Record<string, string>>): ReadonlyMap<string, VolumeFile> =>
  new Map(Object.entries(entries).map(([name, text]) => [name, { data: Buffer.from(text), mode: 0o640 }]));

test("files are replaced all at once", () => {
  const target = path.join(directory, "v");
  expect(writeAtomically(target, files({ a: "1", "d/b": "2" }), 0, undefined)).toBe(true);
  const first = readlinkSync(path.join(target, "..data"));
  expect(readFileSync(path.join(target, "d/b"), "utf8")).toBe("2");
  expect(statSync(path.join(target, "a")).mode & 0o777).toBe(0o640);
  expect(writeAtomically(target, files({ a: "1", "d/b": "2" }), 1000, undefined)).toBe(false);
  expect(writeAtomically(target, files({ a: "9" }), 1000, undefined)).toBe(true);
  expect(readdirSync(target).sort()).toEqual([readlinkSync(path.join(target, "..data")), "..data", "a"].sort());
  expect(readlinkSync(path.join(target, "..data"))).not.toBe(first);
  expect(readFileSync(path.join(target, "a"), "utf8")).toBe("9");
});

describe("content", () => {
  const pod: KubeObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "ns", labels: { a: "b" } },
    spec: {
      containers: [{ name: "c" }],
      volumes: [
        {
          name: "all",
          projected: {
            defaultMode: 0o600,
            sources: [
              { serviceAccountToken: { audience: "x", path: "token" } },
              { configMap: { name: "cm", items: [{ key: "k", path: "sub/k", mode: 0o400 }] } },
              { secret: { name: "gone", optional: true } },
              { downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
            ],
          },
        },
        { name: "missing", configMap: { name: "nope" } },
        { name: "key", configMap: { name: "cm", items: [{ key: "no", path: "p" }] } },
        { name: "escape", configMap: { name: "cm", items: [{ key: "k", path: "../p" }] } },
        { name: "pvc", persistentVolumeClaim: { claimName: "x" } },
      ],
    },
  };
  const spec = decodePod(pod);
  const cm: KubeObject = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "cm" },
    data: { k: "v" },
    binaryData: { b: "/w==" },
  };
  const content = (name: string) => {
    const source = spec.volumes.find((volume) => volume.name === name)?.source;
    if (source?.kind !== "files") throw new Error(`${name} is no volume of files`);
    const facts = { pod, podIp: "", hostIp: "", allocatable: {} };
    return volumeContent({ ...source, spec, facts, objects: new Map([["configMap/cm", cm]]), tokens: ["T"] });
  };

  test("a projected volume joins its sources", () => {
    const result = content("all");
    const got =
      result.kind === "content"
        ? [...result.files].map(([name, file]) => [name, Buffer.from(file.data).toString(), file.mode])
        : result;
    expect(got).toEqual([
      ["token", "T", 0o600],
      ["sub/k", "v", 0o400],
      ["labels", 'a="b"', 0o600],
    ]);
  });

  test("problems are sentences", () => {
    expect(content("missing")).toEqual({ kind: "invalid", message: 'configmap "nope" not found' });
    expect(content("key")).toEqual({ kind: "invalid", message: "references non-existent configmap key: no" });
    expect(content("escape")).toMatchObject({ kind: "invalid" });
    expect(spec.volumes.at(-1)?.source).toEqual({ kind: "unsupported", what: "persistentVolumeClaim" });
  });
});

test("tokens are kept until 80 % of their life, at most a day", async () => {
  expect(refreshTime(0, 1000)).toBe(800);
  expect(refreshTime(0, 10 * 86_400_000)).toBe(86_400_000);
  const clock = createManualClock(0);
  let issued = 0;
  const issue = () =>
    Promise.resolve({ token: `t${++issued}`, expirationTimestamp: new Date(clock.now() + 1_000_000).toISOString() });
  const source = createTokenSource(issue, clock, {
    namespace: "ns",
    serviceAccount: "sa",
    pod: { name: "p", uid: "u" },
  });
  const request = { audience: "a", expirationSeconds: 1000 };
  expect((await source.get(request)).token).toBe("t1");
  clock.advance(700_000);
  expect((await source.get(request)).token).toBe("t1");
  clock.advance(200_000);
  expect((await source.get(request)).token).toBe("t2");
});
