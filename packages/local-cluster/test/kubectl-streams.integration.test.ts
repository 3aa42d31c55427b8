/** exec, attach, logs, cp and port-forward of the stock kubectl, over WebSocket and over SPDY. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { enterLanes } from "./node-lanes.ts";
import { PODS, podsOn, shell, until } from "./node-pods.ts";
import { type OneNode, startOneNode } from "./one-node.ts";

const lane = enterLanes(import.meta.path);
if (lane !== undefined) streams(lane === "rootless");

function streams(rootless: boolean): void {
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

  const kubectl = Bun.which("kubectl");
  if (!kubectl) console.log("skipped: exec and port-forward by kubectl, which this machine doesn't have");
  describe.skipIf(!kubectl).each(["true", "false"])("kubectl with WebSockets %s", (webSockets) => {
    const name = `srv-${webSockets}`;
    const env = {
      ...process.env,
      HOME: directory,
      KUBECTL_REMOTE_COMMAND_WEBSOCKETS: webSockets,
      KUBECTL_PORT_FORWARD_WEBSOCKETS: webSockets,
    };
    const start = (args: readonly string[]) =>
      Bun.spawn([kubectl ?? "", ...args], {
        env: { ...env, KUBECONFIG: node.kubeconfig },
        stdio: ["pipe", "pipe", "pipe"],
      });

    beforeAll(async () => {
      const server =
        "Bun.serve({ port: 8080, hostname: '127.0.0.1', fetch: async (r) => new Response('got ' + (await r.bytes()).length) })";
      await pods.run(name, { image: "heddle/heddle", command: ["/opt/heddle/bun", "-e", server] });
      await pods.ready(name);
    });
    afterAll(() => node.api.delete(PODS, "default", name));

    test("exec keeps streams apart and passes the exit code", async () => {
      const child = start(["exec", "-i", name, "--", "sh", "-c", "cat; echo err >&2; exit 7"]);
      const input = new Uint8Array(3_000_000).fill(97);
      child.stdin.write(input);
      child.stdin.end();
      const [out, err, code] = await Promise.all([
        new Response(child.stdout).bytes(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      expect(out.length).toBe(input.length);
      expect(err).toBe("err\ncommand terminated with exit code 7\n");
      expect(code).toBe(7);
    });

    test("exec -it gives a terminal of the client's size", async () => {
      const chunks: Buffer[] = [];
      const output = (): string => Buffer.concat(chunks).toString();
      const child = Bun.spawn(
        [
          kubectl ?? "",
          "exec",
          "-it",
          name,
          "--",
          "sh",
          "-c",
          "tty; while stty size; read x; [ -z $x ]; do :; done; echo got $x; exit 4",
        ],
        {
          env: { ...env, KUBECONFIG: node.kubeconfig },
          terminal: { cols: 101, rows: 33, data: (_terminal, data) => chunks.push(Buffer.from(data)) },
        },
      );
      // Sizes travel beside the input: whoever asks again soon sees them.
      const sees = (size: string) =>
        until(`size ${size}`, async () => {
          child.terminal?.write("\n");
          await Bun.sleep(50);
          return output().includes(size) || undefined;
        });
      await sees("33 101");
      child.terminal?.resize(77, 22);
      await sees("22 77");
      child.terminal?.write("word\n");
      expect(await child.exited).toBe(4);
      expect(output()).toMatch(/\/dev\/pts\/\d+/);
      expect(output()).toContain("got word");
    });

    test("port-forward reaches 127.0.0.1 of the pod", async () => {
      const child = start(["port-forward", `pod/${name}`, ":8080"]);
      const reader = child.stdout.getReader();
      const { value } = await reader.read();
      const port = /127\.0\.0\.1:(\d+)/.exec(Buffer.from(value ?? []).toString())?.[1];
      const body = new Uint8Array(2_000_000);
      for (let round = 0; round < 3; round++) {
        const answer = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body });
        expect(await answer.text()).toBe("got 2000000");
      }
      child.kill();
      await child.exited;
    });

    test("logs -f ends with the container", async () => {
      const pod = `once-${webSockets}`;
      await pods.run(pod, shell("for i in 1 2 3; do echo $i; sleep 0.1; done"), { restartPolicy: "Never" });
      await until("start", async () => (await pods.logs(pod).catch(() => "")) || undefined);
      const child = start(["logs", "-f", pod]);
      expect(await new Response(child.stdout).text()).toBe("1\n2\n3\n");
      await node.api.delete(PODS, "default", pod);
    });

    test("logs of one container, of the run before, with the container named wrongly", async () => {
      const pod = `crashed-${webSockets}`;
      await pods.run(
        pod,
        {},
        {
          containers: [
            { name: "main", image: "busybox", ...shell("echo from main; exit 1") },
            { name: "other", image: "busybox", ...shell("echo from other; sleep 100") },
          ],
        },
      );
      await pods.waitingReason(pod, "CrashLoopBackOff");
      await pods.logged(pod, "from other", "other");
      const output = async (...args: string[]) => {
        const child = start(["logs", pod, ...args]);
        const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
        return out + err;
      };
      expect(await output("-c", "other")).toBe("from other\n");
      expect(await output("-p", "-c", "main")).toBe("from main\n");
      expect(await output("-c", "nosuch")).toContain(`container nosuch is not valid for pod ${pod}`);
      await pods.remove(pod);
    });

    test("attach reaches the program's input and output", async () => {
      const pod = `reads-${webSockets}`;
      await pods.run(pod, { ...shell("read x; echo heard $x; sleep 100"), stdin: true });
      await pods.ready(pod);
      const child = start(["attach", "-i", pod]);
      child.stdin.write("hello\n");
      child.stdin.flush();
      let out = "";
      for await (const chunk of child.stdout) {
        out += Buffer.from(chunk).toString();
        if (out.includes("heard")) break;
      }
      expect(out).toContain("heard hello");
      child.kill();
      await child.exited;
      await pods.remove(pod);
    });

    test("cp copies into and out of a container", async () => {
      const file = path.join(directory, `cp-${webSockets}`);
      const content = Buffer.alloc(700_000, `${webSockets} and on `);
      writeFileSync(file, content);
      const copy = async (from: string, to: string) => {
        const child = start(["cp", from, to]);
        const said = await new Response(child.stderr).text();
        expect({ code: await child.exited, said }).toMatchObject({ code: 0 });
      };
      await copy(file, `${name}:/tmp/copied`);
      await copy(`${name}:/tmp/copied`, `${file}.back`);
      expect(readFileSync(`${file}.back`).equals(content)).toBe(true);
    });
  });
}
