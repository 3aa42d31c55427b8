import { type AttributeWriter, createAttributeWriter } from "../attribute.ts";
import { KernelError } from "../kernel-error.ts";
import { FLAG_ACK, FLAG_DUMP, FLAG_REQUEST, type NetlinkMessage, writeMessage } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";

/** One rtnetlink command. `what` names it in errors; `tolerate` lists error numbers that count as done. */
export interface RouteCommand {
  readonly what: string;
  readonly type: number;
  readonly flags: number;
  readonly tolerate: readonly number[];
  body(writer: AttributeWriter): void;
}

/** Sends commands in one datagram, in order. Errors: throws `KernelError` for the first that failed. */
export function runCommands(socket: NetlinkSocket, commands: readonly RouteCommand[]): void {
  const writer = createAttributeWriter();
  for (const [index, command] of commands.entries()) {
    writeMessage(writer, command.type, command.flags | FLAG_REQUEST | FLAG_ACK, index + 1, () => command.body(writer));
  }
  for (const reply of socket.exchange(writer.finish())) {
    if (reply.kind !== "status" || reply.errno === 0) continue;
    const command = commands[reply.sequence - 1];
    if (command === undefined) throw new KernelError("network configuration", reply.errno, reply.text);
    if (!command.tolerate.includes(reply.errno)) throw new KernelError(command.what, reply.errno, reply.text);
  }
}

/** Sends one query (a dump, or a single get) and gives the data messages. */
export function runQuery(
  socket: NetlinkSocket,
  what: string,
  type: number,
  dump: boolean,
  body: (writer: AttributeWriter) => void,
): readonly NetlinkMessage[] {
  const writer = createAttributeWriter();
  writeMessage(writer, type, FLAG_REQUEST | (dump ? FLAG_DUMP : 0), 1, () => body(writer));
  const found: NetlinkMessage[] = [];
  for (const reply of socket.exchange(writer.finish())) {
    if (reply.kind === "status" && reply.errno !== 0) throw new KernelError(what, reply.errno, reply.text);
    if (reply.kind === "data") found.push(reply.message);
  }
  return found;
}
