export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** What `/hello` and `/health` say; nothing else is there. */
export function hello(path: string, version: string, instance: string): Answer {
  if (path === "/hello") return { status: 200, text: `Hello version: ${version}, instance: ${instance}\n` };
  if (path === "/health") return { status: 200, text: "Helloworld is healthy" };
  return { status: 404, text: `${path} is not here; ask for /hello\n` };
}
