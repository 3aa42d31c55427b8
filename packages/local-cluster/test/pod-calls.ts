import { Resolver } from "node:dns/promises";
import { connect } from "node:net";

/** `pod-calls.ts DNS CALL…`, a call being `ip:port`, `ip:portxCOUNT` or a name to look up; prints a JSON list of what came back. */
const [dnsServer = "", ...calls] = process.argv.slice(2);
const resolver = new Resolver({ timeout: 1000, tries: 1 });
resolver.setServers([dnsServer]);

function call(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const started = performance.now();
    let text = "";
    const socket = connect({ host, port });
    socket.setTimeout(2000, () => socket.destroy(new Error("timeout")));
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    socket.on("end", () => resolve(text));
    socket.on("error", (error) => {
      const speed = performance.now() - started < 1500 ? "at once" : "late";
      resolve(`${Reflect.get(error, "code") ?? error.message} ${speed}`);
    });
  });
}

const results: unknown[] = [];
for (const text of calls) {
  const [, host = "", port = "", count = "1"] = /^([\d.]+):(\d+)(?:x(\d+))?$/.exec(text) ?? [];
  if (host === "") {
    results.push(await resolver.resolve4(text).catch((error: unknown) => String(Reflect.get(Object(error), "code"))));
    continue;
  }
  const answers: string[] = [];
  for (let i = 0; i < Number(count); i++) answers.push(await call(host, Number(port)));
  results.push([...new Set(answers)].sort());
}
process.stdout.write(JSON.stringify(results));
process.exit(0);
