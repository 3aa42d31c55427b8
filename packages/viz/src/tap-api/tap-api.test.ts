import { describe, expect, test } from "bun:test";
import { maySpeak, readFrontProxy, remoteUser } from "./front-proxy.ts";
import { createTapHandler } from "./tap-handler.ts";
import { readTapPath, type TapQuestion, tapPath } from "./tap-question.ts";

const configMap = (data: Readonly<Record<string, string>>) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "extension-apiserver-authentication" },
  data,
});
const frontProxy = readFrontProxy(
  configMap({
    "requestheader-client-ca-file": "PEM",
    "requestheader-allowed-names": '["front-proxy-client"]',
    "requestheader-username-headers": '["X-Remote-User"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
  }),
);
const ask = { maxRps: 100, recent: false, follow: true } as const;

describe("tap behind the API server", () => {
  test("learns who asks from the headers of the front proxy", () => {
    const headers = [
      "x-remote-user",
      "jane",
      "X-Remote-Group",
      "dev, ops",
      "x-remote-group",
      "all",
      "x-remote-extra-a%2fb",
      "1",
    ];
    expect(remoteUser(frontProxy, headers)).toEqual({
      name: "jane",
      groups: ["dev, ops", "all"],
      extra: { "a/b": ["1"] },
    });
    expect(remoteUser(frontProxy, ["x-remote-group", "system:masters"])).toBeUndefined();
    expect([maySpeak(frontProxy, "front-proxy-client"), maySpeak(frontProxy, "jane")]).toEqual([true, false]);
    expect(() => readFrontProxy(configMap({}))).toThrow("aggregation layer is off");
  });

  test("reads the path that its own client writes", () => {
    const questions: readonly TapQuestion[] = [
      { kind: "deployment", name: "web", namespace: "shop", ...ask },
      { kind: "deployment", namespace: "shop", ...ask, selector: "app=web" },
      { kind: "namespace", name: "shop", namespace: "shop", ...ask, recent: true, follow: false },
      { kind: "pod", ...ask, maxRps: 7 },
    ];
    for (const question of questions) {
      const { pathname, searchParams } = new URL(tapPath(question), "https://tap");
      const read = readTapPath(pathname, searchParams);
      expect(typeof read === "object" ? read.question : read).toEqual(question);
    }
    const read = (path: string) =>
      readTapPath(new URL(path, "https://tap").pathname, new URL(path, "https://tap").searchParams);
    const root = "/apis/tap.linkerd.io/v1alpha1/watch/namespaces/shop";
    expect(read(`${root}/gadgets/web/tap`)).toContain("expected watch/namespaces");
    expect(read(`${root}/deployments/web/log`)).toBe("only the subresource tap is served here");
    expect(read(`${root}/tap?maxRps=0`)).toContain("maxRps must be above 0");
    expect(read(`${root}/tap?kind=gadget`)).toContain("is unknown");
    expect(read("/apis/tap.linkerd.io/v1alpha1/watch/%E0%A4%A/tap")).toContain("expected");
  });

  test("asks the cluster for each stream, and says what was refused", async () => {
    const asked: unknown[] = [];
    const handle = createTapHandler({
      mayWatch: async (user, right) => {
        asked.push([user.name, right]);
        return { allowed: user.name === "jane", reason: "" };
      },
      watch: async (question, sink) => sink.line({ question: question.kind }),
    });
    const path = "/apis/tap.linkerd.io/v1alpha1/watch/namespaces/shop/deployments/web/tap";
    const as = (name: string) => handle(path, new URLSearchParams(), { name, groups: [], extra: {} });
    expect(await as("joe")).toMatchObject({
      status: 403,
      body: {
        message:
          'deployments.tap.linkerd.io "web" is forbidden: User "joe" cannot watch resource "deployments/tap" in API group "tap.linkerd.io" in the namespace "shop"',
      },
    });
    expect(asked).toEqual([["joe", { resource: "deployments", namespace: "shop", name: "web" }]]);
    expect(await handle(path, new URLSearchParams(), undefined)).toMatchObject({ status: 401 });
    expect(await handle("/apis/tap.linkerd.io/v1alpha1", new URLSearchParams(), undefined)).toMatchObject({
      status: 200,
    });
    const answer = await as("jane");
    const lines: object[] = [];
    if (answer.kind === "stream")
      await answer.run({ line: (value) => lines.push(value), signal: AbortSignal.timeout(100) });
    expect(lines).toEqual([{ question: "deployment" }]);
  });
});
