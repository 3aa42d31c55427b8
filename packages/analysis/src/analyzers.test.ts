import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  asKubeObject,
  defaultInjectorValues,
  type KubeObject,
  parseMeshConfig,
  readService,
  refText,
} from "@heddle/config";
import { parse } from "yaml";
import { analyze } from "./analyze.ts";
import { analyzers } from "./analyzers.ts";
import { codes } from "./codes.ts";
import { analysisInput, type ListeningPod } from "./input.ts";

/** A fixture: objects that all cases share, objects that are wrong and what is said about them, objects that are right. */
interface Fixture {
  readonly analyzer: string;
  readonly options?: {
    readonly mesh?: unknown;
    readonly now?: string;
    readonly kubernetesVersion?: string;
    readonly proxy?: object;
    readonly injectByDefault?: boolean;
    readonly listening?: readonly ListeningPod[];
    readonly fromMinor?: number;
    readonly otherClusters?: Readonly<Record<string, readonly unknown[]>>;
  };
  readonly goodOptions?: Fixture["options"];
  readonly base?: readonly unknown[];
  readonly bad?: readonly unknown[];
  readonly findings: readonly string[];
  readonly good?: readonly unknown[];
}

const folder = join(import.meta.dir, "../testdata");
const fixtures = readdirSync(folder)
  .filter((name) => name.endsWith(".yaml"))
  .sort()
  .map((name) => ({ name, ...(parse(readFileSync(join(folder, name), "utf8")) as Fixture) }));

function kubeObject(raw: unknown): KubeObject {
  const object = asKubeObject(raw);
  if (object === undefined) throw new Error(`not an object: ${JSON.stringify(raw)}`);
  return object;
}

function findingsOf(fixture: Fixture, objects: readonly unknown[], options: Fixture["options"]): readonly string[] {
  const chosen = analyzers.filter(({ name }) => name === fixture.analyzer);
  const mesh = parseMeshConfig(JSON.stringify(options?.mesh ?? {}));
  if (!mesh.ok) throw new Error(JSON.stringify(mesh.problems));
  const values = defaultInjectorValues();
  const injector = {
    ...values,
    sidecarInjectorWebhook: {
      ...values.sidecarInjectorWebhook,
      enableNamespacesByDefault: options?.injectByDefault === true,
    },
    global: { ...values.global, proxy: { ...values.global.proxy, image: "", envoyImage: "", ...options?.proxy } },
  };
  const input = analysisInput([...(fixture.base ?? []), ...objects].map(kubeObject), {
    mesh: mesh.value,
    injector,
    ...(options?.now === undefined ? {} : { now: Date.parse(options.now) }),
    ...(options?.listening === undefined ? {} : { listening: options.listening }),
    ...(options?.fromMinor === undefined ? {} : { fromMinor: options.fromMinor }),
    otherClusters: Object.entries(options?.otherClusters ?? {}).map(([name, services]) => ({
      name,
      services: services.map((raw) => readService(kubeObject(raw))),
    })),
    ...(options?.kubernetesVersion === undefined ? {} : { kubernetesVersion: options.kubernetesVersion }),
  });
  return analyze(input, [], chosen)
    .map((one) => `${one.code} ${refText(one.object)} ${one.path}`.trim())
    .sort();
}

describe("analyzers", () => {
  for (const fixture of fixtures) {
    test(`${fixture.name}: ${fixture.analyzer}`, () => {
      expect(analyzers.map(({ name }) => name)).toContain(fixture.analyzer);
      expect(findingsOf(fixture, fixture.bad ?? [], fixture.options)).toEqual([...fixture.findings].sort());
      expect(findingsOf(fixture, fixture.good ?? [], fixture.goodOptions ?? fixture.options)).toEqual([]);
    });
  }

  test("each has a fixture, and each of its codes occurs", () => {
    for (const { name, codes: own } of analyzers) {
      const mine = fixtures.filter(({ analyzer }) => analyzer === name);
      const found = new Set(mine.flatMap(({ findings }) => findings.map((line) => line.slice(0, 7))));
      expect({ name, codes: [...found].sort() }).toEqual({ name, codes: [...own].sort() });
    }
  });

  test("every code belongs to an analyzer, or is the program's own", () => {
    const own = new Set<string>(["IST0001", "IST0141", ...analyzers.flatMap((one) => one.codes)]);
    expect(Object.keys(codes).filter((code) => !own.has(code))).toEqual([]);
  });
});
