import { readFileSync } from "node:fs";
import { parse, stringify } from "yaml";

interface Kubeconfig {
  readonly clusters: readonly { readonly name: string; readonly cluster: Readonly<Record<string, string>> }[];
}

/** A way to an embedded cluster by which its clock seems to be `skewS` ahead of this machine's: the API server's answers say when they were given. */
export async function withOtherClock(path: string, skewS: number) {
  const before = readFileSync(path, "utf8");
  const config = parse(before) as Kubeconfig;
  const [{ name = "", cluster = {} } = {}] = config.clusters;
  const ca = Buffer.from(cluster["certificate-authority-data"] ?? "", "base64").toString();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const authorization = request.headers.get("authorization") ?? "";
      const answer = await fetch(`${cluster["server"]}${pathname}${search}`, {
        headers: { authorization },
        tls: { ca },
      });
      const date = new Date(Date.now() + skewS * 1000).toUTCString();
      const headers = { "content-type": answer.headers.get("content-type") ?? "", date };
      return new Response(await answer.text(), { status: answer.status, headers });
    },
  });
  const through = { name, cluster: { server: `http://127.0.0.1:${server.port}` } };
  return {
    before,
    kubeconfig: stringify({ ...config, clusters: [through] }),
    close: () => server.stop(true),
  };
}
