/** The node agent with real processes, in namespaces of its own. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fieldsOf } from "../src/kubelet/spec/decode.ts";
import { enterLanes } from "./node-lanes.ts";
import { PODS, podsOn, shell, until } from "./node-pods.ts";
import { type OneNode, startOneNode } from "./one-node.ts";

const lane = enterLanes(import.meta.path);
if (lane !== undefined) nodeAgent(lane === "rootless");

function nodeAgent(rootless: boolean): void {
  const directory = mkdtempSync(path.join(tmpdir(), "heddle-node-"));
  let node: OneNode;
  let pods: ReturnType<typeof podsOn>;
  beforeAll(async () => {
    node = await startOneNode(directory, rootless);
    pods = podsOn(node);
  });
  afterAll(async () => {
    await node.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test("init containers run in order, sidecars stay, the pod is ready", async () => {
    await pods.run("order", shell("cat /work/log; sleep 100"), {
      initContainers: [
        {
          name: "one",
          image: "busybox",
          ...shell("echo one >>/work/log"),
          volumeMounts: [{ name: "work", mountPath: "/work" }],
        },
        {
          name: "side",
          image: "busybox",
          restartPolicy: "Always",
          ...shell("echo side >>/work/log; sleep 100"),
          startupProbe: { exec: { command: ["test", "-s", "/work/log"] }, periodSeconds: 1 },
          volumeMounts: [{ name: "work", mountPath: "/work" }],
        },
        {
          name: "two",
          image: "busybox",
          ...shell("echo two >>/work/log"),
          volumeMounts: [{ name: "work", mountPath: "/work" }],
        },
      ],
      containers: [
        {
          name: "main",
          image: "busybox",
          ...shell("cat /work/log; sleep 100"),
          volumeMounts: [{ name: "work", mountPath: "/work" }],
        },
      ],
      volumes: [{ name: "work", emptyDir: {} }],
    });
    await pods.ready("order");
    expect(await pods.logged("order", "two")).toBe("one\nside\ntwo\n");
    await node.api.delete(PODS, "default", "order");
    await pods.gone("order");
  });

  test("crashes are restarted with back-off, the last run's words are kept", async () => {
    await pods.run("crash", shell("echo run; echo why >/dev/termination-log; exit 3"));
    expect(await pods.waitingReason("crash", "CrashLoopBackOff")).toStartWith(
      "back-off 10s restarting failed container=main",
    );
    const { restartCount, lastState } = await pods.container("crash");
    expect(restartCount).toBe(1);
    expect(lastState).toMatchObject({ terminated: { exitCode: 3, reason: "Error", message: "why" } });
    expect(await pods.logs("crash", undefined, true)).toBe("run\n");
    await pods.run("words", {
      ...shell("echo said; echo last >&2; exit 1"),
      terminationMessagePolicy: "FallbackToLogsOnError",
    });
    await pods.waitingReason("words", "CrashLoopBackOff");
    const { lastState: fromLog } = await pods.container("words");
    expect(fieldsOf(fieldsOf(fromLog)["terminated"])["message"]).toMatch(/^(said\nlast|last\nsaid)$/);
    await pods.remove("crash", "words");
  });

  test("what a pod asks for in vain is said in a sentence", async () => {
    await pods.run("image", { image: "nowhere.example/nothing:1" });
    await pods.run("program", { command: ["nosuch"] });
    await pods.run("config", {
      command: ["env"],
      env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "nope", key: "k" } } }],
    });
    await pods.run("volume", { command: ["env"] }, { volumes: [{ name: "v", secret: { secretName: "nope" } }] });
    expect(await pods.waitingReason("image", "ErrImagePull")).toContain("images.json");
    expect(await pods.eventOf("program", "Failed")).toContain('exec: "nosuch": executable file not found in $PATH');
    expect(await pods.waitingReason("config", "CreateContainerConfigError")).toBe('configmap "nope" not found');
    expect(await pods.eventOf("volume", "FailedMount")).toBe(
      'MountVolume.SetUp failed for volume "v" : secret "nope" not found',
    );
    await pods.create("ConfigMap", "configmaps", "nope", { data: { k: "found" } });
    expect(await pods.logged("config", "A=found")).toContain("A=found");
    for (const name of ["image", "program", "config", "volume"]) await node.api.delete(PODS, "default", name);
  });

  test("users, capabilities, volumes, environment", async () => {
    await pods.create("ConfigMap", "configmaps", "cm", { data: { key: "first" } });
    await pods.create("Secret", "secrets", "sec", { data: { pw: Buffer.from("hunter2").toString("base64") } });
    const mounts = ["cm", "all", "mem"].map((name) => ({ name, mountPath: `/v/${name}` }));
    await pods.run(
      "wishes",
      {
        ...shell(
          "id -u; id -G; grep CapBnd /proc/self/status; cat /v/cm/key /v/all/pw; wc -c </v/all/token; cat /v/all/labels; echo; touch /no; touch /v/mem/yes && echo wrote; echo $IP $PW; while :; do cat /v/cm/key; echo; sleep 0.2; done",
        ),
        env: [
          { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
          { name: "PW", valueFrom: { secretKeyRef: { name: "sec", key: "pw" } } },
        ],
        securityContext: {
          runAsUser: 1337,
          runAsGroup: 1337,
          readOnlyRootFilesystem: true,
          capabilities: { add: ["NET_ADMIN"], drop: ["ALL"] },
        },
        volumeMounts: mounts,
      },
      {
        securityContext: { fsGroup: 4242 },
        volumes: [
          { name: "cm", configMap: { name: "cm" } },
          { name: "mem", emptyDir: { medium: "Memory" } },
          {
            name: "all",
            projected: {
              sources: [
                { serviceAccountToken: { audience: "istio-ca", expirationSeconds: 43200, path: "token" } },
                { secret: { name: "sec" } },
                { downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
              ],
            },
          },
        ],
      },
      { labels: { app: "x" } },
    );
    const first = await pods.logged("wishes", "wrote\n10\\.");
    expect(first).toStartWith(rootless ? "0\n0\n" : "1337\n1337 4242\n");
    // Where there are no user ids the proxy's own (1337) also gets NET_RAW, which its socket mark takes.
    expect(first).toContain(`CapBnd:\t000000000000${rootless ? 3 : 1}000\n`);
    expect(first).toContain("firsthunter2");
    expect(first).toContain('app="x"\n');
    expect(first).toContain("touch: cannot touch '/no': Read-only file system");
    expect(first).toMatch(/10\.40\.\d+\.\d+ hunter2\n/);
    await node.api.patch({ group: "", version: "v1", resource: "configmaps" }, "default", "cm", {
      data: { key: "second" },
    });
    await pods.logged("wishes", "second");
    await node.api.delete(PODS, "default", "wishes");
  });

  test("probes: startup, readiness, liveness over HTTP; the restarted container is ready again", async () => {
    const server =
      "let n = 0; Bun.serve({ port: 8080, fetch: (r) => new Response('', { status: r.url.endsWith('live') && ++n > 1 ? 500 : 200 }) })";
    await pods.run("probes", {
      image: "heddle/heddle",
      command: ["/opt/heddle/bun", "-e", server],
      ports: [{ name: "web", containerPort: 8080 }],
      startupProbe: { tcpSocket: { port: "web" }, periodSeconds: 1, failureThreshold: 10 },
      readinessProbe: { httpGet: { path: "/ready", port: "web" }, periodSeconds: 1 },
      livenessProbe: { httpGet: { path: "/live", port: 8080 }, periodSeconds: 1, failureThreshold: 2 },
    });
    await pods.ready("probes");
    expect(await pods.eventOf("probes", "Unhealthy")).toContain("probe failed");
    expect(await pods.eventOf("probes", "Killing")).toBe("Container main failed liveness probe, will be restarted");
    await until("restart", async () => Number((await pods.container("probes"))["restartCount"]) >= 1 || undefined);
    await pods.ready("probes");
    await node.api.delete(PODS, "default", "probes");
  });

  test("a job's pod ends, with its sidecar; a deadline fails it", async () => {
    await pods.run("job", shell("echo done"), {
      restartPolicy: "Never",
      initContainers: [{ name: "side", image: "busybox", restartPolicy: "Always", ...shell("sleep 100") }],
    });
    await pods.phase("job", "Succeeded");
    expect(await pods.container("job", "initContainerStatuses")).toMatchObject({ state: { terminated: {} } });
    await pods.run("late", shell("sleep 100"), { activeDeadlineSeconds: 1 });
    await pods.phase("late", "Failed");
    expect(fieldsOf((await node.api.get(PODS, "default", "late"))["status"])["reason"]).toBe("DeadlineExceeded");
    for (const name of ["job", "late"]) await node.api.delete(PODS, "default", name);
  });

  test("deletion: preStop, SIGTERM, then the sidecars in reverse order; nothing stays", async () => {
    const says = (name: string) => shell(`trap 'echo ${name} >>/work/log; exit 0' TERM; while :; do sleep 0.05; done`);
    const volumeMounts = [{ name: "work", mountPath: "/work" }];
    const work = path.join(directory, "work");
    await pods.run(
      "end",
      {},
      {
        terminationGracePeriodSeconds: 10,
        initContainers: ["s1", "s2"].map((name) => ({
          name,
          image: "busybox",
          restartPolicy: "Always",
          ...says(name),
          volumeMounts,
        })),
        containers: [
          {
            name: "main",
            image: "busybox",
            ...says("main"),
            volumeMounts,
            lifecycle: { preStop: { exec: { command: ["sh", "-c", "echo hook >>/work/log; sleep 0.3"] } } },
          },
        ],
        volumes: [{ name: "work", hostPath: { path: work, type: "DirectoryOrCreate" } }],
      },
    );
    await pods.ready("end");
    await node.api.delete(PODS, "default", "end");
    await pods.gone("end");
    expect(await Bun.file(path.join(work, "log")).text()).toBe("hook\nmain\ns2\ns1\n");
    const mounts = await Bun.file("/proc/self/mounts").text();
    expect(mounts).not.toContain("/containers/main/rootfs");
  });
}
