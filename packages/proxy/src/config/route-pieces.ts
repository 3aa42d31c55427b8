import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { readMessage } from "@heddle/xds-api";
import { type RouteConfiguration, RouteConfigurationSchema, type VirtualHost, VirtualHostSchema } from "./proto.ts";

/** A RouteConfiguration whose routes are still bytes, one piece for each: ten thousand of them are too much for one turn. */
export interface RoutePieces {
  /** Without virtual hosts. */
  readonly table: RouteConfiguration;
  readonly hosts: readonly HostPieces[];
}

export interface HostPieces {
  /** Without routes. */
  readonly host: VirtualHost;
  readonly routes: readonly Uint8Array[];
}

/** Errors: throws when the bytes are no such message; those of the routes are not looked at. */
export function readRoutePieces(bytes: Uint8Array): RoutePieces {
  const { rest, pieces } = split(bytes, RouteConfigurationSchema.field.virtualHosts.number);
  return {
    table: readMessage(RouteConfigurationSchema, rest),
    hosts: pieces.map((piece) => {
      const { rest: own, pieces: routes } = split(piece, VirtualHostSchema.field.routes.number);
      return { host: readMessage(VirtualHostSchema, own), routes };
    }),
  };
}

/** The values of one repeated message field, and the bytes of all others. */
function split(bytes: Uint8Array, wanted: number): { rest: Uint8Array; pieces: readonly Uint8Array[] } {
  const reader = new BinaryReader(bytes);
  const pieces: Uint8Array[] = [];
  const others: Uint8Array[] = [];
  while (reader.pos < bytes.length) {
    const start = reader.pos;
    const [no, wireType] = reader.tag();
    if (no === wanted && wireType === WireType.LengthDelimited) {
      pieces.push(reader.bytes());
    } else {
      reader.skip(wireType, no);
      others.push(bytes.subarray(start, reader.pos));
    }
  }
  return { rest: Buffer.concat(others), pieces };
}
