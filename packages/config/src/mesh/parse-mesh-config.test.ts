import { describe, expect, test } from "bun:test";
import { parseInjectorValues } from "./injector-values.ts";
import { defaultMeshConfig, parseMeshConfig, parseProxyConfig } from "./parse-mesh-config.ts";
import { withHeaderVariables } from "./provider-headers.ts";
import { proxyConfigJson } from "./proxy-config.ts";

describe("parseMeshConfig", () => {
  test("empty text gives Istio's defaults", () => {
    const read = parseMeshConfig("");
    expect(read.ok && read.value).toEqual(defaultMeshConfig());
    expect(defaultMeshConfig()).toMatchObject({
      connectTimeout: 10_000,
      enableAutoMtls: true,
      accessLogFile: "",
      trustDomain: "cluster.local",
    });
  });

  test("what has no effect is said as a warning, what does not exist is refused", () => {
    const read = parseMeshConfig("verifyCertificateAtClient: true\ndefaultConfig: {statNameLength: 5}");
    expect(read.ok && read.warnings.map((problem) => problem.path)).toEqual([
      "defaultConfig.statNameLength",
      "verifyCertificateAtClient",
    ]);
    const dynamic = parseMeshConfig("outboundTrafficPolicy: {mode: ALLOW_ANY_DYNAMIC_DNS}");
    expect(dynamic.ok ? "" : dynamic.problems[0]?.reason).toStartWith("ALLOW_ANY_DYNAMIC_DNS is not available");
    const wrong = parseMeshConfig("defaultConfig: {concurency: 5}");
    expect(wrong.ok ? "" : wrong.problems[0]?.reason).toContain("did you mean concurrency?");
  });

  test("access logs with a command that no proxy knows are refused; headers get their value from the environment", () => {
    const refused = (text: string) => {
      const read = parseMeshConfig(text);
      return read.ok ? "" : `${read.problems[0]?.path}: ${read.problems[0]?.reason}`;
    };
    expect(refused('accessLogFormat: "%REQ_WITHOUT_QUERY(:PATH)% 100%%\\n"')).toBe("");
    expect(refused('accessLogFormat: "%RESPONSE_KODE%"')).toStartWith("accessLogFormat: %RESPONSE_KODE% is no command");
    const file = (logFormat: string) =>
      `extensionProviders: [{name: a, envoyFileAccessLog: {path: /dev/stdout, logFormat: ${logFormat}}}]`;
    expect(refused(file('{labels: {a: {b: "5%"}}}'))).toStartWith(
      "extensionProviders[0].envoyFileAccessLog.logFormat.labels: a: b: has a percent sign",
    );
    const zipkin = (headers: string) =>
      `extensionProviders: [{name: z, zipkin: {service: z, port: 1, headers: [${headers}]}}]`;
    expect(refused(zipkin("{name: a}"))).toStartWith("extensionProviders[0].zipkin.headers[0]: one of value, envName");
    const metadata = (of: string) =>
      refused(
        `extensionProviders: [{name: o, opentelemetry: {service: o, port: 1, grpc: {initialMetadata: [${of}]}}}]`,
      );
    expect(metadata("{name: Key, value: v}")).toBe("");
    expect(metadata("{name: key-bin, value: v}")).toContain("initialMetadata[0].name: has to be letters");
    expect(metadata('{name: key, value: "a\\tb"}')).toContain("initialMetadata[0].value: holds what is not printable");
    const read = parseMeshConfig(
      zipkin("{name: a, value: b}, {name: c, envName: TOKEN}, {name: d, envName: GONE}, {name: e, envName: BELL}"),
    );
    if (!read.ok) throw new Error("not read");
    const { mesh, missing } = withHeaderVariables(read.value, { TOKEN: "secret\n", BELL: "a\u0007b" });
    expect(missing).toEqual(["GONE", "BELL"]);
    expect(mesh.extensionProviders[0]?.zipkin?.headers).toEqual([
      { name: "a", value: "b" },
      { name: "c", value: "secret" },
    ]);
  });

  test("broken and hostile YAML are problems, not exceptions", () => {
    for (const text of [
      "a: [",
      "a: 1\na: 2",
      `a: &a [x]\n${Array.from({ length: 30 }, (_, i) => `b${i}: [*a, *a, *a, *a, *a]`).join("\n")}`,
      "- 1",
      "\u0000",
    ]) {
      expect(parseMeshConfig(text).ok).toBe(false);
    }
  });

  test("ProxyConfig survives the way into a sidecar's environment", () => {
    const read = parseProxyConfig(
      "drainDuration: 1m30s\nholdApplicationUntilProxyStarts: true\nproxyMetadata: {A: b}",
      "test",
    );
    if (!read.ok) throw new Error("not read");
    const again = parseProxyConfig(JSON.stringify(proxyConfigJson(read.value)), "test");
    expect(again.ok && again.value).toEqual(read.value);
  });

  test("injector values are Helm values: what is unknown is left alone", () => {
    const read = parseInjectorValues('{"global": {"proxy": {"image": "x:1", "unknown": 1}}, "other": {}}');
    expect(read.ok && read.value.global.proxy.image).toBe("x:1");
    expect(read.ok && read.value.global.proxy.clusterDomain).toBe("cluster.local");
  });
});
