/** Field numbers and values of descriptor.proto that the descriptors read. Source: google/protobuf/descriptor.proto. */
export const FILE = { name: 1, package: 2, message: 4, enum: 5, service: 6 } as const;
export const MESSAGE = { name: 1, field: 2, nested: 3, enum: 4, options: 7, oneof: 8 } as const;
export const MESSAGE_OPTIONS = { deprecated: 3, mapEntry: 7 } as const;
export const FIELD = {
  name: 1,
  number: 3,
  label: 4,
  type: 5,
  typeName: 6,
  options: 8,
  oneofIndex: 9,
  jsonName: 10,
  proto3Optional: 17,
} as const;
export const FIELD_OPTIONS = { packed: 2, deprecated: 3 } as const;
export const ENUM = { name: 1, value: 2, options: 3 } as const;
export const ENUM_VALUE = { name: 1, number: 2, options: 3 } as const;
export const ENUM_OPTIONS = { deprecated: 3 } as const;
export const ENUM_VALUE_OPTIONS = { deprecated: 1 } as const;
export const ONEOF = { name: 1 } as const;
export const SERVICE = { name: 1, method: 2 } as const;
export const METHOD = { name: 1, input: 2, output: 3, clientStreaming: 5, serverStreaming: 6 } as const;

export const LABEL_REPEATED = 3;
export const TYPE_STRING = 9;
export const TYPE_MESSAGE = 11;
export const TYPE_BYTES = 12;
export const TYPE_ENUM = 14;
export const PRESENCE_EXPLICIT = 1;
export const PRESENCE_IMPLICIT = 2;
export const EDITION_PROTO3 = 999;
