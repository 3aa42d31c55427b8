import { headerOf, type Origin, startOrigin } from "./origin.ts";

/** The HTTP/1 application of the tables: the same answers as the HTTP/2 one. */
export function startH1Origin(): Promise<Origin> {
  return startOrigin(
    ({ method, target, body, trailers, socket }) => {
      const send = (text: string) => void socket.write(Buffer.from(text, "latin1"));
      const [, what = "", argument = ""] = target.split("/");
      switch (what) {
        case "status": {
          const empty = argument === "204" || argument === "304" ? "" : "content-length: 0\r\n";
          send(`HTTP/1.1 ${argument} Text\r\nx-app: yes\r\n${empty}\r\n`);
          return;
        }
        case "head":
          send("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n");
          return;
        case "bytes":
          send(`HTTP/1.1 200 OK\r\ncontent-length: ${argument}\r\n\r\n`);
          socket.write(Buffer.alloc(Number(argument), 98));
          return;
        case "cut":
          send(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e8\r\n${"c".repeat(1000)}\r\n`);
          setTimeout(() => socket.destroy(), 50);
          return;
        case "never":
          return;
        default: {
          const echo = /x-sum: (\S+)/.exec(trailers)?.[1] ?? "none";
          const chunk = body === "" ? "" : `${body.length.toString(16)}\r\n${body}\r\n`;
          send(
            `HTTP/1.1 200 OK\r\nx-method: ${method}\r\ntransfer-encoding: chunked\r\n\r\n${chunk}0\r\nx-echo: ${echo}\r\n\r\n`,
          );
        }
      }
    },
    (head, socket, rest) => {
      if (headerOf(head, "upgrade") !== "websocket") return false;
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n");
      if (rest.length > 0) socket.write(rest);
      socket.on("data", (chunk: Buffer) => void socket.write(chunk));
      socket.on("end", () => socket.end("bye"));
      return true;
    },
  );
}
