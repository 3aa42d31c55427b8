import { create, type JsonObject } from "@bufbuild/protobuf";
import { type Any, AnySchema } from "@bufbuild/protobuf/wkt";
import { packAny, unpackAny } from "./any.ts";
import { TypedStructSchema as UdpaTypedStructSchema } from "./gen/udpa/type/v1/typed_struct_pb.js";
import { TypedStructSchema as XdsTypedStructSchema } from "./gen/xds/type/v3/typed_struct_pb.js";

/** A configuration whose schema the receiver knows by name only, such as `stats.PluginConfig` of `istio.stats`. */
export interface TypedStructValue {
  readonly typeUrl: string;
  readonly value: JsonObject;
}

/** Packs `value` as `udpa.type.v1.TypedStruct`, the form that Envoy and Istio's extensions read. */
export function packTypedStruct(typeUrl: string, value: JsonObject): Any {
  return packAny(UdpaTypedStructSchema, create(UdpaTypedStructSchema, { typeUrl, value }));
}

/** Reads a `TypedStruct` of either package (`udpa.type.v1`, `xds.type.v3`); `undefined` for any other type. */
export function unpackTypedStruct(any: Any): TypedStructValue | undefined {
  const found = unpackAny(any, UdpaTypedStructSchema) ?? unpackAny(any, XdsTypedStructSchema);
  return found === undefined ? undefined : { typeUrl: found.typeUrl, value: found.value ?? {} };
}

/** An `Any` made of bytes that were encoded before (and may be shared). */
export function encodedAny(typeUrl: string, value: Uint8Array): Any {
  return create(AnySchema, { typeUrl, value });
}
