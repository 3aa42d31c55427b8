import { type AddressInfo, createServer } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";

/** The bytes that a client with these options says first. */
export function clientHello(options: { servername?: string; ALPNProtocols?: readonly string[] }): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.once("data", (chunk) => {
        resolve(Buffer.from(chunk));
        socket.destroy();
        server.close();
      });
    });
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      const { ALPNProtocols: alpn = [], ...rest } = options;
      connectTls({ host: "127.0.0.1", port, ALPNProtocols: [...alpn], ...rest }).on("error", () => undefined);
    });
  });
}

/** What a TLS client saw. */
export interface SecureAnswer {
  readonly text: string;
  /** "": no handshake. */
  readonly version: string;
  readonly cipher: string;
}

/** A TLS connection to 127.0.0.1 until its end; one that `speaks` has its word echoed, by default a nameless one. */
export function secureTalk(
  options: ConnectionOptions,
  speaks = options.servername === undefined,
): Promise<SecureAnswer> {
  return new Promise((resolve) => {
    const socket = connectTls({ host: "127.0.0.1", rejectUnauthorized: false, ...options });
    let text = "";
    let version = "";
    let cipher = "";
    socket.on("secureConnect", () => {
      if (speaks) socket.write("secure");
      version = socket.getProtocol() ?? "";
      cipher = socket.getCipher()?.name ?? "";
    });
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text === "secure") socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve({ text, version: text === "" ? "" : version, cipher }));
  });
}
