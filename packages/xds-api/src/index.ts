export { isAny, packAny, typeUrlOf, unpackAny } from "./any.ts";
export { type JsonProblem, jsonProblemText } from "./codec/json-problem.ts";
export { type CheckedJson, checkJson, type JsonLeniency, readJson } from "./codec/read-json.ts";
export { readMessage } from "./codec/read-message.ts";
export { writeMessage } from "./codec/write-message.ts";
export { loadTypeRegistry, toDumpJson } from "./json.ts";
export { shortTypeName, type TypeUrl, typeUrls } from "./type-urls.ts";
export { encodedAny, packTypedStruct, type TypedStructValue, unpackTypedStruct } from "./typed-struct.ts";
