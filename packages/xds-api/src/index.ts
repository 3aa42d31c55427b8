export { isAny, packAny, typeUrlOf, unpackAny } from "./any.ts";
export { loadTypeRegistry, toDumpJson } from "./json.ts";
export { shortTypeName, type TypeUrl, typeUrls } from "./type-urls.ts";
export { encodedAny, packTypedStruct, type TypedStructValue, unpackTypedStruct } from "./typed-struct.ts";
