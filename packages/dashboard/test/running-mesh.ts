import { join } from "node:path";

export const root = join(import.meta.dir, "../../..");

/** A program of the test, ended by the test. */
interface Child {
  printed(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray>;
  end(): Promise<void>;
}

function start(args: readonly string[], env: Readonly<Record<string, string>>): Child {
  const child = Bun.spawn([join(root, "bin/heddle"), ...args], {
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  let text = "";
  const follow = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const piece of stream) text += decoder.decode(piece, { stream: true });
  };
  void follow(child.stdout);
  void follow(child.stderr);
  return {
    async printed(pattern, timeoutMs) {
      const end = performance.now() + timeoutMs;
      for (;;) {
        const found = pattern.exec(text);
        if (found) return found;
        if (child.exitCode !== null || performance.now() > end)
          throw new Error(`heddle ${args.join(" ")} did not print ${pattern}:\n${text.slice(-3000)}`);
        await Bun.sleep(50);
      }
    },
    async end() {
      child.kill("SIGINT");
      const late = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await child.exited;
      clearTimeout(late);
    },
  };
}

/** Emojivoto in a mesh in an embedded cluster, with the dashboard opened on this machine. */
export interface RunningMesh {
  readonly url: string;
  /** Runs `kube-deeds.ts`; gives what it printed. Errors: what it complained of. */
  deed(...words: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

export async function startMesh(name: string): Promise<RunningMesh> {
  const demo = start(["demo", "--name", name, "--request-rate", "5"], {});
  try {
    await demo.printed(/All pods ready after/, 120_000);
    const list = Bun.spawnSync([join(root, "bin/heddle"), "local", "list"]).stdout.toString();
    const kubeconfig = new RegExp(`^${name}\\s.*?(/\\S+kubeconfig)`, "m").exec(list)?.[1];
    if (!kubeconfig) throw new Error(`no cluster ${name} in:\n${list}`);
    const dashboard = start(["viz", "dashboard", "--show", "url", "-p", "0"], { KUBECONFIG: kubeconfig });
    const [, url = ""] = await dashboard.printed(/(http:\/\/localhost:\d+\/)/, 30_000);
    return {
      url,
      deed: (...words) => deed(kubeconfig, words),
      close: async () => {
        await dashboard.end();
        await demo.end();
      },
    };
  } catch (error) {
    await demo.end();
    throw error;
  }
}

async function deed(kubeconfig: string, words: readonly string[]): Promise<string> {
  const child = Bun.spawn([join(root, "bin/bun"), join(import.meta.dir, "kube-deeds.ts"), ...words], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [printed, complaint] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (child.exitCode !== 0) throw new Error(`${words[0]} failed: ${complaint.slice(-1000)}`);
  return printed;
}
