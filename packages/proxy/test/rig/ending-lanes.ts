import { createConnection } from "node:net";

/** Clients that ask as fast as they are answered, each over connections of its own, until the port is closed. */
export interface EndingLanes {
  /** Connections that were made and ended before a request on them was answered. */
  readonly lost: readonly string[];
  answered(): number;
  /** Settles when every lane was refused, or lost a connection. */
  readonly over: Promise<void>;
}

export interface LanesPlan {
  readonly port: number;
  readonly lanes: number;
  /** Of so many lanes each request has a connection of its own. */
  readonly fresh: number;
}

const REQUEST = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

export function startLanes({ port, lanes, fresh }: LanesPlan): EndingLanes {
  const lost: string[] = [];
  let answered = 0;
  const lane = async (reuses: boolean): Promise<void> => {
    for (;;) {
      const end = await connection(port, reuses, () => answered++);
      if (end === "refused") return;
      if (end !== "done") lost.push(end);
    }
  };
  const all = Array.from({ length: lanes }, (_none, i) => lane(i >= fresh));
  return { lost, answered: () => answered, over: Promise.all(all).then(() => undefined) };
}

/** "done": it was used up; "refused": there is no port any more; else why it was lost. */
function connection(port: number, reuses: boolean, onAnswer: () => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    let connected = false;
    let text = "";
    let asked = 0;
    const ask = () => {
      asked++;
      text = "";
      socket.write(REQUEST);
    };
    const finish = (end: string) => {
      resolve(end);
      socket.destroy();
    };
    socket.on("connect", () => {
      connected = true;
      ask();
    });
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (!text.endsWith("\r\n\r\nok")) return;
      onAnswer();
      if (!reuses || /connection: close/i.test(text)) finish("done");
      else ask();
    });
    socket.on("error", (error) => finish(connected ? `request ${asked}: ${error.message}` : "refused"));
    socket.on("close", () => finish(`request ${asked}: closed behind ${JSON.stringify(text)}`));
  });
}
