import { createServer, type Server } from "node:http";

/** Counters of one program, in Prometheus' text format. */
export interface Counters {
  /** Adds one. Label names and values come in pairs of one object; the first use of a name fixes its help text. */
  count(name: string, help: string, labels: Readonly<Record<string, string>>): void;
  expose(): string;
}

export function createCounters(): Counters {
  const families = new Map<string, { readonly help: string; readonly series: Map<string, number> }>();
  return {
    count(name, help, labels) {
      const family = families.get(name) ?? { help, series: new Map<string, number>() };
      families.set(name, family);
      const key = Object.entries(labels)
        .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
        .join(",");
      family.series.set(key, (family.series.get(key) ?? 0) + 1);
    },
    expose() {
      let text = "";
      for (const [name, { help, series }] of families) {
        text += `# HELP ${name} ${help}\n# TYPE ${name} counter\n`;
        for (const [labels, value] of series) text += `${name}{${labels}} ${value}\n`;
      }
      return text;
    },
  };
}

/** Serves `/metrics`. Resolves with the bound port. Errors: rejects when the port is taken. */
export function serveCounters(
  counters: Counters,
  address: { readonly host: string; readonly port: number },
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((request, response) => {
    if (request.url !== "/metrics") {
      response.writeHead(404).end("404 page not found\n");
      return;
    }
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end(counters.expose());
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(address.port, address.host, () => {
      const bound = server.address();
      resolve({ server, port: typeof bound === "object" && bound !== null ? bound.port : address.port });
    });
  });
}
